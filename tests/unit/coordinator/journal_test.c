// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/coordinator/memory_journal.h"

#include "tests/unit/cmocka_all.h"

#define SIZE  400u
#define SHARD 100u

typedef struct fixture {
    machine_t m;
    memory_journal_t journal;
    fake_t *w;
    uint64_t job;
    lent_t l;
} fixture_t;

// A job of four shards, with a worker that may hold two of them.
static void
setup(fixture_t *f)
{
    memory_init(&f->m, &f->journal);
    f->l = (lent_t){0};
    f->w = machine_worker(&f->m, "web1", 1);
    f->job = machine_job(&f->m, f->w, SIZE, SHARD);
}

static void
done(fixture_t *f)
{
    lent_fini(&f->l);
    memory_fini(&f->m);
}

static void
stop_sync(fixture_t *f)
{
    f->m.sync = NULL;
}

static void
go_on_sync(fixture_t *f)
{
    f->m.sync = memory_sync;
    machine_pump(&f->m);
}

static void
commit_one(fixture_t *f)
{
    assert_true(fake_lent(&f->m, f->w, &f->l));
    CHECK_U64(fake_deliver(&f->m, f->w, &f->l), lt_Verdict_VERDICT_COMMITTED);
    lent_fini(&f->l);
}

static void
finish_and_check(fixture_t *f)
{
    (void)fake_work(&f->m, f->w);
    CHECK_U64(machine_status(&f->m, f->job).state, lt_JobState_JOB_DONE);
    CHECK_U64(machine_count(&f->m, f->job), SIZE);
}

static bool
job_is_known(machine_t *m, uint64_t job)
{
    static const identity_t admin = {.name = "root", .roles = ROLE_ADMIN};
    const lt_JobRequest meta = {.job = job};

    machine_say(m, LINK_CONTROL, CLIENT_PEER + 9, &admin, PROTO_STATUS,
        lt_JobRequest_fields, &meta, (span_t){0});
    return machine_heard(m, CLIENT_PEER + 9, PROTO_JOB_UPDATE, NULL, NULL);
}

static void
test_a_commit_is_durable_before_the_worker_hears(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    assert_true(fake_lent(&f.m, f.w, &f.l));
    stop_sync(&f);
    CHECK_U64(fake_deliver(&f.m, f.w, &f.l), -1);
    go_on_sync(&f);
    CHECK_U64(fake_verdict(&f.m, f.w), lt_Verdict_VERDICT_COMMITTED);
    done(&f);
}

static void
test_a_job_is_durable_before_its_owner_hears(void **state)
{
    fixture_t f;
    const char *source = "web1:/var/log/y";
    lt_JobUpdate update;

    (void)state;
    setup(&f);
    stop_sync(&f);
    CHECK_U64(machine_submit_as(&f.m, CLIENT_PEER + 1, &f.m.client,
                  submit_meta(&f.m, "count", 0), &source, 1),
        0);
    go_on_sync(&f);
    assert_true(machine_heard(
        &f.m, CLIENT_PEER + 1, PROTO_JOB_UPDATE, lt_JobUpdate_fields, &update));
    CHECK_U64(update.job, f.job + 1);
    done(&f);
}

static void
test_no_shard_is_lent_before_the_plan_is_durable(void **state)
{
    fixture_t f;
    const fake_file_t file = {"/var/log/x", SIZE, 0, 0};

    (void)state;
    memory_init(&f.m, &f.journal);
    f.l = (lent_t){0};
    f.w = machine_worker(&f.m, "web1", 1);
    f.job = machine_submit(&f.m, "web1:/var/log/x", SHARD);
    stop_sync(&f);
    assert_true(fake_list(&f.m, f.w, &file, 1));
    assert_false(fake_lent(&f.m, f.w, &f.l));
    go_on_sync(&f);
    finish_and_check(&f);
    done(&f);
}

static void
test_the_end_is_durable_before_anybody_hears(void **state)
{
    fixture_t f;
    lt_JobUpdate update;
    bool over = false;

    (void)state;
    setup(&f);
    for (int i = 0; i < 3; i++) {
        commit_one(&f);
    }
    assert_true(fake_lent(&f.m, f.w, &f.l));
    stop_sync(&f);
    CHECK_U64(fake_deliver(&f.m, f.w, &f.l), -1);
    while (machine_heard(
        &f.m, CLIENT_PEER, PROTO_JOB_UPDATE, lt_JobUpdate_fields, &update)) {
        assert_true(update.state <= lt_JobState_JOB_RUNNING);
    }
    go_on_sync(&f);
    while (machine_heard(
        &f.m, CLIENT_PEER, PROTO_JOB_UPDATE, lt_JobUpdate_fields, &update)) {
        over = update.state == lt_JobState_JOB_DONE;
    }
    assert_true(over);
    done(&f);
}

static void
test_committed_shards_are_not_read_again(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    commit_one(&f);
    commit_one(&f);
    CHECK_U64(memory_restart(&f.m), 0);
    CHECK_U64(coordinator_stats(f.m.c)->restored, 2);
    CHECK_U64(machine_status(&f.m, f.job).shards_done, 2);
    fake_register(&f.m, f.w);
    CHECK_U64(fake_work(&f.m, f.w), 2);
    CHECK_U64(machine_count(&f.m, f.job), SIZE);
    done(&f);
}

static void
test_any_number_of_restarts_counts_each_line_once(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    for (int i = 0; i < 4; i++) {
        commit_one(&f);
        CHECK_U64(memory_restart(&f.m), 0);
        fake_register(&f.m, f.w);
    }
    CHECK_U64(machine_status(&f.m, f.job).state, lt_JobState_JOB_DONE);
    CHECK_U64(machine_count(&f.m, f.job), SIZE);
    done(&f);
}

static void
test_a_commit_that_was_not_synced_is_counted_again(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    assert_true(fake_lent(&f.m, f.w, &f.l));
    stop_sync(&f);
    CHECK_U64(fake_deliver(&f.m, f.w, &f.l), -1);
    CHECK_U64(memory_restart(&f.m), 0);
    go_on_sync(&f);
    CHECK_U64(machine_status(&f.m, f.job).shards_done, 0);
    fake_register(&f.m, f.w);
    CHECK_U64(fake_deliver(&f.m, f.w, &f.l), lt_Verdict_VERDICT_COMMITTED);
    CHECK_U64(machine_status(&f.m, f.job).shards_done, 1);
    done(&f);
}

static void
test_what_a_worker_still_counts_is_left_to_it(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    assert_true(fake_lent(&f.m, f.w, &f.l));
    f.l.meta.attempt = 3; // as if it had been lent before
    CHECK_U64(memory_restart(&f.m), 0);
    fake_register(&f.m, f.w);
    fake_beat(&f.m, f.w, &f.l);
    CHECK_U64(coordinator_stats(f.m.c)->adopted, 1);
    CHECK_U64(fake_deliver(&f.m, f.w, &f.l), lt_Verdict_VERDICT_COMMITTED);
    done(&f);
}

// A state folder that was lost starts its job numbers again.
static void
test_a_shard_of_another_job_of_that_number_is_refused(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    assert_true(fake_lent(&f.m, f.w, &f.l));
    CHECK_U64(memory_restart(&f.m), 0);
    fake_register(&f.m, f.w);
    f.l.meta.attempt = 2;
    f.l.epoch = EPOCH - 1;
    CHECK_U64(fake_deliver(&f.m, f.w, &f.l), lt_Verdict_VERDICT_STALE);
    CHECK_U64(coordinator_stats(f.m.c)->adopted, 0);
    done(&f);
}

static void
test_a_shard_is_not_adopted_from_another_host(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    fake_t *other = machine_worker(&f.m, "web2", 1);
    assert_true(fake_lent(&f.m, f.w, &f.l));
    CHECK_U64(memory_restart(&f.m), 0);
    fake_register(&f.m, f.w);
    fake_register(&f.m, other);
    f.l.meta.attempt = 2;
    CHECK_U64(fake_deliver(&f.m, other, &f.l), lt_Verdict_VERDICT_STALE);
    done(&f);
}

static void
test_what_was_lost_stays_lost(void **state)
{
    fixture_t f;
    result_t *result;

    (void)state;
    setup(&f);
    assert_true(fake_lent(&f.m, f.w, &f.l));
    fake_failed(&f.m, f.w, &f.l, ERR_CHANGED, 0, "it was replaced");
    lent_fini(&f.l);
    CHECK_U64(memory_restart(&f.m), 0);
    fake_register(&f.m, f.w);
    (void)fake_work(&f.m, f.w);
    CHECK_U64(machine_status(&f.m, f.job).state, lt_JobState_JOB_PARTIAL);
    CHECK_U64(machine_count(&f.m, f.job), SIZE - SHARD);
    result = machine_result(&f.m, f.job);
    CHECK_U64(result->receipt.n_missing, 1);
    assert_string_equal(
        result->receipt.missing[0], "web1:/var/log/x: it was replaced");
    result_destroy(&result);
    done(&f);
}

// Whichever of the entries of one step were synced: no shard is left that has
// nothing to count, for it could not even be lent.
static void
test_a_shard_without_a_file_is_not_lent(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    assert_true(fake_lent(&f.m, f.w, &f.l));
    stop_sync(&f);
    size_t before = f.journal.n;
    fake_failed(&f.m, f.w, &f.l, ERR_CHANGED, 0, "it was replaced");
    lent_fini(&f.l);
    f.journal.n_durable = before + 1;
    CHECK_U64(memory_restart(&f.m), 0);
    go_on_sync(&f);
    fake_register(&f.m, f.w);
    CHECK_U64(fake_work(&f.m, f.w), SIZE / SHARD - 1);
    CHECK_U64(machine_status(&f.m, f.job).state, lt_JobState_JOB_PARTIAL);
    CHECK_U64(machine_count(&f.m, f.job), SIZE - SHARD);
    done(&f);
}

static void
test_a_job_without_a_plan_is_planned_anew(void **state)
{
    fixture_t f;
    const fake_file_t file = {"/var/log/x", SIZE, 0, 0};

    (void)state;
    memory_init(&f.m, &f.journal);
    f.l = (lent_t){0};
    f.w = machine_worker(&f.m, "web1", 1);
    f.job = machine_submit(&f.m, "web1:/var/log/x", SHARD);
    CHECK_U64(memory_restart(&f.m), 0);
    fake_register(&f.m, f.w);
    machine_pass(&f.m, 7000, f.w, NULL);
    assert_true(fake_list(&f.m, f.w, &file, 1));
    finish_and_check(&f);
    done(&f);
}

// It was, and the coordinator died of it.
static void
test_a_job_cancelled_before_its_plan_is_not_planned(void **state)
{
    fixture_t f;
    const lt_JobRequest meta = {.job = 1};

    (void)state;
    memory_init(&f.m, &f.journal);
    f.l = (lent_t){0};
    f.w = machine_worker(&f.m, "web1", 1);
    f.job = machine_submit(&f.m, "web1:/var/log/x", SHARD);
    CHECK_U64(f.job, meta.job);
    CHECK_U64(memory_restart(&f.m), 0);
    machine_say(&f.m, LINK_CONTROL, CLIENT_PEER, &f.m.client, PROTO_CANCEL_JOB,
        lt_JobRequest_fields, &meta, (span_t){0});
    fake_register(&f.m, f.w);
    machine_forget(&f.m);
    machine_pass(&f.m, 7000, f.w, NULL);
    assert_false(machine_heard(&f.m, f.w->peer, PROTO_LIST, NULL, NULL));
    CHECK_U64(machine_status(&f.m, f.job).state, lt_JobState_JOB_CANCELLED);
    done(&f);
}

static void
test_jobs_are_planned_as_soon_as_all_are_back(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    fake_t *other = machine_worker(&f.m, "web2", 1);
    finish_and_check(&f);
    CHECK_U64(memory_restart(&f.m), 0);
    fake_register(&f.m, f.w);
    machine_forget(&f.m);
    (void)machine_submit(&f.m, "web*:/var/log/x", SHARD);
    machine_pass(&f.m, 1000, f.w, NULL);
    assert_false(machine_heard(&f.m, f.w->peer, PROTO_LIST, NULL, NULL));
    fake_register(&f.m, other);
    machine_tick(&f.m, 100);
    assert_true(machine_heard(&f.m, f.w->peer, PROTO_LIST, NULL, NULL));
    assert_true(machine_heard(&f.m, other->peer, PROTO_LIST, NULL, NULL));
    done(&f);
}

// A wildcard must not leave out a host that is away for longer than it takes
// the others to come back.
static void
test_a_worker_that_is_away_is_missed(void **state)
{
    fixture_t f;
    const fake_file_t file = {"/var/log/x", SIZE, 0, 0};

    (void)state;
    setup(&f);
    machine_worker(&f.m, "web2", 1);
    finish_and_check(&f);
    CHECK_U64(memory_restart(&f.m), 0);
    fake_register(&f.m, f.w);
    machine_pass(&f.m, 10000, f.w, NULL);
    f.job = machine_submit(&f.m, "web*:/var/log/x", SHARD);
    assert_true(fake_list(&f.m, f.w, &file, 1));
    (void)fake_work(&f.m, f.w);
    CHECK_U64(machine_status(&f.m, f.job).state, lt_JobState_JOB_PARTIAL);
    done(&f);
}

static void
test_a_revoked_worker_is_not_missed(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    machine_worker(&f.m, "web2", 1);
    coordinator_revoked(f.m.c, "key-web2", f.m.now);
    machine_pump(&f.m);
    CHECK_U64(memory_restart(&f.m), 0);
    fake_register(&f.m, f.w);
    machine_pass(&f.m, 10000, f.w, NULL);
    machine_forget(&f.m);
    CHECK_U64(machine_submit(&f.m, "web2:/var/log/x", SHARD), 0);
    done(&f);
}

static void
test_an_ended_job_is_remembered(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    finish_and_check(&f);
    const lt_JobUpdate before = machine_status(&f.m, f.job);
    CHECK_U64(memory_restart(&f.m), 0);
    CHECK_U64(f.journal.n, 3); // WORKER, JOB and END
    const lt_JobUpdate after = machine_status(&f.m, f.job);
    CHECK_U64(after.state, before.state);
    CHECK_U64(after.shards, before.shards);
    CHECK_U64(after.shards_done, before.shards_done);
    CHECK_U64(after.files, before.files);
    CHECK_U64(after.bytes_done, before.bytes_done);
    CHECK_U64(after.elapsed_ms, before.elapsed_ms);
    CHECK_U64(after.result_bytes, before.result_bytes);
    assert_string_equal(after.query, before.query);
    assert_string_equal(after.owner, before.owner);
    done(&f);
}

static void
test_an_ended_job_is_forgotten_in_time(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    finish_and_check(&f);
    f.journal.keep_ms = 60000;
    CHECK_U64(memory_restart(&f.m), 0);
    machine_tick(&f.m, 59000);
    assert_true(job_is_known(&f.m, f.job));
    machine_tick(&f.m, 1000);
    assert_false(job_is_known(&f.m, f.job));
    CHECK_U64(memory_restart(&f.m), 0);
    CHECK_U64(f.journal.n, 1); // WORKER
    done(&f);
}

static void
test_a_request_that_comes_again_finds_its_job(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    CHECK_U64(memory_restart(&f.m), 0);
    f.m.requests--; // the CLI did not hear the answer
    CHECK_U64(machine_submit(&f.m, "web1:/var/log/x", SHARD), f.job);
    done(&f);
}

static void
test_a_journal_that_cannot_be_written_pauses_and_says_so(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    while (fake_lent(&f.m, f.w, &f.l)) {
        lent_fini(&f.l);
    }
    coordinator_journal_stuck(f.m.c, "No space left on device", f.m.now);
    machine_worker(&f.m, "web2", 1);
    machine_tick(&f.m, 100);
    assert_non_null(
        strstr(machine_status(&f.m, f.job).text, "No space left on device"));
    machine_forget(&f.m);
    CHECK_U64(machine_submit(&f.m, "web2:/var/log/y", SHARD), 0);
    coordinator_journal_stuck(f.m.c, NULL, f.m.now);
    machine_pass(&f.m, 6000, f.w, NULL); // the leases lapse
    finish_and_check(&f);
    done(&f);
}

// ---- damage

static void
test_a_damaged_partial_is_counted_again(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    commit_one(&f);
    commit_one(&f);
    memory_entry(&f.journal, ENTRY_COMMIT)->bytes.p[5] ^= 1;
    CHECK_U64(memory_restart(&f.m), 1);
    CHECK_U64(coordinator_stats(f.m.c)->restored, 1);
    fake_register(&f.m, f.w);
    CHECK_U64(fake_work(&f.m, f.w), 3);
    CHECK_U64(machine_count(&f.m, f.job), SIZE);
    done(&f);
}

// How its queries share tables is the last that is kept of a job; journals of
// before end without it.
static void
test_a_job_goes_on_by_its_own_rules(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    commit_one(&f);
    buf_t *job = &memory_entry(&f.journal, ENTRY_JOB)->bytes;
    CHECK_U64(job->p[job->len - 1], SHARED_RULES);
    job->len--;
    CHECK_U64(memory_restart(&f.m), 0);
    fake_register(&f.m, f.w);
    finish_and_check(&f);
    done(&f);
}

static void
test_a_job_by_rules_that_are_not_known_is_not_counted(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    commit_one(&f);
    buf_t *job = &memory_entry(&f.journal, ENTRY_JOB)->bytes;
    job->p[job->len - 1] = SHARED_RULES + 1;
    assert_true(memory_restart(&f.m) > 0);
    assert_false(job_is_known(&f.m, f.job));
    done(&f);
}

static void
test_a_damaged_plan_ends_the_job_with_a_sentence(void **state)
{
    static const entry_kind_t kinds[] = {ENTRY_FILES, ENTRY_SHARDS, ENTRY_PLAN};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        fixture_t f;
        setup(&f);
        commit_one(&f);
        memory_entry(&f.journal, kinds[i])->bytes.p[0] ^= 0x80;
        assert_true(memory_restart(&f.m) > 0);
        const lt_JobUpdate update = machine_status(&f.m, f.job);
        CHECK_U64(update.state, lt_JobState_JOB_FAILED);
        assert_non_null(strstr(update.text, "journal is damaged"));
        done(&f);
    }
}

// An entry that is not there, or one whose bytes end early or have a wrong
// bit, never makes a wrong count: the job ends right, or says it cannot.
static void
check_harmless(fixture_t *f)
{
    (void)memory_restart(&f->m);
    if (job_is_known(&f->m, f->job)) {
        fake_register(&f->m, f->w);
        machine_tick(&f->m, 10);
        (void)fake_work(&f->m, f->w);
        lt_JobUpdate update = machine_status(&f->m, f->job);
        if (update.state == lt_JobState_JOB_DONE) {
            CHECK_U64(machine_count(&f->m, f->job), SIZE);
        }
    }
}

static void
test_every_missing_entry_is_harmless(void **state)
{
    (void)state;
    for (size_t i = 0;; i++) {
        fixture_t f;
        setup(&f);
        commit_one(&f);
        commit_one(&f);
        size_t n = f.journal.n;
        if (i < n) {
            f.journal.ops[i].what = MEMORY_DROP_ALL;
            f.journal.ops[i].key.job = 999;
            check_harmless(&f);
        }
        done(&f);
        if (i == n) {
            break;
        }
    }
}

static void
test_every_truncation_is_harmless(void **state)
{
    bool more = true;

    (void)state;
    for (size_t len = 0; more; len++) {
        more = false;
        for (entry_kind_t kind = ENTRY_JOB; kind < ENTRY_KINDS; kind++) {
            fixture_t f;
            setup(&f);
            commit_one(&f);
            memory_op_t *op = memory_entry(&f.journal, kind);
            if (op != NULL && len < op->bytes.len) {
                more = true;
                op->bytes.len = len;
                check_harmless(&f);
            }
            done(&f);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_commit_is_durable_before_the_worker_hears),
        cmocka_unit_test(test_a_job_is_durable_before_its_owner_hears),
        cmocka_unit_test(test_no_shard_is_lent_before_the_plan_is_durable),
        cmocka_unit_test(test_the_end_is_durable_before_anybody_hears),
        cmocka_unit_test(test_committed_shards_are_not_read_again),
        cmocka_unit_test(test_any_number_of_restarts_counts_each_line_once),
        cmocka_unit_test(test_a_commit_that_was_not_synced_is_counted_again),
        cmocka_unit_test(test_what_a_worker_still_counts_is_left_to_it),
        cmocka_unit_test(test_a_shard_of_another_job_of_that_number_is_refused),
        cmocka_unit_test(test_a_shard_is_not_adopted_from_another_host),
        cmocka_unit_test(test_what_was_lost_stays_lost),
        cmocka_unit_test(test_a_shard_without_a_file_is_not_lent),
        cmocka_unit_test(test_a_job_without_a_plan_is_planned_anew),
        cmocka_unit_test(test_a_job_cancelled_before_its_plan_is_not_planned),
        cmocka_unit_test(test_jobs_are_planned_as_soon_as_all_are_back),
        cmocka_unit_test(test_a_worker_that_is_away_is_missed),
        cmocka_unit_test(test_a_revoked_worker_is_not_missed),
        cmocka_unit_test(test_an_ended_job_is_remembered),
        cmocka_unit_test(test_an_ended_job_is_forgotten_in_time),
        cmocka_unit_test(test_a_request_that_comes_again_finds_its_job),
        cmocka_unit_test(
            test_a_journal_that_cannot_be_written_pauses_and_says_so),
        cmocka_unit_test(test_a_damaged_partial_is_counted_again),
        cmocka_unit_test(test_a_job_goes_on_by_its_own_rules),
        cmocka_unit_test(test_a_job_by_rules_that_are_not_known_is_not_counted),
        cmocka_unit_test(test_a_damaged_plan_ends_the_job_with_a_sentence),
        cmocka_unit_test(test_every_missing_entry_is_harmless),
        cmocka_unit_test(test_every_truncation_is_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
