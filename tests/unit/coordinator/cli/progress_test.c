// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/progress.h"

#include "coordinator/cli/text.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

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

// 600 MB a second so far.
static progress_t
steady(void)
{
    progress_t p = {0};
    lt_JobUpdate job = running();

    job.elapsed_ms = 0;
    job.bytes_done = 0;
    progress_take(&p, &job);
    job = running();
    progress_take(&p, &job);
    return p;
}

static void
check_of(const progress_t *p, const lt_JobUpdate *job, size_t width,
    const char *want)
{
    buf_t got = {0};

    progress_line(p, job, width, &got);
    buf_put_u8(&got, '\0');
    assert_string_equal((const char *)got.p, want);
    buf_fini(&got);
}

static void
check(const lt_JobUpdate *job, size_t width, const char *want)
{
    progress_t p = steady();

    check_of(&p, job, width, want);
}

static void
test_a_running_job(void **state)
{
    lt_JobUpdate job = running();

    (void)state;
    check(&job, 0,
        "[######..............] 30%, 1.2 GB of 4.0 GB, 600 MB/s, 5 s left, "
        "3 hosts busy");
    job.executors_busy = 6;
    job.retried = 2;
    job.rejected = 14;
    check(&job, 0,
        "[######..............] 30%, 1.2 GB of 4.0 GB, 600 MB/s, 5 s left, "
        "3 hosts busy (6 executors), 2 retried, 14 rejected");
    snprintf(job.text, sizeof job.text, "waits for web2, which is gone");
    check(&job, 0,
        "[######..............] 30%, 1.2 GB of 4.0 GB, 600 MB/s, 5 s left, "
        "3 hosts busy (6 executors), 2 retried, 14 rejected; waits for web2, "
        "which is gone");
}

static void
test_what_finds_no_room_is_left_out(void **state)
{
    lt_JobUpdate job = running();

    (void)state;
    check(&job, 79,
        "[######..............] 30%, 1.2 GB of 4.0 GB, 600 MB/s, 5 s left, "
        "3 hosts busy");
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
    const progress_t fresh = {0};
    lt_JobUpdate job = running();

    (void)state;
    check_of(&fresh, &job, 0,
        "[######..............] 30%, 1.2 GB of 4.0 GB, 3 hosts busy");
    job.bytes_done = 0;
    job.workers_busy = 1;
    check_of(&fresh, &job, 0,
        "[....................] 0%, 0 B of 4.0 GB, 1 host busy");
    job = (lt_JobUpdate){.job = 3, .state = lt_JobState_JOB_PLANNING};
    check_of(&fresh, &job, 0, "planning");
}

static void
test_a_job_that_is_read_has_no_time_left(void **state)
{
    lt_JobUpdate job = running();

    (void)state;
    job.bytes_done = job.bytes - 1;
    check(&job, 0,
        "[###################.] 99%, 4.0 GB of 4.0 GB, 600 MB/s, 1 s left, "
        "3 hosts busy");
    job.bytes_done = job.bytes;
    job.workers_busy = 0;
    check(&job, 0,
        "[####################] 100%, 4.0 GB of 4.0 GB, 600 MB/s, 0 hosts "
        "busy");
    job.state = lt_JobState_JOB_CANCELLED;
    job.bytes_done = 1;
    check(&job, 0,
        "[....................] 0%, 1 B of 4.0 GB, 600 MB/s, 0 hosts busy");
}

// Standard input: how long it is shows at its end.
static void
test_no_share_of_what_nobody_knows_the_size_of(void **state)
{
    lt_JobUpdate job = running();

    (void)state;
    job.streams = 1;
    job.workers_busy = 1;
    check(&job, 0, "1.2 GB, 600 MB/s, 1 host busy");
    check(&job, 20, "1.2 GB, 600 MB/s");
    job.bytes = 0;
    check(&job, 0, "1.2 GB, 600 MB/s, 1 host busy");
}

// The time before, spent on waiting for a host, is not that of reading.
static void
test_time_of_planning_does_not_count(void **state)
{
    progress_t p = {0};
    lt_JobUpdate job = running();

    (void)state;
    job.state = lt_JobState_JOB_PLANNING;
    job.bytes_done = 0;
    job.elapsed_ms = 0;
    progress_take(&p, &job);
    job.state = lt_JobState_JOB_RUNNING;
    job.elapsed_ms = 60000;
    progress_take(&p, &job);
    job.bytes_done = 1200000000;
    job.elapsed_ms = 62000;
    progress_take(&p, &job);
    check_of(&p, &job, 0,
        "[######..............] 30%, 1.2 GB of 4.0 GB, 600 MB/s, 5 s left, "
        "3 hosts busy");
}

static void
check_json(const progress_t *p, const lt_JobUpdate *job, const char *end)
{
    buf_t got = {0};

    progress_json(p, job, &got);
    buf_put_u8(&got, '\0');
    const char *text = (const char *)got.p;
    assert_ptr_equal(text, strstr(text, "{\"job\":17,\"state\":\"running\","));
    assert_string_equal(strstr(text, "\"exit\""), end);
    buf_fini(&got);
}

static void
test_the_object_has_what_is_known(void **state)
{
    const progress_t fresh = {0};
    const progress_t p = steady();
    lt_JobUpdate job = running();

    (void)state;
    check_json(&fresh, &job, "\"exit\":0}\n");
    check_json(&p, &job,
        "\"exit\":0,\"bytes_per_second\":600000000,\"left_seconds\":5}\n");
    job.streams = 1;
    check_json(&p, &job, "\"exit\":0,\"bytes_per_second\":600000000}\n");
}

static void
test_it_fits_every_terminal(void **state)
{
    lt_JobUpdate job = running();
    progress_t p = steady();

    (void)state;
    job.retried = UINT64_MAX;
    job.rejected = UINT64_MAX;
    job.bytes = UINT64_MAX;
    job.executors_busy = UINT32_MAX;
    for (size_t width = 1; width < 250; width++) {
        buf_t got = {0};
        progress_line(&p, &job, width, &got);
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
    progress_t p;

    (void)state;
    assert_true(progress_parse("bar", true, &p) && p.kind == PROGRESS_BAR);
    assert_true(progress_parse("json", true, &p) && p.kind == PROGRESS_JSON);
    assert_true(progress_parse("none", false, &p) && p.kind == PROGRESS_NONE);
    assert_true(progress_parse(NULL, true, &p) && p.kind == PROGRESS_NONE);
    assert_true(progress_parse("auto", true, &p) && p.kind == PROGRESS_NONE);
    assert_false(progress_parse("", false, &p));
    assert_false(progress_parse("JSON", false, &p));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_running_job),
        cmocka_unit_test(test_what_finds_no_room_is_left_out),
        cmocka_unit_test(test_no_number_before_there_is_one),
        cmocka_unit_test(test_a_job_that_is_read_has_no_time_left),
        cmocka_unit_test(test_no_share_of_what_nobody_knows_the_size_of),
        cmocka_unit_test(test_time_of_planning_does_not_count),
        cmocka_unit_test(test_the_object_has_what_is_known),
        cmocka_unit_test(test_it_fits_every_terminal),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
