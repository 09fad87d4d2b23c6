// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/live.h"

#include "common/base/xalloc.h"
#include "common/tally/tally.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

static lt_JobUpdate
running(uint64_t shards_done)
{
    lt_JobUpdate job = {.job = 17,
        .state = lt_JobState_JOB_RUNNING,
        .bytes = 4000000000,
        .bytes_done = 1200000000,
        .shards = 40,
        .shards_done = shards_done,
        .workers_busy = 3};

    snprintf(job.query, sizeof job.query, "count by path");
    return job;
}

static lt_RowsNow
covering(void)
{
    return (lt_RowsNow){.job = 17,
        .state = lt_JobState_JOB_RUNNING,
        .bytes = 4000000000,
        .bytes_done = 1000000000,
        .shards = 40,
        .shards_done = 10};
}

// n rows "/00 n", "/01 n-1", ... as they come from the coordinator.
static void
put_rows(size_t n, const char *name, buf_t *out)
{
    query_t *query;
    query_error_t error;
    result_t *result;
    buf_t key = {0};

    CHECK_OK(query_parse("count by path", &query, &error));
    tally_t *tally = tally_new(query, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        char path[24];
        agg_state_t *states;
        snprintf(path, sizeof path, "/%02zu", i);
        buf_clear(&key);
        cell_encode(&(cell_t){.kind = CELL_TEXT, .text = span_str(path)}, &key);
        CHECK_OK(tally_group(tally, buf_span(&key), &states));
        agg_add_lines(states, n - i);
    }
    CHECK_OK(result_build(query, &tally, 1, &result));
    result->name = name != NULL ? xstrdup(name) : NULL;
    result_encode(result, out);
    result_destroy(&result);
    tally_destroy(&tally);
    query_destroy(&query);
    buf_fini(&key);
}

static void
hear(live_t *live, const lt_RowsNow *meta, const buf_t *rows, int64_t now_ms)
{
    buf_t bytes = {0};
    frame_t frame;

    frame_encode(&bytes, PROTO_ROWS_NOW, 1, lt_RowsNow_fields, meta,
        rows != NULL ? buf_span(rows) : (span_t){0});
    CHECK_OK(frame_decode(buf_span(&bytes), &frame));
    live_take(live, &frame, now_ms);
    buf_fini(&bytes);
}

// n of `all` rows.
static void
hear_rows(live_t *live, size_t n, uint64_t all)
{
    lt_RowsNow meta = covering();
    buf_t rows = {0};

    meta.rows_count = 1;
    meta.rows[0] = all;
    put_rows(n, NULL, &rows);
    hear(live, &meta, &rows, 1000);
    buf_fini(&rows);
}

static void
check(const live_t *live, size_t width, size_t height, const char *want)
{
    const progress_t progress = {0};
    lt_JobUpdate job = running(12);
    buf_t got = {0};

    live_screen(live, &progress, &job, width, height, &got);
    buf_put_u8(&got, '\0');
    assert_string_equal((const char *)got.p, want);
    buf_fini(&got);
}

#define HEAD                                                                   \
    "job 17: count by path\n"                                                  \
    "[######..............] 30%, 1.2 GB of 4.0 GB, 3 hosts busy\n"

static void
test_rows_stand_below_what_they_cover(void **state)
{
    live_t live = {0};

    (void)state;
    hear_rows(&live, 3, 3);
    check(&live, 79, 24,
        HEAD "so far, not final: these rows are of 25% of the bytes (1.0 GB "
             "of 4.0 GB)\n"
             "\n"
             "path  count\n"
             "/00       3\n"
             "/01       2\n"
             "/02       1\n");
    live_fini(&live);
}

static void
test_what_does_not_fit_is_counted(void **state)
{
    live_t live = {0};

    (void)state;
    hear_rows(&live, 30, 30);
    check(&live, 40, 8,
        "job 17: count by path\n"
        "30%, 1.2 GB of 4.0 GB, 3 hosts busy\n"
        "so far, not final: these rows are of ...\n"
        "\n"
        "path  count\n"
        "/00      30\n"
        "/01      29\n"
        "... 28 more rows\n");
    check(&live, 79, 4,
        HEAD "so far, not final: these rows are of 25% of the "
             "bytes (1.0 GB of 4.0 GB)\n\n");
    check(&live, 79, 1, "job 17: count by path\n");
    live_fini(&live);
    hear_rows(&live, 2, 1001); // the coordinator cut them
    check(&live, 79, 24,
        HEAD "so far, not final: these rows are of 25% of the bytes (1.0 GB "
             "of 4.0 GB)\n"
             "\n"
             "path  count\n"
             "/00       2\n"
             "/01       1\n"
             "... 999 more rows\n");
    live_fini(&live);
}

static void
test_several_queries_share_the_screen(void **state)
{
    live_t live = {0};
    lt_RowsNow meta = covering();
    buf_t rows = {0};

    (void)state;
    meta.rows_count = 2;
    meta.rows[0] = meta.rows[1] = 2;
    put_rows(2, "one", &rows);
    put_rows(2, "two", &rows);
    hear(&live, &meta, &rows, 1000);
    check(&live, 79, 12,
        HEAD "so far, not final: these rows are of 25% of the bytes (1.0 GB "
             "of 4.0 GB)\n"
             "\n"
             "one\n"
             "path  count\n"
             "/00       2\n"
             "/01       1\n"
             "\n"
             "two\n"
             "path  count\n"
             "... more rows than this screen has lines\n");
    live_fini(&live);
    buf_fini(&rows);
}

static void
test_why_there_are_no_rows(void **state)
{
    live_t live = {0};
    lt_RowsNow meta = covering();

    (void)state;
    check(&live, 79, 24, HEAD "no rows yet\n\n");
    snprintf(meta.text, sizeof meta.text, "too \033[31mmany");
    hear(&live, &meta, NULL, 1000);
    check(&live, 79, 24, HEAD "no rows: too \\x1b[31mmany\n\n");
    live_fini(&live);
}

// A coordinator that has many jobs to show, or large ones.
static void
test_old_rows_say_their_age(void **state)
{
    live_t live = {0};
    lt_RowsNow meta = covering();
    buf_t rows = {0};

    (void)state;
    meta.rows_count = 1;
    meta.rows[0] = 1;
    meta.age_ms = 12000;
    put_rows(1, NULL, &rows);
    hear(&live, &meta, &rows, 1000);
    check(&live, 99, 24,
        HEAD "so far, not final: these rows are of 25% of the bytes (1.0 GB "
             "of 4.0 GB), made 12.0 s ago\n"
             "\n"
             "path  count\n"
             "/00       1\n");
    live_fini(&live);
    buf_fini(&rows);
}

static void
test_rows_that_make_no_sense_change_nothing(void **state)
{
    live_t live = {0};
    lt_RowsNow meta = covering();
    buf_t rows = {0};

    (void)state;
    hear_rows(&live, 3, 3);
    put_rows(2, NULL, &rows);
    rows.p[rows.len - 1] ^= 1;
    hear(&live, &meta, &rows, 1000);
    CHECK_U64(live.result->n_rows, 3);
    live_fini(&live);
    buf_fini(&rows);
}

static void
test_rows_are_asked_for_when_there_may_be_others(void **state)
{
    live_t live = {0};
    lt_JobUpdate job = running(10);

    (void)state;
    job.state = lt_JobState_JOB_PLANNING;
    assert_false(live_asks(&live, &job, 100));
    job.state = lt_JobState_JOB_RUNNING;
    assert_true(live_asks(&live, &job, 100));
    assert_false(live_asks(&live, &job, 5000)); // asked already
    live_lost(&live);
    assert_true(live_asks(&live, &job, 5000)); // and in vain
    hear_rows(&live, 3, 3);                    // at 1000, of 10 shards
    assert_false(live_asks(&live, &job, 5000));
    job.shards_done = 11;
    assert_false(live_asks(&live, &job, 1999));
    assert_true(live_asks(&live, &job, 2000));
    live_fini(&live);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_stand_below_what_they_cover),
        cmocka_unit_test(test_what_does_not_fit_is_counted),
        cmocka_unit_test(test_several_queries_share_the_screen),
        cmocka_unit_test(test_why_there_are_no_rows),
        cmocka_unit_test(test_old_rows_say_their_age),
        cmocka_unit_test(test_rows_that_make_no_sense_change_nothing),
        cmocka_unit_test(test_rows_are_asked_for_when_there_may_be_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
