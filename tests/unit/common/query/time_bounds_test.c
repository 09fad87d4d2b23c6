// SPDX-License-Identifier: Apache-2.0
#include "common/query/time_bounds.h"

#include "tests/unit/cmocka_all.h"

// As "since until" in seconds, - where there is none.
static void
check(const char *text, const char *since, const char *until)
{
    query_error_t error;
    queries_t *q;
    time_bounds_t bounds;

    if (queries_parse(text, &q, &error) != ERR_OK) {
        fail_msg("%s: %s", text, error.message);
    }
    bool any = time_bounds(q, &bounds);
    assert_true(any == (since != NULL || until != NULL));
    dec_t want = TIME_LEAST;
    if (since != NULL) {
        CHECK_OK(dec_parse(span_str(since), &want));
    }
    assert_true(bounds.since == want);
    want = TIME_GREATEST;
    if (until != NULL) {
        CHECK_OK(dec_parse(span_str(until), &want));
    }
    assert_true(bounds.until == want);
    queries_destroy(&q);
}

static void
test_bounds_are_those_that_every_line_must_pass(void **state)
{
    (void)state;
    check("count", NULL, NULL);
    check("time >= \"1970-01-02\" | count", "86400", NULL);
    check("time > \"1970-01-02\" | count", "86400.000000001", NULL);
    check("time < \"1970-01-02\" 404 | count", NULL, "86400");
    check("time <= \"1970-01-02\" | count", NULL, "86400.000000001");
    check("time = \"1970-01-02\" | count", "86400", "86400.000000001");
    check("time in \"1970-01-02\"..\"1970-01-03\" | count", "86400",
        "172800.000000001");
    check("time >= \"1970-01-02\" | where time < \"1970-01-03\" | "
          "where time >= \"1970-01-01T12:00\" | count",
        "86400", "172800");
}

static void
test_what_may_pass_otherwise_is_no_bound(void **state)
{
    (void)state;
    check("time >= \"1970-01-02\" or 404 | count", NULL, NULL);
    check("not time >= \"1970-01-02\" | count", NULL, NULL);
    check("time != \"1970-01-02\" | count", NULL, NULL);
    check("time - 1h >= \"1970-01-02\" | count", NULL, NULL);
    check("count if(time >= \"1970-01-02\")", NULL, NULL);
}

static void
test_of_several_queries_the_widest_bounds_hold(void **state)
{
    (void)state;
    check("a: time >= \"1970-01-02\" time < \"1970-01-04\" | count\n"
          "b: time >= \"1970-01-03\" time < \"1970-01-05\" | count",
        "86400", "345600");
    check("a: time >= \"1970-01-02\" | count\nb: count", NULL, NULL);
    check("a: time >= \"1970-01-02\" | count\n"
          "b: time < \"1970-01-02\" | count",
        NULL, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_are_those_that_every_line_must_pass),
        cmocka_unit_test(test_what_may_pass_otherwise_is_no_bound),
        cmocka_unit_test(test_of_several_queries_the_widest_bounds_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
