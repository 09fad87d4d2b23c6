// SPDX-License-Identifier: Apache-2.0
#include "worker/format/format.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/limits.h"

#define GOOD                                                                   \
    "10.0.0.1 - - [10/Oct/2024:13:55:36 +0000] \"GET / HTTP/1.1\" 200 23 "     \
    "\"-\" \"-\"\n"

// What is found where so many lines that are in no format come first.
static errcode_t
detect_behind(unsigned n)
{
    const format_t *format = NULL;
    buf_t text = {0}, why = {0};

    for (unsigned i = 0; i < n; i++) {
        buf_put_str(&text, "((((\n");
    }
    buf_put_str(&text, GOOD);
    errcode_t rc = format_detect(buf_span(&text), true, &format, &why);
    assert_int_equal(rc == ERR_OK, format != NULL);
    buf_fini(&text);
    buf_fini(&why);
    return rc;
}

// As the last of n.
static bool
is_detected(uint64_t n)
{
    errcode_t rc = detect_behind((unsigned)n - 1);

    assert_true(rc == ERR_OK || rc == ERR_FORMAT);
    return rc == ERR_OK;
}

static void
test_so_many_lines_are_looked_at(void **state)
{
    (void)state;
    CHECK_OK(detect_behind(0));
    CHECK_LIMIT(LIMIT_DETECT_LINES, is_detected);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_so_many_lines_are_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
