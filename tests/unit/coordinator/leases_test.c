// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/coordinator/machine.h"

#include "tests/unit/cmocka_all.h"

#include "common/wire/credit.h"

#define LARGE ((uint64_t)CREDIT_WHOLE_BYTES)

static void
test_every_shard_counted_is_the_exact_answer(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 2);
    uint64_t job = machine_job(&m, w, 1005, 100);
    CHECK_U64(fake_work(&m, w), 11);
    CHECK_U64(machine_status(&m, job).state, lt_JobState_JOB_DONE);
    CHECK_U64(machine_count(&m, job), 1005);
    CHECK_U64(coordinator_stats(m.c)->staging_bytes, 0);
    machine_fini(&m);
}

static void
test_silent_worker_loses_its_shards_to_others(void **state)
{
    pair_t p;

    (void)state;
    pair_init(&p, 400, 100);
    CHECK_U64(fake_work(&p.m, p.b), 2);
    machine_pass(&p.m, WORKER_LOST_MS - 1, p.b, NULL);
    CHECK_U64(coordinator_stats(p.m.c)->workers_lost, 0);
    machine_pass(&p.m, 1, p.b, NULL);
    CHECK_U64(coordinator_stats(p.m.c)->workers_lost, 1);
    CHECK_U64(fake_work(&p.m, p.b), 2);
    CHECK_U64(machine_count(&p.m, p.job), 400);
    CHECK_U64(machine_status(&p.m, p.job).retried, 2);
    machine_fini(&p.m);
}

static void
test_a_dead_worker_is_not_waited_for(void **state)
{
    pair_t p;

    (void)state;
    pair_init(&p, 400, 100);
    CHECK_U64(fake_work(&p.m, p.b), 2);
    coordinator_lane_down(p.m.c, p.b->lane, p.m.now); // it was just heard
    CHECK_U64(coordinator_stats(p.m.c)->workers_lost, 0);
    p.m.now += 500;
    fake_beat(&p.m, p.b, NULL);
    coordinator_lane_down(p.m.c, p.a->lane, p.m.now);
    machine_pump(&p.m);
    CHECK_U64(coordinator_stats(p.m.c)->workers_lost, 1);
    CHECK_U64(fake_work(&p.m, p.b), 2);
    CHECK_U64(machine_count(&p.m, p.job), 400);
    machine_fini(&p.m);
}

static void
test_lease_that_nobody_mentions_expires(void **state)
{
    single_t s;
    lent_t again;

    (void)state;
    lease_init(&s, 100, 100);
    machine_pass(&s.m, LEASE_MS - 1, s.w, NULL);
    CHECK_U64(coordinator_stats(s.m.c)->leases_expired, 0);
    machine_pass(&s.m, 1, s.w, NULL);
    CHECK_U64(coordinator_stats(s.m.c)->leases_expired, 1);
    assert_true(fake_lent(&s.m, s.w, &again));
    CHECK_U64(again.meta.attempt, 2);
    lent_fini(&again);
    lease_fini(&s);
}

static void
test_lease_that_is_mentioned_stays(void **state)
{
    single_t s;

    (void)state;
    lease_init(&s, 100, 100);
    machine_pass(&s.m, 10 * LEASE_MS, s.w, &s.l);
    CHECK_U64(coordinator_stats(s.m.c)->leases_expired, 0);
    CHECK_U64(fake_deliver(&s.m, s.w, &s.l), lt_Verdict_VERDICT_COMMITTED);
    lease_fini(&s);
}

// The shard of a that expired was lent to b; a is late, but first.
static void
test_late_partial_of_an_expired_attempt_commits(void **state)
{
    pair_t p;
    lent_t late, other;
    buf_t bytes = {0};
    frame_t frame;

    (void)state;
    pair_init(&p, 100, 100);
    bool a_has_it = fake_lent(&p.m, p.a, &late);
    fake_t *slow = a_has_it ? p.a : p.b, *quick = a_has_it ? p.b : p.a;
    assert_true(a_has_it || fake_lent(&p.m, p.b, &late));
    machine_pass(&p.m, WORKER_LOST_MS, quick, NULL);
    assert_true(fake_lent(&p.m, quick, &other));
    fake_register(&p.m, slow);
    CHECK_U64(fake_deliver(&p.m, slow, &late), lt_Verdict_VERDICT_COMMITTED);
    assert_true(machine_take(
        &p.m, OUT_INTAKE, quick->lane, PROTO_CANCEL_SHARD, &bytes, &frame));
    CHECK_U64(machine_count(&p.m, p.job), 100);
    buf_fini(&bytes);
    lent_fini(&late);
    lent_fini(&other);
    machine_fini(&p.m);
}

// A worker takes the shard again and again, and never mentions it.
static void
test_of_many_expired_attempts_the_last_may_commit(void **state)
{
    enum { TIMES = 20 };
    machine_t m;
    lent_t l[TIMES];

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, 100, 100);
    for (size_t i = 0; i < TIMES; i++) {
        assert_true(fake_lent(&m, w, &l[i]));
        machine_pass(&m, LEASE_MS + HEARTBEAT_MS, w, NULL);
    }
    CHECK_U64(fake_deliver(&m, w, &l[0]), lt_Verdict_VERDICT_STALE);
    CHECK_U64(fake_deliver(&m, w, &l[TIMES - 4]), lt_Verdict_VERDICT_COMMITTED);
    CHECK_U64(machine_count(&m, job), 100);
    for (size_t i = 0; i < TIMES; i++) {
        lent_fini(&l[i]);
    }
    machine_fini(&m);
}

// The attempt lapsed and was granted room all the same, since it may still
// win; its worker was lent the shard again and has dropped it.
static void
test_room_that_nobody_uses_is_taken_back(void **state)
{
    machine_t m;
    lent_t first, again;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    (void)machine_job(&m, w, 100, 100);
    assert_true(fake_lent(&m, w, &first));
    machine_pass(&m, LEASE_MS, w, NULL);
    assert_true(fake_lent(&m, w, &again));
    fake_offer(&m, w, &first);
    assert_true(fake_granted(&m, w));
    CHECK_U64(coordinator_stats(m.c)->staging_bytes, first.partial.len);
    machine_pass(&m, LEASE_MS + 2 * HEARTBEAT_MS, w, &again);
    CHECK_U64(coordinator_stats(m.c)->staging_bytes, 0);
    lent_fini(&first);
    lent_fini(&again);
    machine_fini(&m);
}

// Two small files in one shard; one of them kills whoever reads it.
static void
test_poison_takes_no_other_file_with_it(void **state)
{
    machine_t m;
    lent_t l;
    const fake_file_t files[] = {
        {"/var/log/bad", 30, 0, 0}, {"/var/log/good", 70, 0, 0}};

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_submit(&m, "web1:/var/log/*", 1000);
    assert_true(fake_list(&m, w, files, 2));
    while (fake_lent(&m, w, &l)) {
        if (strcmp(l.path, "/var/log/bad") == 0) {
            fake_failed(&m, w, &l, ERR_CRASHED, UINT32_MAX, "signal 9");
        } else {
            CHECK_U64(l.meta.n_ranges, 1);
            CHECK_U64(fake_deliver(&m, w, &l), lt_Verdict_VERDICT_COMMITTED);
        }
        lent_fini(&l);
    }
    CHECK_U64(machine_count(&m, job), 70);
    machine_check_missing(&m, job, "web1:/var/log/bad: signal 9");
    machine_fini(&m);
}

// The third failure is that of an attempt that had lapsed; the one after it,
// which goes on, is of the shard as it was.
static void
test_a_shard_is_split_while_a_later_attempt_runs(void **state)
{
    machine_t m;
    lent_t l, later;
    const fake_file_t files[] = {
        {"/var/log/a", 30, 0, 0}, {"/var/log/b", 70, 0, 0}};

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_submit(&m, "web1:/var/log/*", 1000);
    assert_true(fake_list(&m, w, files, 2));
    for (unsigned i = 0; i + 1 < LIMIT_ATTEMPTS; i++) {
        assert_true(fake_lent(&m, w, &l));
        fake_failed(&m, w, &l, ERR_CRASHED, UINT32_MAX, "signal 9");
        lent_fini(&l);
    }
    assert_true(fake_lent(&m, w, &l));
    machine_pass(&m, LEASE_MS, w, NULL);
    assert_true(fake_lent(&m, w, &later));
    fake_failed(&m, w, &l, ERR_CRASHED, UINT32_MAX, "signal 9");
    CHECK_U64(fake_deliver(&m, w, &later), lt_Verdict_VERDICT_STALE);
    CHECK_U64(fake_work(&m, w), 2);
    CHECK_U64(machine_count(&m, job), 100);
    lent_fini(&l);
    lent_fini(&later);
    machine_fini(&m);
}

static void
test_second_partial_of_a_shard_is_a_duplicate(void **state)
{
    machine_t m;
    lent_t l[2], other;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, 200, 100);
    assert_true(fake_lent(&m, w, &l[0]) && fake_lent(&m, w, &l[1]));
    machine_pass(&m, LEASE_MS, w, &l[1]); // the first expires
    assert_true(fake_lent(&m, w, &other));
    CHECK_U64(fake_deliver(&m, w, &l[0]), lt_Verdict_VERDICT_COMMITTED);
    CHECK_U64(fake_deliver(&m, w, &other), lt_Verdict_VERDICT_DUPLICATE);
    CHECK_U64(fake_deliver(&m, w, &l[0]), lt_Verdict_VERDICT_DUPLICATE);
    CHECK_U64(fake_deliver(&m, w, &l[1]), lt_Verdict_VERDICT_COMMITTED);
    CHECK_U64(coordinator_stats(m.c)->duplicates, 2);
    CHECK_U64(machine_count(&m, job), 200);
    lent_fini(&l[0]);
    lent_fini(&l[1]);
    lent_fini(&other);
    machine_fini(&m);
}

static void
test_partial_of_a_worker_that_was_never_lent_the_shard_is_stale(void **state)
{
    single_t s;

    (void)state;
    lease_init(&s, 100, 100);
    fake_t *evil = machine_worker(&s.m, "web2", 1);
    lent_count(&s.l, 7);
    CHECK_U64(fake_deliver(&s.m, evil, &s.l), lt_Verdict_VERDICT_STALE);
    fake_chunk(&s.m, evil, &s.l, 0, s.l.partial.len);
    CHECK_U64(fake_verdict(&s.m, evil), lt_Verdict_VERDICT_STALE);
    CHECK_U64(coordinator_stats(s.m.c)->commits, 0);
    CHECK_U64(machine_status(&s.m, s.job).state, lt_JobState_JOB_RUNNING);
    lent_count(&s.l, 0);
    CHECK_U64(fake_deliver(&s.m, s.w, &s.l), lt_Verdict_VERDICT_COMMITTED);
    CHECK_U64(machine_count(&s.m, s.job), 100);
    lease_fini(&s);
}

static void
test_partial_of_another_incarnation_is_not_counted(void **state)
{
    single_t s;

    (void)state;
    lease_init(&s, 100, 100);
    uint64_t was = s.w->incarnation;
    s.w->incarnation = 77;
    CHECK_U64(fake_deliver(&s.m, s.w, &s.l), -1);
    fake_register(&s.m, s.w); // it was started anew
    CHECK_U64(fake_deliver(&s.m, s.w, &s.l), lt_Verdict_VERDICT_STALE);
    s.w->incarnation = was;
    CHECK_U64(fake_deliver(&s.m, s.w, &s.l), -1);
    CHECK_U64(coordinator_stats(s.m.c)->commits, 0);
    lease_fini(&s);
}

static void
test_no_more_than_two_large_shards_per_executor_are_lent(void **state)
{
    machine_t m;
    lent_t l[7];
    size_t n = 0;

    (void)state;
    fake_t *w = machine_init_web1(&m, 3);
    (void)machine_job(&m, w, 100 * LARGE, LARGE);
    while (n < 7 && fake_lent(&m, w, &l[n])) {
        n++;
    }
    CHECK_U64(n, 6);
    fake_offer(&m, w, &l[0]); // it is counted: there is room again
    lent_fini(&l[0]);
    assert_true(fake_lent(&m, w, &l[0]));
    lent_fini(&l[0]);
    assert_false(fake_lent(&m, w, &l[0]));
    for (size_t i = 1; i < n; i++) {
        lent_fini(&l[i]);
    }
    machine_fini(&m);
}

// How many shards of this size one executor is lent.
static size_t
lent_of(uint64_t shard_bytes)
{
    machine_t m;
    lent_t l;
    size_t n = 0;

    fake_t *w = machine_init_web1(&m, 1);
    (void)machine_job(&m, w, 100 * shard_bytes, shard_bytes);
    while (fake_lent(&m, w, &l)) {
        lent_fini(&l);
        n++;
    }
    machine_fini(&m);
    return n;
}

static void
test_small_shards_share_a_credit(void **state)
{
    const size_t parts = CREDIT_PER_EXECUTOR * CREDIT_WHOLE;

    (void)state;
    CHECK_U64(lent_of(1), parts);
    CHECK_U64(lent_of(CREDIT_PART_BYTES - 1), parts);
    CHECK_U64(lent_of(CREDIT_PART_BYTES), parts / 2);
    CHECK_U64(lent_of(CREDIT_WHOLE_BYTES - 1), CREDIT_PER_EXECUTOR);
    CHECK_U64(lent_of(CREDIT_WHOLE_BYTES), CREDIT_PER_EXECUTOR);
    CHECK_U64(lent_of(10 * LARGE), CREDIT_PER_EXECUTOR);
}

// However many executors it has: a heartbeat names what it holds.
static void
test_a_worker_is_lent_no_more_than_a_heartbeat_can_name(void **state)
{
    machine_t m;
    lent_t l;
    size_t n = 0;

    (void)state;
    fake_t *w = machine_init_web1(&m, CREDIT_SHARDS / CREDIT_WHOLE);
    (void)machine_job(&m, w, 2 * CREDIT_SHARDS, 1);
    while (fake_lent(&m, w, &l)) {
        lent_fini(&l);
        n++;
    }
    CHECK_U64(n, CREDIT_SHARDS);
    machine_fini(&m);
}

static void
test_small_job_is_served_beside_a_long_one(void **state)
{
    machine_t m;
    lent_t l[2];

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t big = machine_job(&m, w, 1000 * LARGE, LARGE);
    assert_true(fake_lent(&m, w, &l[0]) && fake_lent(&m, w, &l[1]));
    uint64_t small = machine_job(&m, w, 50, 100);
    CHECK_U64(fake_deliver(&m, w, &l[0]), lt_Verdict_VERDICT_COMMITTED);
    lent_fini(&l[0]);
    assert_true(fake_lent(&m, w, &l[0]));
    CHECK_U64(l[0].meta.job, small);
    CHECK_U64(fake_deliver(&m, w, &l[0]), lt_Verdict_VERDICT_COMMITTED);
    CHECK_U64(machine_status(&m, small).state, lt_JobState_JOB_DONE);
    CHECK_U64(machine_status(&m, big).state, lt_JobState_JOB_RUNNING);
    lent_fini(&l[0]);
    lent_fini(&l[1]);
    machine_fini(&m);
}

static void
test_two_long_jobs_take_turns(void **state)
{
    machine_t m;
    lent_t l;
    size_t of[3] = {0};

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t first = machine_job(&m, w, 100 * LARGE, LARGE);
    uint64_t second = machine_job(&m, w, 100 * LARGE, LARGE);
    for (size_t i = 0; i < 20; i++) {
        assert_true(fake_lent(&m, w, &l));
        of[l.meta.job == first ? 1 : l.meta.job == second ? 2 : 0]++;
        CHECK_U64(fake_deliver(&m, w, &l), lt_Verdict_VERDICT_COMMITTED);
        lent_fini(&l);
    }
    CHECK_U64(of[0], 0);
    assert_in_range(of[1], 10, 11); // it had the credit to itself at first
    machine_fini(&m);
}

static void
test_busy_worker_gives_the_lease_back_and_no_attempt_is_counted(void **state)
{
    machine_t m;
    lent_t l;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, 100, 100);
    for (unsigned i = 0; i < 2 * LIMIT_ATTEMPTS; i++) {
        assert_true(fake_lent(&m, w, &l));
        fake_failed(&m, w, &l, ERR_BUSY, UINT32_MAX, "busy");
        lent_fini(&l);
        machine_pass(&m, 1000, w, NULL);
    }
    CHECK_U64(machine_status(&m, job).retried, 0);
    CHECK_U64(fake_work(&m, w), 1);
    CHECK_U64(machine_count(&m, job), 100);
    machine_fini(&m);
}

// Asked again at once, it would say so again, as fast as the wire goes.
static void
test_busy_worker_is_left_alone_for_a_moment(void **state)
{
    single_t s;

    (void)state;
    lease_init(&s, 100, 100);
    fake_failed(&s.m, s.w, &s.l, ERR_BUSY, UINT32_MAX, "busy");
    lent_fini(&s.l);
    assert_false(fake_lent(&s.m, s.w, &s.l));
    machine_pass(&s.m, 1000, s.w, NULL);
    assert_true(fake_lent(&s.m, s.w, &s.l));
    lease_fini(&s);
}

static void
test_three_failed_attempts_end_partial_and_name_the_file(void **state)
{
    machine_t m;
    lent_t l;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, 100, 100);
    for (unsigned i = 0; i < LIMIT_ATTEMPTS; i++) {
        assert_true(fake_lent(&m, w, &l));
        fake_failed(&m, w, &l, ERR_CRASHED, UINT32_MAX, "signal 9");
        lent_fini(&l);
    }
    assert_false(fake_lent(&m, w, &l));
    lt_JobUpdate update = machine_status(&m, job);
    CHECK_U64(update.state, lt_JobState_JOB_PARTIAL);
    CHECK_U64(update.exit, EXIT_PARTIAL);
    machine_check_missing(&m, job, "web1:/var/log/x: signal 9");
    machine_fini(&m);
}

static void
test_failed_attempt_goes_to_another_worker(void **state)
{
    pair_t p;
    lent_t l, again;

    (void)state;
    pair_init(&p, 100, 100);
    bool a_has_it = fake_lent(&p.m, p.a, &l);
    assert_true(a_has_it || fake_lent(&p.m, p.b, &l));
    fake_failed(&p.m, a_has_it ? p.a : p.b, &l, ERR_IO, UINT32_MAX, "no");
    assert_false(fake_lent(&p.m, a_has_it ? p.a : p.b, &again));
    CHECK_U64(fake_work(&p.m, a_has_it ? p.b : p.a), 1);
    CHECK_U64(machine_count(&p.m, p.job), 100);
    lent_fini(&l);
    machine_fini(&p.m);
}

static void
test_lane_that_takes_no_frame_gives_the_lease_back(void **state)
{
    single_t s;

    (void)state;
    lease_init(&s, 100, 100);
    lent_fini(&s.l);
    coordinator_undelivered(s.m.c, OUT_INTAKE, s.w->lane, s.m.now);
    machine_tick(&s.m, 100);
    assert_false(fake_lent(&s.m, s.w, &s.l)); // not at once
    machine_tick(&s.m, 1000);
    CHECK_U64(fake_work(&s.m, s.w), 1);
    CHECK_U64(machine_status(&s.m, s.job).retried, 0);
    CHECK_U64(machine_count(&s.m, s.job), 100);
    machine_fini(&s.m);
}

// The state folder was lost, and numbers of jobs are given again: what a worker
// still has of the job of before looks like this one's, and is as large.
static void
test_a_partial_of_a_job_before_is_not_this_ones(void **state)
{
    single_t s;

    (void)state;
    lease_init(&s, 100, 100);
    lent_t before = s.l;
    before.epoch = EPOCH - 1;
    CHECK_U64(fake_deliver(&s.m, s.w, &before), lt_Verdict_VERDICT_STALE);
    CHECK_U64(machine_count(&s.m, s.job), UINT64_MAX);
    before.running = true;
    machine_pass(&s.m, 20000, s.w, &before); // nor is it heard of by that
    assert_true(coordinator_stats(s.m.c)->leases_expired > 0);
    lease_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_shard_counted_is_the_exact_answer),
        cmocka_unit_test(test_silent_worker_loses_its_shards_to_others),
        cmocka_unit_test(test_a_dead_worker_is_not_waited_for),
        cmocka_unit_test(test_lease_that_nobody_mentions_expires),
        cmocka_unit_test(test_lease_that_is_mentioned_stays),
        cmocka_unit_test(test_late_partial_of_an_expired_attempt_commits),
        cmocka_unit_test(test_of_many_expired_attempts_the_last_may_commit),
        cmocka_unit_test(test_room_that_nobody_uses_is_taken_back),
        cmocka_unit_test(test_poison_takes_no_other_file_with_it),
        cmocka_unit_test(test_a_shard_is_split_while_a_later_attempt_runs),
        cmocka_unit_test(test_second_partial_of_a_shard_is_a_duplicate),
        cmocka_unit_test(
            test_partial_of_a_worker_that_was_never_lent_the_shard_is_stale),
        cmocka_unit_test(test_partial_of_another_incarnation_is_not_counted),
        cmocka_unit_test(
            test_no_more_than_two_large_shards_per_executor_are_lent),
        cmocka_unit_test(test_small_shards_share_a_credit),
        cmocka_unit_test(
            test_a_worker_is_lent_no_more_than_a_heartbeat_can_name),
        cmocka_unit_test(test_small_job_is_served_beside_a_long_one),
        cmocka_unit_test(test_two_long_jobs_take_turns),
        cmocka_unit_test(
            test_busy_worker_gives_the_lease_back_and_no_attempt_is_counted),
        cmocka_unit_test(test_busy_worker_is_left_alone_for_a_moment),
        cmocka_unit_test(
            test_three_failed_attempts_end_partial_and_name_the_file),
        cmocka_unit_test(test_failed_attempt_goes_to_another_worker),
        cmocka_unit_test(test_lane_that_takes_no_frame_gives_the_lease_back),
        cmocka_unit_test(test_a_partial_of_a_job_before_is_not_this_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
