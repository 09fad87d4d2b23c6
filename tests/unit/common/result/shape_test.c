// SPDX-License-Identifier: Apache-2.0
#include "common/result/shape.h"

#include "common/base/xalloc.h"
#include "tests/unit/common/result/table.h"

#include <stdlib.h>
#include <string.h>

// Kind, x, y, step and whole, as one text.
static const char *
shape_text(const char *query)
{
    static char text[128];
    char step[DEC_TEXT_MAX];
    fixture_t t;
    shape_t s;

    table_init(&t, query);
    table_build(&t);
    shape_of(t.result, &s);
    step[dec_format(s.step, step)] = '\0';
    snprintf(text, sizeof text, "%s %zu %zu %s%s", shape_name(s.kind), s.x, s.y,
        step, s.whole ? " whole" : "");
    table_fini(&t);
    return text;
}

#define CHECK_SHAPE(query, want) assert_string_equal(shape_text(query), want)

static void
test_one_row_is_figures(void **state)
{
    (void)state;
    CHECK_SHAPE("count", "figures 0 0 0 whole");
    CHECK_SHAPE("sum(bytes), avg(dur)", "figures 0 0 0 whole");
    CHECK_SHAPE("first(path)", "none 0 0 0 whole");
    CHECK_SHAPE("max(time)", "none 0 0 0 whole");
}

static void
test_a_time_bucket_is_a_series(void **state)
{
    (void)state;
    CHECK_SHAPE("count by time:5m", "time 0 0 300 whole");
    CHECK_SHAPE("count by status, time:1d", "time 1 0 86400 whole");
    CHECK_SHAPE("5xx | top 10 path by time:1h", "time 0 0 3600");
    CHECK_SHAPE("count by time:1h | where count > 3", "time 0 0 3600");
    CHECK_SHAPE("count by time", "bars 0 0 0 whole");
}

static void
test_steps_of_a_number_are_a_histogram(void **state)
{
    (void)state;
    CHECK_SHAPE("hist(bytes, 10KB)", "steps 0 0 10000 whole");
    CHECK_SHAPE("hist(dur, 10ms) by host", "steps 1 0 0.01 whole");
    CHECK_SHAPE("count by method, status:100", "steps 1 0 100 whole");
    CHECK_SHAPE("count by hour(time)", "steps 0 0 1 whole");
    CHECK_SHAPE("count by hour(time):6", "steps 0 0 6 whole");
    CHECK_SHAPE("count by weekday(time)", "steps 0 0 1 whole");
}

static void
test_hours_by_days_are_a_heat_map(void **state)
{
    (void)state;
    CHECK_SHAPE("count by hour(time), weekday(time)", "heat 0 1 1 whole");
    CHECK_SHAPE("sum(bytes) by weekday(time) as d, hour(time) as h",
        "heat 1 0 1 whole");
    CHECK_SHAPE(
        "count by hour(time), weekday(time), status", "steps 0 0 1 whole");
}

static void
test_other_keys_are_bars(void **state)
{
    (void)state;
    CHECK_SHAPE("top ip", "bars 0 0 0");
    CHECK_SHAPE("count by ip:/24, status", "bars 0 0 0 whole");
    CHECK_SHAPE("first(time) by path", "none 0 0 0 whole");
}

// Other hosts send results; one that does not fit its query has no chart.
static void
test_a_text_that_is_no_query_has_no_chart(void **state)
{
    static const char *const texts[] = {"", "count by", "count by ip, path"};
    fixture_t t;
    shape_t s;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        table_init(&t, "count by ip");
        table_build(&t);
        char *own = t.result->query, *other = xstrdup(texts[i]);
        t.result->query = other;
        shape_of(t.result, &s);
        assert_int_equal(s.kind, SHAPE_NONE);
        t.result->query = own;
        free(other);
        table_fini(&t);
    }
}

static void
test_counts_and_sums_add_up(void **state)
{
    fixture_t t;

    (void)state;
    table_init(&t, "count, avg(bytes), sum(bytes), count if(5xx) as e by ip "
                   "| let r = e / count");
    assert_false(shape_adds(t.query, 0)); // the key
    assert_true(shape_adds(t.query, 1));
    assert_false(shape_adds(t.query, 2));
    assert_true(shape_adds(t.query, 3));
    assert_true(shape_adds(t.query, 4));
    assert_false(shape_adds(t.query, 5));
    assert_false(shape_adds(t.query, 99));
    table_fini(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_row_is_figures),
        cmocka_unit_test(test_a_time_bucket_is_a_series),
        cmocka_unit_test(test_steps_of_a_number_are_a_histogram),
        cmocka_unit_test(test_hours_by_days_are_a_heat_map),
        cmocka_unit_test(test_other_keys_are_bars),
        cmocka_unit_test(test_a_text_that_is_no_query_has_no_chart),
        cmocka_unit_test(test_counts_and_sums_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
