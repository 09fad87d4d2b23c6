// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/report_queries.h"

#include "common/query/queries.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

static const char *
made(const char *visitors, int64_t rows, uint32_t fields, buf_t *out)
{
    buf_clear(out);
    report_queries(&(report_wants_t){visitors, rows, fields}, out);
    buf_put_u8(out, 0);
    return (const char *)out->p;
}

static void
test_they_are_queries_of_one_job(void **state)
{
    buf_t text = {0};
    queries_t *queries;
    query_error_t error;

    (void)state;
    CHECK_OK(queries_parse(
        made("lower(ua)", 1000000, UINT32_MAX, &text), &queries, &error));
    assert_int_equal(queries->n, 15);
    assert_string_equal(queries->list[0].name, "overall");
    queries_destroy(&queries);
    buf_fini(&text);
}

static void
test_visitors_and_rows_are_put_in_their_places(void **state)
{
    buf_t text = {0};
    const char *all = made("lower(ua)", 7, UINT32_MAX, &text);

    (void)state;
    assert_non_null(strstr(all, "distinct(lower(ua)) as visitors"));
    assert_non_null(strstr(all, "agents: count as hits by ua | sort -hits | "
                                "head 7\n"));
    assert_null(strchr(all, '$'));
    buf_fini(&text);
}

static void
test_what_lines_have_not_is_not_asked(void **state)
{
    buf_t text = {0};
    const char *some = made("ip", 7, UINT32_C(1) << FIELD_PATH, &text);

    (void)state;
    assert_non_null(strstr(some, "\npaths: "));
    assert_null(strstr(some, "not-found: "));
    assert_null(strstr(some, "days: "));
    assert_null(strstr(some, "slowest"));
    buf_fini(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_they_are_queries_of_one_job),
        cmocka_unit_test(test_visitors_and_rows_are_put_in_their_places),
        cmocka_unit_test(test_what_lines_have_not_is_not_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
