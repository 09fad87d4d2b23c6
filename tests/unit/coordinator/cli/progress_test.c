// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/progress.h"

#include "coordinator/cli/text.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>

static lt_JobUpdate
running(void)
{
    return (lt_JobUpdate){.job = 17,
        .state = lt_JobState_JOB_RUNNING,
        .bytes = 4000000000,
        .bytes_done = 1200000000,
        .shards = 40,
        .shards_done = 12,
        .workers_busy = 3,
        .hosts = 3,
        .elapsed_ms = 2000};
}

static void
check(const lt_JobUpdate *job, size_t width, const char *want)
{
    buf_t got = {0};

    progress_line(job, width, &got);
    buf_put_u8(&got, '\0');
    assert_string_equal((const char *)got.p, want);
    buf_fini(&got);
}

static void
test_a_running_job(void **state)
{
    lt_JobUpdate job = running();

    (void)state;
    check(&job, 0,
        "[######..............] 30%, 1.2 GB of 4.0 GB, 600 MB/s, 5.0 s left, "
        "3 hosts busy");
    job.executors_busy = 6;
    job.retried = 2;
    job.rejected = 14;
    check(&job, 0,
        "[######..............] 30%, 1.2 GB of 4.0 GB, 600 MB/s, 5.0 s left, "
        "3 hosts busy (6 executors), 2 retried, 14 rejected");
    snprintf(job.text, sizeof job.text, "waits for web2, which is gone");
    check(&job, 0,
        "[######..............] 30%, 1.2 GB of 4.0 GB, 600 MB/s, 5.0 s left, "
        "3 hosts busy (6 executors), 2 retried, 14 rejected; waits for web2, "
        "which is gone");
}

static void
test_what_finds_no_room_is_left_out(void **state)
{
    lt_JobUpdate job = running();

    (void)state;
    check(&job, 79,
        "[######..............] 30%, 1.2 GB of 4.0 GB, 600 MB/s, 5.0 s left");
    check(&job, 60, "[######..............] 30%, 1.2 GB of 4.0 GB, 600 MB/s");
    check(&job, 40, "30%, 1.2 GB of 4.0 GB, 600 MB/s");
    check(&job, 10, "30%");
    snprintf(job.text, sizeof job.text, "waits for web2, which is gone");
    check(&job, 60, "30%, 1.2 GB of 4.0 GB; waits for web2, which is gone");
}

// Nothing is said that nobody can know.
static void
test_no_number_before_there_is_one(void **state)
{
    lt_JobUpdate job = running();

    (void)state;
    job.elapsed_ms = 500;
    check(
        &job, 0, "[######..............] 30%, 1.2 GB of 4.0 GB, 3 hosts busy");
    job.elapsed_ms = 5000;
    job.bytes_done = 0;
    job.workers_busy = 1;
    check(&job, 0, "[....................] 0%, 0 B of 4.0 GB, 1 host busy");
    job.bytes_done = job.bytes;
    job.workers_busy = 0;
    check(&job, 0,
        "[####################] 100%, 4.0 GB of 4.0 GB, 800 MB/s, 0 hosts "
        "busy");
    job = (lt_JobUpdate){.job = 3, .state = lt_JobState_JOB_PLANNING};
    check(&job, 0, "planning");
}

static void
test_it_fits_every_terminal(void **state)
{
    lt_JobUpdate job = running();

    (void)state;
    job.retried = UINT64_MAX;
    job.rejected = UINT64_MAX;
    job.bytes = UINT64_MAX;
    job.executors_busy = UINT32_MAX;
    for (size_t width = 1; width < 250; width++) {
        buf_t got = {0};
        progress_line(&job, width, &got);
        assert_true(text_width(buf_span(&got)) <= width);
        snprintf(job.text, sizeof job.text, "%.*s", (int)(width % 90),
            "waits for \033[2J\xff web2, which is gone since yesterday, and "
            "for web3, which is gone as well");
        buf_fini(&got);
    }
}

static void
test_kinds(void **state)
{
    progress_t kind;

    (void)state;
    assert_true(progress_parse("bar", true, &kind) && kind == PROGRESS_BAR);
    assert_true(progress_parse("json", true, &kind) && kind == PROGRESS_JSON);
    assert_true(progress_parse("none", false, &kind) && kind == PROGRESS_NONE);
    assert_true(progress_parse(NULL, true, &kind) && kind == PROGRESS_NONE);
    assert_true(progress_parse("auto", true, &kind) && kind == PROGRESS_NONE);
    assert_false(progress_parse("", false, &kind));
    assert_false(progress_parse("JSON", false, &kind));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_running_job),
        cmocka_unit_test(test_what_finds_no_room_is_left_out),
        cmocka_unit_test(test_no_number_before_there_is_one),
        cmocka_unit_test(test_it_fits_every_terminal),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
