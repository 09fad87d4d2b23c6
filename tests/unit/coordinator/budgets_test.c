// SPDX-License-Identifier: Apache-2.0
// All jobs have one budget for their plans and groups: what does not fit is
// refused with a sentence, and what ends gives it back.
#include "tests/unit/cmocka_all.h"
#include "tests/unit/coordinator/machine_shards.h"

#define MEMORY (1u << 20)

static void
begin(machine_t *m, size_t memory)
{
    *m = (machine_t){0};
    coordinator_config_t config = machine_config(m);

    config.memory = memory;
    machine_init_with(m, &config);
}

static uint64_t
memory_used(const machine_t *m)
{
    static const char name[] = "\nlogtally_memory_bytes ";
    buf_t text = {0};

    coordinator_metrics(m->c, &text);
    buf_put_u8(&text, '\0');
    const char *at = strstr((const char *)text.p, name);
    assert_non_null(at);
    uint64_t used = strtoull(at + sizeof name - 1, NULL, 10);
    buf_fini(&text);
    return used;
}

// Nobody follows it: what is told of one is not taken for another's.
static uint64_t
job_of(machine_t *m, const fake_t *w, uint64_t size, uint64_t shard_bytes)
{
    const fake_file_t file = {"/l/x", size, 0, 0};
    const char *source = "web1:/l/x";
    lt_Submit *meta = submit_meta(m, "count", shard_bytes);

    meta->follow = false;
    uint64_t job =
        machine_submit_as(m, CLIENT_PEER, &m->client, meta, &source, 1);
    assert_true(job != 0 && fake_list(m, w, &file, 1));
    return job;
}

static void
job_ends(machine_t *m, const fake_t *w)
{
    uint64_t job = job_of(m, w, 300, 100);

    CHECK_U64(fake_work(m, w), 3);
    CHECK_U64(machine_status(m, job).state, lt_JobState_JOB_DONE);
    CHECK_U64(memory_used(m), 0);
}

static void
failed_for_memory(machine_t *m, uint64_t job)
{
    const lt_JobUpdate update = machine_status(m, job);

    CHECK_U64(update.state, lt_JobState_JOB_FAILED);
    CHECK_U64(update.error, ERR_TOO_LARGE);
    assert_non_null(strstr(update.text, "its setting `memory`"));
}

// A worker could name a million files of 4 KiB for each job.
static void
test_a_listing_that_is_too_long_is_missing(void **state)
{
    enum { FILES = 1000 };
    static char names[FILES][1200];
    static fake_file_t many[FILES];
    static const fake_file_t one = {"/l/x", 50, 0, 0};
    const char *const sources[] = {"web1:/l/*", "web2:/l/*"};
    machine_t m;

    (void)state;
    for (size_t i = 0; i < FILES; i++) {
        snprintf(names[i], sizeof names[i], "/l/%01100zu", i);
        many[i] = (fake_file_t){names[i], 10, 0, 0};
    }
    begin(&m, MEMORY);
    fake_t *a = machine_worker(&m, "web1", 1);
    fake_t *b = machine_worker(&m, "web2", 1);
    uint64_t job = machine_submit_as(
        &m, CLIENT_PEER, &m.client, submit_meta(&m, "count", 0), sources, 2);
    assert_true(fake_list(&m, a, &one, 1));
    lt_List asked;
    assert_true(machine_heard(&m, b->peer, PROTO_LIST, lt_List_fields, &asked));
    for (size_t i = 0; i < FILES; i += 100) {
        uint64_t before = memory_used(&m);
        (void)fake_list_part(&m, b, &asked, many + i, 100, i == FILES - 100);
        assert_true(memory_used(&m) <= MEMORY);
        assert_true(i > 0 || memory_used(&m) > before + 100 * 1100);
    }
    CHECK_U64(fake_work(&m, a), 1);
    CHECK_U64(fake_work(&m, b), 0);
    CHECK_U64(machine_count(&m, job), 50);
    result_t *result = machine_result(&m, job);
    CHECK_U64(result->receipt.n_missing, 1);
    assert_non_null(strstr(result->receipt.missing[0], "web2:/l/*: the jobs"));
    result_destroy(&result);
    CHECK_U64(memory_used(&m), 0);
    machine_forget(&m);
    job_ends(&m, a);
    machine_fini(&m);
}

static void
test_a_plan_of_too_many_shards_is_refused(void **state)
{
    machine_t m;

    (void)state;
    begin(&m, MEMORY);
    fake_t *w = machine_worker(&m, "web1", 1);
    failed_for_memory(&m, job_of(&m, w, 1000000, 1));
    CHECK_U64(memory_used(&m), 0);
    job_ends(&m, w);
    machine_fini(&m);
}

static void
test_jobs_that_run_leave_no_memory_for_one_more(void **state)
{
    machine_t m;
    uint64_t job, n = 0;

    (void)state;
    begin(&m, MEMORY / 8);
    fake_t *w = machine_worker(&m, "web1", 1);
    do {
        job = job_of(&m, w, 100, 100);
        assert_true(n++ < 8);
    } while (machine_status(&m, job).state != lt_JobState_JOB_FAILED);
    failed_for_memory(&m, job);
    assert_true(n > 2);
    CHECK_U64(fake_work(&m, w), n - 1);
    job_ends(&m, w);
    machine_fini(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_listing_that_is_too_long_is_missing),
        cmocka_unit_test(test_a_plan_of_too_many_shards_is_refused),
        cmocka_unit_test(test_jobs_that_run_leave_no_memory_for_one_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
