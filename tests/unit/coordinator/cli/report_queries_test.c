// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/report_queries.h"

#include "common/query/queries.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

static const char *
made(const char *visitors, int64_t rows, uint32_t fields, buf_t *out)
{
    buf_clear(out);
    report_queries(
        &(report_wants_t){.visitors = visitors, .rows = rows, .fields = fields},
        out);
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

// The text of one question where "now" is compared with "then".
static const char *
compared(const char *name, buf_t *out)
{
    static char line[4096];
    char mark[64];
    const report_wants_t wants = {.visitors = "ip",
        .rows = 9,
        .fields = UINT32_MAX,
        .period = "time >= \"2024-01-02\"",
        .before = "time < \"2024-01-01\""};

    buf_clear(out);
    report_queries(&wants, out);
    buf_put_u8(out, 0);
    snprintf(mark, sizeof mark, "\n%s: ", name);
    const char *found = strstr((const char *)out->p, mark);
    assert_non_null(found);
    snprintf(
        line, sizeof line, "%.*s", (int)strcspn(found + 1, "\n"), found + 1);
    return line;
}

static void
test_a_compared_list_goes_by_what_changed_most(void **state)
{
    buf_t text = {0};

    (void)state;
    assert_string_equal(compared("agents", &text),
        "agents: where (time >= \"2024-01-02\") or (time < \"2024-01-01\") | "
        "count if(time >= \"2024-01-02\") as hits, "
        "count if(time < \"2024-01-01\") as hits_before by ua | "
        "let hits_change = hits - hits_before | "
        "let moved = if(hits_change < 0, 0 - hits_change, hits_change) | "
        "sort -moved | head 9");
    assert_non_null(strstr(compared("not-found", &text), " | where 404 | "));
    buf_fini(&text);
}

static void
test_rows_of_one_period_are_not_compared(void **state)
{
    buf_t text = {0};
    const char *days = compared("days", &text);

    (void)state;
    assert_non_null(strstr(days, "days: where (time"));
    assert_null(strstr(days, "_before"));
    buf_fini(&text);
}

static void
test_compared_questions_are_queries_of_one_job(void **state)
{
    buf_t text = {0};
    queries_t *queries;
    query_error_t error;

    (void)state;
    (void)compared("week", &text);
    CHECK_OK(queries_parse((const char *)text.p, &queries, &error));
    assert_int_equal(queries->n, 15);
    queries_destroy(&queries);
    buf_fini(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_they_are_queries_of_one_job),
        cmocka_unit_test(test_visitors_and_rows_are_put_in_their_places),
        cmocka_unit_test(test_what_lines_have_not_is_not_asked),
        cmocka_unit_test(test_a_compared_list_goes_by_what_changed_most),
        cmocka_unit_test(test_rows_of_one_period_are_not_compared),
        cmocka_unit_test(test_compared_questions_are_queries_of_one_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
