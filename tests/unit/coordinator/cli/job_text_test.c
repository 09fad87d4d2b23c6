// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/job_text.h"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>

static void
check(buf_t *got, const char *want)
{
    buf_put_u8(got, '\0');
    assert_string_equal((const char *)got->p, want);
    buf_fini(got);
}

static lt_JobUpdate
running(void)
{
    return (lt_JobUpdate){
        .job = 17,
        .state = lt_JobState_JOB_RUNNING,
        .files = 12,
        .bytes = 4000000000,
        .bytes_done = 1200000000,
        .shards = 40,
        .shards_done = 12,
        .workers_busy = 3,
        .executors_busy = 5,
        .hosts = 3,
        .elapsed_ms = 2000,
        .age_ms = 2000,
        .query = "count by status",
        .owner = "admin",
    };
}

static void
test_hundred_percent_is_only_what_is_done(void **state)
{
    lt_JobUpdate job = {.bytes = UINT64_MAX, .bytes_done = UINT64_MAX - 1};

    (void)state;
    assert_int_equal(job_percent(&job), 99);
    job.bytes_done = UINT64_MAX;
    assert_int_equal(job_percent(&job), 100);
    job.bytes = 0;
    assert_int_equal(job_percent(&job), 0);
}

static void
test_exit_code_is_the_jobs(void **state)
{
    lt_JobUpdate job = {.state = lt_JobState_JOB_DONE};

    (void)state;
    assert_int_equal(job_exit(&job), EXIT_DONE);
    job.exit = EXIT_NO_FIT;
    assert_int_equal(job_exit(&job), EXIT_NO_FIT);
    job = (lt_JobUpdate){.state = lt_JobState_JOB_PARTIAL};
    assert_int_equal(job_exit(&job), EXIT_PARTIAL);
    job.exit = EXIT_DEADLINE;
    assert_int_equal(job_exit(&job), EXIT_DEADLINE);
    job = (lt_JobUpdate){.state = lt_JobState_JOB_FAILED, .exit = 256};
    assert_int_equal(job_exit(&job), EXIT_FAILED);
}

static void
test_a_state_of_the_future_has_no_name(void **state)
{
    (void)state;
    assert_string_equal(job_state_name((lt_JobState)77), "?");
    assert_string_equal(job_state_name((lt_JobState)-1), "?");
}

static void
test_details_of_a_running_job(void **state)
{
    lt_JobUpdate job = running();
    buf_t got = {0};

    (void)state;
    job_details(&job, &got);
    check(&got, "job       17\n"
                "state     running\n"
                "query     count by status\n"
                "owner     admin\n"
                "age       2.0 s\n"
                "worked    2.0 s\n"
                "files     12 on 3 hosts\n"
                "read      1.2 GB of 4.0 GB (30%), 600 MB/s\n"
                "shards    12 of 40\n"
                "busy      3 hosts, 5 executors\n");
}

static void
test_the_end_is_a_sentence(void **state)
{
    lt_JobUpdate job = {.job = 5, .state = lt_JobState_JOB_CANCELLED};
    buf_t got = {0};

    (void)state;
    snprintf(job.text, sizeof job.text, "cancelled");
    job_end(&job, &got);
    check(&got, "job 5 is cancelled");
    job.state = lt_JobState_JOB_FAILED;
    snprintf(job.text, sizeof job.text, "no file matches 'web1:/x'");
    job_end(&job, &got);
    check(&got, "job 5 failed: no file matches 'web1:/x'");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hundred_percent_is_only_what_is_done),
        cmocka_unit_test(test_exit_code_is_the_jobs),
        cmocka_unit_test(test_a_state_of_the_future_has_no_name),
        cmocka_unit_test(test_details_of_a_running_job),
        cmocka_unit_test(test_the_end_is_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
