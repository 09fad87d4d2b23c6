// SPDX-License-Identifier: Apache-2.0
#include "common/query/shared.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

typedef struct fixture {
    queries_t *queries;
    shared_t *shared;
} fixture_t;

static void
share(fixture_t *f, const char *text)
{
    query_error_t error;

    if (queries_parse(text, &f->queries, &error) != ERR_OK) {
        fail_msg("%s: %s", text, error.message);
    }
    CHECK_OK(shared_new(f->queries, SHARED_RULES, &f->shared));
}

static void
done(fixture_t *f)
{
    shared_destroy(&f->shared);
    queries_destroy(&f->queries);
}

static void
check_tables(const char *text, const char *tables)
{
    fixture_t f;

    share(&f, text);
    assert_string_equal(f.shared->tables->canonical, tables);
    done(&f);
}

static void
check_alone(const char *text)
{
    check_tables(text, text);
}

static void
test_one_query_has_its_own_table(void **state)
{
    (void)state;
    check_alone("count by path");
    check_alone("status = 404 | top 10 path");
    check_alone("a: count as x, count as y, sum(bytes) by path | head 3");
}

static void
test_equal_keys_share_a_table(void **state)
{
    fixture_t f;

    (void)state;
    share(&f, "a: top 3 path\nb: sum(bytes) as s, count as n by path as p\n"
              "c: avg(bytes) by path | head 1");
    assert_string_equal(f.shared->tables->canonical,
        "a: count, sum(bytes), avg(bytes) by path");
    CHECK_U64(f.shared->list[1].table, 0);
    CHECK_U64(f.shared->list[1].aggs[0], 1);
    CHECK_U64(f.shared->list[1].aggs[1], 0);
    CHECK_U64(f.shared->list[2].aggs[0], 2);
    assert_false(f.shared->list[2].rolls);
    assert_true(f.shared->list[2].counted == SHARED_ALL);
    done(&f);
}

static void
test_conditions_of_the_keys_are_looked_at_by_group(void **state)
{
    fixture_t f;

    (void)state;
    share(&f, "a: path contains \"x\" and ext(path) != \"js\" | count by path\n"
              "b: count by path");
    assert_string_equal(f.shared->tables->canonical, "b: count by path");
    CHECK_U64(f.shared->list[0].n_filters, 2);
    CHECK_U64(f.shared->list[1].n_filters, 0);
    done(&f);
}

static void
test_other_conditions_become_those_of_aggregates(void **state)
{
    fixture_t f;

    (void)state;
    share(&f, "a: count by path\n"
              "b: (404 or 410) and bytes > 5 | sum(bytes) if(5xx or 4xx) "
              "by path");
    assert_string_equal(f.shared->tables->canonical,
        "a: count, sum(bytes) if((status = 404 or status = 410) and bytes > 5 "
        "and (5xx or 4xx)), count if((status = 404 or status = 410) and bytes "
        "> 5) by path");
    CHECK_U64(f.shared->list[1].counted, 2);
    CHECK_U64(f.shared->list[1].aggs[0], 1);
    CHECK_U64(f.shared->list[1].n_filters, 0);
    done(&f);
}

// Or else the values of all paths would be kept.
static void
test_aggregates_of_few_groups_keep_their_condition(void **state)
{
    fixture_t f;

    (void)state;
    share(&f, "a: count by path\n"
              "b: path = \"/x\" | count if(5xx), distinct(ip) by path");
    assert_string_equal(f.shared->tables->canonical,
        "a: count, count if(5xx), distinct(ip) if(path = \"/x\") by path");
    CHECK_U64(f.shared->list[1].n_filters, 1);
    assert_true(f.shared->list[1].counted == SHARED_ALL);
    done(&f);
}

// Its lines would be counted in the other's table.
static void
test_a_filter_is_no_host_to_another(void **state)
{
    (void)state;
    check_alone("a: status = 404 | count by path\n"
                "b: status = 500 | count by path");
    check_alone("a: status = 404 and bytes > 1 | count by path\n"
                "b: bytes > 1 | count by path");
}

static void
test_filters_that_begin_alike_share(void **state)
{
    (void)state;
    check_tables("a: time >= \"2023-11-14T00:00:00Z\" | count by path\n"
                 "b: time >= \"2023-11-14T00:00:00Z\" and path = \"/\" | "
                 "count by path",
        "a: time >= \"2023-11-14T00:00:00Z\" | count by path");
}

static void
test_buckets_that_fit_roll_up(void **state)
{
    fixture_t f;

    (void)state;
    share(&f, "all: count if(5xx), distinct(ip)\n"
              "days: distinct(ip) by time:1d\n"
              "hours: distinct(ip) by time:1h\n"
              "week: count by weekday(time), hour(time)");
    assert_string_equal(f.shared->tables->canonical,
        "hours: distinct(ip), count if(5xx), count by time:1h");
    for (size_t i = 0; i < f.queries->n; i++) {
        assert_true(f.shared->list[i].rolls == (i != 2));
    }
    done(&f);
}

static void
test_buckets_that_do_not_fit_stay_alone(void **state)
{
    (void)state;
    check_alone("a: count by time:7m\nb: count by time:30m");
    check_alone("a: count by time:7m\nb: count by hour(time)");
    check_alone("a: count by time:2h\nb: count by hour(time)");
    check_alone("a: count by bytes:2KB\nb: count by bytes:3KB");
}

static void
test_a_network_is_told_by_the_address(void **state)
{
    (void)state;
    check_tables("a: count by ip:/16, lower(method)\nb: count by method, ip",
        "b: count by method, ip");
    check_alone("a: count by ip:/16\nb: count by ip:/24");
}

// In the finer table they would cost more than in one of their own.
static void
test_more_than_counts_does_not_move_to_finer_groups(void **state)
{
    (void)state;
    check_alone("a: sum(bytes)\nb: count by path");
    check_alone("a: status = 404 | sum(bytes)\nb: sum(bytes) by path");
    check_tables("a: sum(bytes)\nb: count, sum(bytes) by path",
        "b: count, sum(bytes) by path");
}

static void
test_one_row_without_keys_is_never_left_out(void **state)
{
    fixture_t f;

    (void)state;
    share(&f, "a: count\nb: status = 404 | count");
    assert_string_equal(
        f.shared->tables->canonical, "a: count, count if(status = 404)");
    assert_true(f.shared->list[1].counted == SHARED_ALL);
    done(&f);
    check_tables("a: count\nb: count by 1", "b: count by 1");
}

static void
test_lets_and_hist_stay_alone(void **state)
{
    (void)state;
    check_alone("a: let x = bytes * 2 | sum(x) by path\nb: count by path");
    check_alone("a: hist(bytes, 1KB)\nb: count");
}

static void
test_own_names_are_told_by_no_key(void **state)
{
    (void)state;
    check_tables("a: `x` = \"1\" | count by path\nb: count by path",
        "b: count, count if(`x` = \"1\") by path");
    check_alone("a: count by lower(`x`)\nb: count by `x`");
}

// What does not fit one query keeps the tables that it has.
static void
test_too_many_columns_are_not_shared(void **state)
{
    fixture_t f;
    buf_t text = {0};

    (void)state;
    for (unsigned q = 0; q < 3; q++) {
        buf_printf(&text, "%sq%u: ", q > 0 ? "\n" : "", q);
        for (unsigned a = 0; a < 30; a++) {
            buf_printf(
                &text, "%ssum(bytes + %u)", a > 0 ? ", " : "", q * 100 + a);
        }
        buf_put_str(&text, " by path");
    }
    buf_put_u8(&text, 0);
    share(&f, (const char *)text.p);
    CHECK_U64(f.shared->tables->n, 3);
    done(&f);
    buf_fini(&text);
}

static void
test_jobs_of_before_have_a_table_each(void **state)
{
    fixture_t f;

    (void)state;
    share(&f, "a: count by path\nb: sum(bytes) by path");
    CHECK_U64(f.shared->tables->n, 1);
    shared_destroy(&f.shared);
    CHECK_OK(shared_new(f.queries, 0, &f.shared));
    CHECK_U64(f.shared->tables->n, 2);
    shared_destroy(&f.shared);
    CHECK_ERR(
        shared_new(f.queries, SHARED_RULES + 1, &f.shared), ERR_UNSUPPORTED);
    assert_null(f.shared);
    done(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_query_has_its_own_table),
        cmocka_unit_test(test_equal_keys_share_a_table),
        cmocka_unit_test(test_conditions_of_the_keys_are_looked_at_by_group),
        cmocka_unit_test(test_other_conditions_become_those_of_aggregates),
        cmocka_unit_test(test_aggregates_of_few_groups_keep_their_condition),
        cmocka_unit_test(test_a_filter_is_no_host_to_another),
        cmocka_unit_test(test_filters_that_begin_alike_share),
        cmocka_unit_test(test_buckets_that_fit_roll_up),
        cmocka_unit_test(test_buckets_that_do_not_fit_stay_alone),
        cmocka_unit_test(test_a_network_is_told_by_the_address),
        cmocka_unit_test(test_more_than_counts_does_not_move_to_finer_groups),
        cmocka_unit_test(test_one_row_without_keys_is_never_left_out),
        cmocka_unit_test(test_lets_and_hist_stay_alone),
        cmocka_unit_test(test_own_names_are_told_by_no_key),
        cmocka_unit_test(test_too_many_columns_are_not_shared),
        cmocka_unit_test(test_jobs_of_before_have_a_table_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
