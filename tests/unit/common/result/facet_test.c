// SPDX-License-Identifier: Apache-2.0
// Rows of queries that share one table, which is filled by hand.
#include "common/result/result.h"
#include "tests/unit/common/result/table.h"

// Queries, the one table that they have, and a result for each.
typedef struct shared_fixture {
    queries_t *queries;
    shared_t *shared;
    tally_t *tally;
} shared_fixture_t;

static void
setup(shared_fixture_t *f, const char *text, const char *table)
{
    query_error_t error;

    if (queries_parse(text, &f->queries, &error) != ERR_OK) {
        fail_msg("%s: %s", text, error.message);
    }
    CHECK_OK(shared_new(f->queries, SHARED_RULES, &f->shared));
    assert_string_equal(f->shared->tables->canonical, table);
    f->tally = tally_new(f->shared->tables->list[0].query, 1 << 20);
}

static void
done(shared_fixture_t *f)
{
    tally_destroy(&f->tally);
    shared_destroy(&f->shared);
    queries_destroy(&f->queries);
}

// counts[] is what each aggregate of the group is.
static void
add(shared_fixture_t *f, cell_t key, const uint64_t *counts)
{
    agg_state_t *states;
    buf_t bytes = {0};

    cell_encode(&key, &bytes);
    CHECK_OK(tally_group(f->tally, buf_span(&bytes), &states));
    for (size_t i = 0; i < tally_query(f->tally)->n_aggs; i++) {
        agg_add_lines(tally_state(f->tally, states, i), counts[i]);
    }
    buf_fini(&bytes);
}

#define COUNTS(...) ((const uint64_t[]){__VA_ARGS__})

static errcode_t
build(shared_fixture_t *f, size_t query, result_t **out)
{
    size_t all;

    return result_build_first(f->queries->list[query].query,
        &f->shared->list[query], &f->tally, 1, 0, &all, out);
}

static void
check_rows(shared_fixture_t *f, size_t query, const char *want)
{
    fixture_t t = {0};

    CHECK_OK(build(f, query, &t.result));
    assert_string_equal(table_rows(&t), want);
    result_destroy(&t.result);
    buf_fini(&t.text);
}

static void
test_groups_are_those_that_pass_or_were_counted(void **state)
{
    shared_fixture_t f;

    (void)state;
    setup(&f,
        "a: count by path\nb: path endswith \".js\" | count as n by path as p\n"
        "c: status = 404 | count by path\nd: path = \"none\" | count by path",
        "a: count, count if(status = 404) by path");
    add(&f, TEXT("/x.js"), COUNTS(5, 0));
    add(&f, TEXT("/y"), COUNTS(7, 2));
    add(&f, MISSING, COUNTS(1, 1));
    check_rows(&f, 0, "/y 7|/x.js 5|- 1");
    check_rows(&f, 1, "/x.js 5");
    check_rows(&f, 2, "/y 2|- 1");
    check_rows(&f, 3, "");
    done(&f);
}

static void
test_buckets_roll_up(void **state)
{
    shared_fixture_t f;

    (void)state;
    setup(&f,
        "all: count\ndays: count by time:1d\nhours: count by time:1h\n"
        "of-day: hour(time) = 1 | count by hour(time) | where count > 1\n"
        "none: hour(time) = 9 | count",
        "hours: count by time:1h");
    add(&f, NUMBER(0), COUNTS(1));
    add(&f, NUMBER(3600), COUNTS(2));
    add(&f, NUMBER(86400 + 3600), COUNTS(4));
    add(&f, MISSING, COUNTS(8));
    check_rows(&f, 0, "15");
    check_rows(&f, 1, "- 8|1970-01-01T00:00:00Z 3|1970-01-02T00:00:00Z 4");
    check_rows(&f, 3, "1 6");
    check_rows(&f, 4, "0");
    done(&f);
}

// A worker that lies about the kind of a key.
static void
test_keys_of_another_type_are_malformed(void **state)
{
    shared_fixture_t f;
    result_t *result;

    (void)state;
    setup(&f,
        "a: count by time:1h\nb: count by hour(time)\n"
        "c: hour(time) > 2 | count by time:1h",
        "a: count by time:1h");
    add(&f, TEXT("noon"), COUNTS(1));
    for (size_t i = 0; i < f.queries->n; i++) {
        CHECK_ERR(build(&f, i, &result), ERR_MALFORMED);
        assert_null(result);
    }
    done(&f);
}

static void
test_counts_beyond_64_bits_are_errors_in_all(void **state)
{
    shared_fixture_t f;
    result_t *result;

    (void)state;
    setup(&f, "a: count by path\nb: status = 404 | count by path\nc: count",
        "a: count, count if(status = 404) by path");
    add(&f, TEXT("/"), COUNTS(UINT64_MAX, UINT64_MAX));
    for (size_t i = 0; i < f.queries->n; i++) {
        CHECK_ERR(build(&f, i, &result), ERR_OVERFLOW);
    }
    done(&f);
}

// Of many rows a few are kept; which, whatever order they come in?
static void
test_a_short_head_of_many_is_that_of_all(void **state)
{
    fixture_t t;

    (void)state;
    for (size_t step = 1; step < 100; step += 6) {
        table_init(&t, "count by path | sort -count, path | head 3");
        for (size_t i = 0; i < 101; i++) {
            char path[8];
            snprintf(path, sizeof path, "/%03zu", i * step % 101);
            table_add(&t, 1 + i * step % 101 / 2, TEXT(path));
        }
        table_build(&t);
        assert_string_equal(table_rows(&t), "/100 51|/098 50|/099 50");
        table_fini(&t);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_are_those_that_pass_or_were_counted),
        cmocka_unit_test(test_buckets_roll_up),
        cmocka_unit_test(test_keys_of_another_type_are_malformed),
        cmocka_unit_test(test_counts_beyond_64_bits_are_errors_in_all),
        cmocka_unit_test(test_a_short_head_of_many_is_that_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
