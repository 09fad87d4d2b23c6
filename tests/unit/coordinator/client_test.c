// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/coordinator/machine.h"

#include "tests/unit/cmocka_all.h"

static const identity_t bob = {.name = "bob", .roles = ROLE_CLIENT};
static const identity_t root = {.name = "root", .roles = ROLE_ADMIN};

// Asks about a job from peer 7; the type of the answer, 0 for none.
static unsigned
ask(machine_t *m, const identity_t *who, proto_type_t type, uint64_t job)
{
    const lt_JobRequest meta = {.job = job};

    machine_forget(m);
    machine_say(m, LINK_CONTROL, 7, who, type, lt_JobRequest_fields, &meta,
        (span_t){0});
    return machine_heard(m, 7, PROTO_JOB_UPDATE, NULL, NULL) ? PROTO_JOB_UPDATE
           : machine_heard(m, 7, PROTO_REFUSED, NULL, NULL)  ? PROTO_REFUSED
                                                             : 0;
}

static void
test_worker_key_may_not_submit(void **state)
{
    const char *source = "web1:/x";
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    CHECK_U64(machine_submit_as(&m, w->peer, &w->who,
                  submit_meta(&m, "count", 0), &source, 1),
        0);
    assert_true(machine_heard(&m, w->peer, PROTO_REFUSED, NULL, NULL));
    CHECK_U64(coordinator_stats(m.c)->jobs, 0);
    machine_fini(&m);
}

static void
test_job_of_another_is_for_its_owner_and_admins(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, 100, 100);
    CHECK_U64(ask(&m, &bob, PROTO_STATUS, job), PROTO_REFUSED);
    CHECK_U64(ask(&m, &bob, PROTO_WAIT, job), PROTO_REFUSED);
    CHECK_U64(ask(&m, &bob, PROTO_CANCEL_JOB, job), PROTO_REFUSED);
    CHECK_U64(ask(&m, &m.client, PROTO_STATUS, job), PROTO_JOB_UPDATE);
    CHECK_U64(machine_status(&m, job).state, lt_JobState_JOB_RUNNING);
    CHECK_U64(ask(&m, &root, PROTO_CANCEL_JOB, job), PROTO_JOB_UPDATE);
    CHECK_U64(machine_status(&m, job).state, lt_JobState_JOB_CANCELLED);
    machine_fini(&m);
}

static void
test_unknown_job_is_refused(void **state)
{
    machine_t m;

    (void)state;
    machine_init(&m);
    CHECK_U64(ask(&m, &root, PROTO_STATUS, 4711), PROTO_REFUSED);
    CHECK_U64(ask(&m, &root, PROTO_WAIT, 0), PROTO_REFUSED);
    CHECK_U64(ask(&m, &root, PROTO_CANCEL_JOB, UINT64_MAX), PROTO_REFUSED);
    machine_fini(&m);
}

static void
test_same_request_is_the_same_job(void **state)
{
    const char *source = "web1:/x";
    machine_t m;

    (void)state;
    machine_init(&m);
    (void)machine_worker(&m, "web1", 1);
    uint64_t job = machine_submit(&m, source, 0);
    m.requests--;
    CHECK_U64(machine_submit(&m, source, 0), job);
    m.requests--; // of another client it is another job
    uint64_t other =
        machine_submit_as(&m, 7, &bob, submit_meta(&m, "count", 0), &source, 1);
    assert_true(other != 0 && other != job);
    machine_fini(&m);
}

static void
test_wrong_query_is_refused(void **state)
{
    const char *source = "web1:/x";
    machine_t m;
    lt_Refused no;

    (void)state;
    machine_init(&m);
    (void)machine_worker(&m, "web1", 1);
    CHECK_U64(
        machine_submit_as(&m, 7, &bob, submit_meta(&m, "cuont", 0), &source, 1),
        0);
    assert_true(machine_heard(&m, 7, PROTO_REFUSED, lt_Refused_fields, &no));
    CHECK_U64(no.exit, EXIT_USAGE);
    machine_fini(&m);
}

static void
test_cancel_takes_the_shards_back(void **state)
{
    single_t s;
    buf_t bytes = {0};
    frame_t frame;

    (void)state;
    lease_init(&s, 100, 100);
    CHECK_U64(
        ask(&s.m, &s.m.client, PROTO_CANCEL_JOB, s.job), PROTO_JOB_UPDATE);
    machine_pump(&s.m);
    assert_true(machine_take(
        &s.m, OUT_INTAKE, s.w->lane, PROTO_CANCEL_SHARD, &bytes, &frame));
    CHECK_U64(fake_deliver(&s.m, s.w, &s.l), lt_Verdict_VERDICT_STALE);
    CHECK_U64(machine_count(&s.m, s.job), UINT64_MAX);
    buf_fini(&bytes);
    lease_fini(&s);
}

static void
test_result_comes_in_pieces_from_an_offset(void **state)
{
    machine_t m;
    buf_t bytes = {0};
    frame_t frame;
    lt_ResultChunk chunk;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, 100, 100);
    CHECK_U64(fake_work(&m, w), 1);
    const size_t all = m.stored[0].bytes.len;
    for (uint64_t offset = 0; offset <= all; offset++) {
        const lt_ResultRequest meta = {.job = job, .offset = offset};
        machine_say(&m, LINK_CONTROL, 7, &m.client, PROTO_RESULT,
            lt_ResultRequest_fields, &meta, (span_t){0});
        assert_true(machine_take(
            &m, OUT_CONTROL, 7, PROTO_RESULT_CHUNK, &bytes, &frame));
        CHECK_OK(frame_meta(&frame, lt_ResultChunk_fields, &chunk));
        CHECK_U64(chunk.total, all);
        CHECK_U64(frame.payload.len, all - offset);
        assert_memory_equal(
            frame.payload.p, m.stored[0].bytes.p + offset, all - offset);
        buf_fini(&bytes);
    }
    const lt_ResultRequest past = {.job = job, .offset = all + 1};
    machine_say(&m, LINK_CONTROL, 7, &m.client, PROTO_RESULT,
        lt_ResultRequest_fields, &past, (span_t){0});
    assert_false(machine_heard(&m, 7, PROTO_RESULT_CHUNK, NULL, NULL));
    machine_say(&m, LINK_CONTROL, 7, &bob, PROTO_RESULT,
        lt_ResultRequest_fields, &past, (span_t){0});
    assert_true(machine_heard(&m, 7, PROTO_REFUSED, NULL, NULL));
    machine_fini(&m);
}

static void
test_follower_hears_of_progress_and_of_the_end(void **state)
{
    machine_t m;
    lent_t l;
    lt_JobUpdate update;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, 200, 100);
    machine_forget(&m);
    machine_tick(&m, 1);
    assert_false(machine_heard(
        &m, CLIENT_PEER, PROTO_JOB_UPDATE, lt_JobUpdate_fields, &update));
    machine_tick(&m, 100);
    assert_true(machine_heard(
        &m, CLIENT_PEER, PROTO_JOB_UPDATE, lt_JobUpdate_fields, &update));
    CHECK_U64(update.state, lt_JobState_JOB_RUNNING);
    machine_pass(&m, LEASE_MS, w, NULL);
    while (machine_heard(
        &m, CLIENT_PEER, PROTO_JOB_UPDATE, lt_JobUpdate_fields, &update)) {
    }
    while (fake_lent(&m, w, &l)) {
        CHECK_U64(fake_deliver(&m, w, &l), lt_Verdict_VERDICT_COMMITTED);
        lent_fini(&l);
    }
    assert_true(machine_heard(
        &m, CLIENT_PEER, PROTO_JOB_UPDATE, lt_JobUpdate_fields, &update));
    CHECK_U64(update.state, lt_JobState_JOB_DONE);
    CHECK_U64(update.job, job);
    machine_fini(&m);
}

// A bar that stands still for want of news says what was true a while ago.
static void
test_follower_hears_when_nothing_happens(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    (void)machine_job(&m, w, 200, 100);
    machine_pass(&m, 1000, w, NULL);
    machine_forget(&m);
    machine_tick(&m, HEARTBEAT_MS - 1);
    assert_false(machine_heard(&m, CLIENT_PEER, PROTO_JOB_UPDATE, NULL, NULL));
    machine_tick(&m, 1);
    assert_true(machine_heard(&m, CLIENT_PEER, PROTO_JOB_UPDATE, NULL, NULL));
    machine_fini(&m);
}

// A heartbeat is older than many a shard: what it said of one that is counted
// since does not make an executor idle.
static void
test_executors_are_busy_while_there_are_shards(void **state)
{
    machine_t m;
    lent_t l;

    (void)state;
    fake_t *w = machine_init_web1(&m, 2);
    uint64_t job = machine_job(&m, w, 300, 100);
    for (uint32_t left = 3; left > 0; left--) {
        CHECK_U64(machine_status(&m, job).executors_busy, left < 2 ? left : 2);
        assert_true(fake_lent(&m, w, &l));
        CHECK_U64(fake_deliver(&m, w, &l), lt_Verdict_VERDICT_COMMITTED);
        lent_fini(&l);
    }
    CHECK_U64(machine_status(&m, job).executors_busy, 0);
    machine_fini(&m);
}

// Whose shards a shared worker has taken up only the worker knows.
static void
test_executors_of_two_jobs_are_those_that_the_worker_names(void **state)
{
    machine_t m;
    lent_t l;

    (void)state;
    fake_t *w = machine_init_web1(&m, 2);
    uint64_t job = machine_job(&m, w, 100, 100);
    uint64_t other = machine_job(&m, w, 100, 100);
    assert_true(fake_lent(&m, w, &l));
    CHECK_U64(l.meta.job, job);
    CHECK_U64(machine_status(&m, job).executors_busy, 0);
    l.running = true;
    fake_beat(&m, w, &l);
    CHECK_U64(machine_status(&m, job).executors_busy, 1);
    CHECK_U64(machine_status(&m, other).executors_busy, 0);
    lent_fini(&l);
    machine_fini(&m);
}

static void
test_lists_name_what_the_asker_may_see(void **state)
{
    machine_t m;
    lt_Records jobs, workers;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    (void)machine_job(&m, w, 100, 100);
    const identity_t *const who[] = {&m.client, &bob, &root};
    for (size_t i = 0; i < 3; i++) {
        machine_say(
            &m, LINK_CONTROL, 7, who[i], PROTO_JOBS, NULL, NULL, (span_t){0});
        assert_true(
            machine_heard(&m, 7, PROTO_JOB_LIST, lt_Records_fields, &jobs));
        CHECK_U64(jobs.n, i == 1 ? 0 : 1);
        assert_true(jobs.last);
    }
    machine_say(
        &m, LINK_CONTROL, 7, &bob, PROTO_WORKERS, NULL, NULL, (span_t){0});
    assert_true(
        machine_heard(&m, 7, PROTO_WORKER_LIST, lt_Records_fields, &workers));
    CHECK_U64(workers.n, 1);
    machine_fini(&m);
}

static void
test_plan_runs_nothing(void **state)
{
    const fake_file_t file = {"/l/a", 1000, 0, 0};
    const char *source = "web1:/l/*";
    machine_t m;
    lt_Plan plan;
    lent_t l;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    lt_Submit *meta = submit_meta(&m, "count", 100);
    meta->plan_only = true;
    (void)machine_submit_as(&m, 7, &bob, meta, &source, 1);
    assert_true(fake_list(&m, w, &file, 1));
    assert_true(machine_heard(&m, 7, PROTO_PLAN, lt_Plan_fields, &plan));
    CHECK_U64(plan.files, 1);
    CHECK_U64(plan.bytes, 1000);
    CHECK_U64(plan.shards, 10);
    assert_false(fake_lent(&m, w, &l));
    machine_fini(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worker_key_may_not_submit),
        cmocka_unit_test(test_job_of_another_is_for_its_owner_and_admins),
        cmocka_unit_test(test_unknown_job_is_refused),
        cmocka_unit_test(test_same_request_is_the_same_job),
        cmocka_unit_test(test_wrong_query_is_refused),
        cmocka_unit_test(test_cancel_takes_the_shards_back),
        cmocka_unit_test(test_result_comes_in_pieces_from_an_offset),
        cmocka_unit_test(test_follower_hears_of_progress_and_of_the_end),
        cmocka_unit_test(test_follower_hears_when_nothing_happens),
        cmocka_unit_test(test_executors_are_busy_while_there_are_shards),
        cmocka_unit_test(
            test_executors_of_two_jobs_are_those_that_the_worker_names),
        cmocka_unit_test(test_lists_name_what_the_asker_may_see),
        cmocka_unit_test(test_plan_runs_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
