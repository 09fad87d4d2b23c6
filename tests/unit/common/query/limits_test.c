// SPDX-License-Identifier: Apache-2.0
// The limits of a query: each is parsed at its value, and refused one past.
#include "common/query/query.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/limits.h"

static errcode_t
parse(buf_t *text)
{
    query_error_t error;
    query_t *q = NULL;

    buf_put_u8(text, 0);
    errcode_t rc = query_parse((const char *)text->p, &q, &error);
    query_destroy(&q);
    buf_fini(text);
    return rc;
}

static errcode_t
with_set(unsigned n)
{
    buf_t text = {0};

    buf_put_str(&text, "status in (1");
    for (unsigned i = 2; i <= n; i++) {
        buf_printf(&text, ",%u", i);
    }
    buf_put_str(&text, ")");
    return parse(&text);
}

static void
test_items_of_a_set(void **state)
{
    (void)state;
    CHECK_OK(with_set(LIMIT_SET_ITEMS));
    CHECK_ERR(with_set(LIMIT_SET_ITEMS + 1), ERR_QUERY);
}

static errcode_t
with_stages(unsigned n)
{
    buf_t text = {0};

    buf_put_str(&text, "count by status");
    for (unsigned i = 1; i < n; i++) {
        buf_put_str(&text, " | head 5");
    }
    return parse(&text);
}

static void
test_stages(void **state)
{
    (void)state;
    CHECK_OK(with_stages(LIMIT_QUERY_STAGES));
    CHECK_ERR(with_stages(LIMIT_QUERY_STAGES + 1), ERR_QUERY);
}

static errcode_t
with_columns(unsigned n)
{
    buf_t text = {0};

    buf_put_str(&text, "count as c1");
    for (unsigned i = 2; i <= n; i++) {
        buf_printf(&text, ", count as c%u", i);
    }
    return parse(&text);
}

static void
test_columns(void **state)
{
    (void)state;
    CHECK_OK(with_columns(LIMIT_QUERY_COLUMNS));
    CHECK_ERR(with_columns(LIMIT_QUERY_COLUMNS + 1), ERR_QUERY);
}

static errcode_t
nested(const char *open, const char *middle, const char *close, unsigned n)
{
    buf_t text = {0};

    for (unsigned i = 0; i < n; i++) {
        buf_put_str(&text, open);
    }
    buf_put_str(&text, middle);
    for (unsigned i = 0; i < n; i++) {
        buf_put_str(&text, close);
    }
    return parse(&text);
}

// The filter itself is the first level.
static void
test_depth_of_a_filter(void **state)
{
    (void)state;
    CHECK_OK(nested("not ", "status = 200", "", LIMIT_QUERY_DEPTH - 1));
    CHECK_ERR(nested("not ", "status = 200", "", LIMIT_QUERY_DEPTH), ERR_QUERY);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_of_a_set),
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_depth_of_a_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
