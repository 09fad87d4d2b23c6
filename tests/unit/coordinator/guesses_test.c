// SPDX-License-Identifier: Apache-2.0
// An archive that was cut at guesses is read from end to end where one of them
// is wrong, and counted once.
#include "tests/unit/coordinator/archive_job.h"

// Four shards of the archive, then one of the plain file.
static const fake_file_t files[] = {
    {"/l/a.gz", 400, 1, 100}, {"/l/b", 50, 0, 0}};

typedef archive_job_t fixture_t;

static void
setup(fixture_t *f)
{
    archive_job_init(f, files, true);
}

static void
done(fixture_t *f)
{
    CHECK_U64(coordinator_stats(f->m.c)->staging_bytes, 0);
    archive_job_fini(f);
}

static void
deliver(fixture_t *f, const lent_t *l)
{
    CHECK_U64(fake_deliver(&f->m, f->w, l), lt_Verdict_VERDICT_COMMITTED);
}

static void
deliver_late(fixture_t *f, const lent_t *l)
{
    CHECK_U64(fake_deliver(&f->m, f->w, l), lt_Verdict_VERDICT_STALE);
}

static void
refute(fixture_t *f, const lent_t *l, errcode_t rc)
{
    fake_failed(&f->m, f->w, l, rc, 0, "no such thing");
}

// The one shard that has all of the archive, and that nothing had before.
static void
take_whole(fixture_t *f)
{
    lent_fini(&f->whole);
    assert_true(fake_lent(&f->m, f->w, &f->whole));
    CHECK_U64(f->whole.meta.shard, SHARDS);
    CHECK_U64(f->whole.meta.n_ranges, 1);
    CHECK_U64(f->whole.files[0], 0);
    CHECK_U64(f->whole.begin[0], 0);
    CHECK_U64(f->whole.end[0], 400);
    assert_false(f->whole.guessed);
}

static void
check_end(fixture_t *f, uint64_t count, const char *missing)
{
    lt_JobUpdate update = machine_status(&f->m, f->job);

    CHECK_U64(update.shards, 2);
    CHECK_U64(update.shards_done, 2);
    CHECK_U64(update.bytes, 450);
    CHECK_U64(update.bytes_done, count);
    archive_job_check(f, count, missing);
    result_t *result = machine_result(&f->m, f->job);
    CHECK_U64(result->receipt.shards, 2);
    CHECK_U64(result->receipt.n_missing, missing != NULL);
    result_destroy(&result);
}

static void
test_guesses_that_hold_are_cuts(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    for (size_t i = 0; i < SHARDS; i++) {
        assert_int_equal(f.l[i].guessed, i < PARTS);
        deliver(&f, &f.l[i]);
    }
    CHECK_U64(machine_count(&f.m, f.job), 450);
    CHECK_U64(machine_status(&f.m, f.job).shards, SHARDS);
    done(&f);
}

// Whatever part says it first, and how many of the others were committed.
static void
test_a_wrong_guess_makes_it_one_shard(void **state)
{
    (void)state;
    for (size_t bad = 0; bad < PARTS; bad++) {
        for (size_t before = 0; before < PARTS; before++) {
            fixture_t f;
            setup(&f);
            for (size_t i = 0; i < before; i++) {
                deliver(&f, &f.l[(bad + 1 + i) % PARTS]);
            }
            refute(&f, &f.l[bad], ERR_CORRUPT);
            for (size_t i = 0; i < PARTS; i++) {
                deliver_late(&f, &f.l[i]);
            }
            take_whole(&f);
            deliver(&f, &f.l[4]);
            CHECK_U64(
                machine_status(&f.m, f.job).state, lt_JobState_JOB_RUNNING);
            CHECK_U64(machine_status(&f.m, f.job).bytes_done, 50);
            deliver(&f, &f.whole);
            check_end(&f, 450, NULL);
            done(&f);
        }
    }
}

// Whatever a worker finds in bytes that are no member.
static void
test_no_word_on_a_part_is_one_on_the_file(void **state)
{
    static const errcode_t codes[] = {ERR_CORRUPT, ERR_UNSUPPORTED, ERR_FORMAT,
        ERR_QUERY, ERR_OVERFLOW, ERR_REGEX};

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        fixture_t f;
        setup(&f);
        refute(&f, &f.l[2], codes[i]);
        take_whole(&f);
        deliver(&f, &f.whole);
        deliver(&f, &f.l[4]);
        check_end(&f, 450, NULL);
        done(&f);
    }
}

// Nor is an executor that dies of them again and again.
static void
test_a_part_that_is_never_counted_is_read_with_the_others(void **state)
{
    fixture_t f;
    lent_t again = {0};

    (void)state;
    setup(&f);
    deliver(&f, &f.l[0]);
    refute(&f, &f.l[1], ERR_CRASHED);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(fake_lent(&f.m, f.w, &again));
        CHECK_U64(again.meta.shard, 1);
        refute(&f, &again, ERR_CRASHED);
        lent_fini(&again);
    }
    take_whole(&f);
    deliver(&f, &f.whole);
    deliver(&f, &f.l[4]);
    check_end(&f, 450, NULL);
    done(&f);
}

// What the file itself is to blame for.
static void
test_a_file_that_is_damaged_is_missing(void **state)
{
    static const errcode_t codes[] = {ERR_CORRUPT, ERR_CHANGED, ERR_NOT_FOUND};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        fixture_t f;
        setup(&f);
        deliver(&f, &f.l[3]);
        refute(&f, &f.l[0], ERR_CORRUPT);
        take_whole(&f);
        refute(&f, &f.whole, codes[i]);
        deliver(&f, &f.l[4]);
        check_end(&f, 50, "web1:/l/a.gz: no such thing");
        done(&f);
    }
}

static void
test_a_file_that_changed_is_not_read_again(void **state)
{
    fixture_t f;
    lent_t none;

    (void)state;
    setup(&f);
    refute(&f, &f.l[0], ERR_CHANGED);
    assert_false(fake_lent(&f.m, f.w, &none));
    deliver(&f, &f.l[4]);
    CHECK_U64(machine_status(&f.m, f.job).state, lt_JobState_JOB_PARTIAL);
    CHECK_U64(machine_count(&f.m, f.job), 50);
    done(&f);
}

// A word on another file than the shard has is a failure like any.
static void
test_a_word_on_another_file_says_nothing(void **state)
{
    fixture_t f;
    lent_t again = {0};

    (void)state;
    setup(&f);
    fake_failed(&f.m, f.w, &f.l[1], ERR_CORRUPT, 1, "no such thing");
    assert_true(fake_lent(&f.m, f.w, &again));
    CHECK_U64(again.meta.shard, 1);
    CHECK_U64(again.meta.attempt, 2);
    lent_fini(&again);
    done(&f);
}

// Does what is on its lane; a partial of before may have been there first.
static void
work(fixture_t *f)
{
    lent_t l;

    while (fake_lent(&f->m, f->w, &l)) {
        (void)fake_deliver(&f->m, f->w, &l);
        lent_fini(&l);
    }
}

// At each moment: before the whole is lent, while it is, when it is
// committed, and twice in a row; with what the worker holds of before.
static void
test_a_restart_goes_on_with_the_whole(void **state)
{
    (void)state;
    for (int when = 0; when < 4; when++) {
        fixture_t f;
        setup(&f);
        deliver(&f, &f.l[3]);
        deliver(&f, &f.l[0]);
        refute(&f, &f.l[1], ERR_CORRUPT);
        if (when > 0) {
            take_whole(&f);
        }
        if (when > 1) {
            deliver(&f, &f.whole);
        }
        CHECK_U64(memory_restart(&f.m), 0);
        fake_register(&f.m, f.w);
        deliver_late(&f, &f.l[2]);
        fake_beat(&f.m, f.w, &f.l[1]);
        if (when == 3) {
            CHECK_U64(memory_restart(&f.m), 0);
            fake_register(&f.m, f.w);
        }
        if (when == 1) {
            deliver(&f, &f.whole); // of the coordinator before
        }
        work(&f);
        check_end(&f, 450, NULL);
        done(&f);
    }
}

// Nothing is lent of a plan that the next coordinator may not know.
static void
test_the_whole_is_lent_when_the_change_is_durable(void **state)
{
    fixture_t f;
    lent_t none;

    (void)state;
    setup(&f);
    deliver(&f, &f.l[3]);
    f.m.sync = NULL;
    refute(&f, &f.l[1], ERR_CORRUPT);
    assert_false(fake_lent(&f.m, f.w, &none));
    CHECK_U64(memory_restart(&f.m), 0);
    f.m.sync = memory_sync;
    fake_register(&f.m, f.w);
    deliver(&f, &f.l[2]); // still a part of the plan
    work(&f);
    CHECK_U64(machine_count(&f.m, f.job), 450);
    CHECK_U64(machine_status(&f.m, f.job).shards, SHARDS);
    done(&f);
}

static void
test_a_job_may_end_in_the_middle(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    deliver(&f, &f.l[0]);
    refute(&f, &f.l[1], ERR_CORRUPT);
    take_whole(&f);
    machine_say(&f.m, LINK_CONTROL, CLIENT_PEER, &f.m.client, PROTO_CANCEL_JOB,
        lt_JobRequest_fields, &(lt_JobRequest){.job = f.job}, (span_t){0});
    deliver_late(&f, &f.whole);
    lt_JobUpdate update = machine_status(&f.m, f.job);
    CHECK_U64(update.state, lt_JobState_JOB_CANCELLED);
    CHECK_U64(update.shards, 2);
    CHECK_U64(update.shards_done, 0);
    done(&f);
}

static void
test_what_is_not_there_by_the_deadline_is_one_file(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    deliver(&f, &f.l[0]);
    refute(&f, &f.l[1], ERR_CORRUPT);
    take_whole(&f);
    deliver(&f, &f.l[4]);
    machine_pass(&f.m, 3600 * 1000, f.w, &f.whole);
    check_end(&f, 50, "web1:/l/a.gz: not counted by the deadline");
    done(&f);
}

// Parts that take more than they may are no reason to fail a job: one partial
// takes less than many do.
static void
test_parts_that_have_no_room_are_read_as_one(void **state)
{
    static const fake_file_t one = {"/l/a.gz", 2000, 1, 1};
    machine_t m = {0};
    coordinator_config_t config = machine_config(&m);
    lent_t l = {0};
    int verdict;
    size_t n_stale = 0, n = 0;

    (void)state;
    config.merge_budget = 60000;
    machine_init_with(&m, &config);
    fake_t *w = machine_worker(&m, "web1", 8);
    w->guesses = true;
    uint64_t job = machine_submit(&m, "web1:/l/*", 1);
    assert_true(fake_list(&m, w, &one, 1));
    while (fake_lent(&m, w, &l)) {
        verdict = fake_deliver(&m, w, &l);
        n_stale += verdict == lt_Verdict_VERDICT_STALE;
        n++;
        lent_fini(&l);
    }
    assert_true(n_stale > 0 && n < 2000);
    CHECK_U64(machine_status(&m, job).state, lt_JobState_JOB_DONE);
    CHECK_U64(machine_count(&m, job), 2000);
    CHECK_U64(coordinator_stats(m.c)->staging_bytes, 0);
    machine_fini(&m);
}

// Shards that were counted twice are void as well; the one that has the file
// is counted twice where one of them should have been.
static void
test_what_was_compared_of_parts_is_forgotten(void **state)
{
    static const fake_file_t one = {"/net/a.gz", 400, 1, 100};
    memory_journal_t journal;
    machine_t m;
    lent_t a[PARTS] = {0}, check = {0};

    (void)state;
    memory_init(&m, &journal);
    m.verify_ppm = 1000000;
    fake_t *w = machine_worker(&m, "web1", 4);
    w->guesses = true;
    uint64_t job = machine_submit(&m, "shared:/net/a.gz", 100);
    assert_true(fake_list(&m, w, &one, 1));
    for (size_t i = 0; i < PARTS; i++) {
        assert_true(fake_lent(&m, w, &a[i]));
    }
    fake_t *other = machine_worker(&m, "web2", 1);
    for (size_t i = 0; i < 2; i++) {
        CHECK_U64(fake_deliver(&m, w, &a[i]), lt_Verdict_VERDICT_COMMITTED);
    }
    assert_true(fake_lent(&m, other, &check));
    fake_deliver(&m, other, &check);
    fake_failed(&m, w, &a[3], ERR_CORRUPT, 0, "no such thing");
    CHECK_U64(memory_restart(&m), 0);
    fake_register(&m, w);
    fake_register(&m, other);
    CHECK_U64(fake_work(&m, w) + fake_work(&m, other), 2);
    CHECK_U64(machine_status(&m, job).state, lt_JobState_JOB_DONE);
    CHECK_U64(machine_count(&m, job), 400);
    result_t *r = machine_result(&m, job);
    bool said = false;
    for (size_t i = 0; i < r->receipt.n_notes; i++) {
        said = said || strcmp(r->receipt.notes[i],
                           "1 of 1 shards were counted by a second worker too: "
                           "1 equal") == 0;
    }
    assert_true(said);
    result_destroy(&r);
    for (size_t i = 0; i < PARTS; i++) {
        lent_fini(&a[i]);
    }
    lent_fini(&check);
    memory_fini(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guesses_that_hold_are_cuts),
        cmocka_unit_test(test_a_wrong_guess_makes_it_one_shard),
        cmocka_unit_test(test_no_word_on_a_part_is_one_on_the_file),
        cmocka_unit_test(
            test_a_part_that_is_never_counted_is_read_with_the_others),
        cmocka_unit_test(test_a_file_that_is_damaged_is_missing),
        cmocka_unit_test(test_a_file_that_changed_is_not_read_again),
        cmocka_unit_test(test_a_word_on_another_file_says_nothing),
        cmocka_unit_test(test_a_restart_goes_on_with_the_whole),
        cmocka_unit_test(test_the_whole_is_lent_when_the_change_is_durable),
        cmocka_unit_test(test_a_job_may_end_in_the_middle),
        cmocka_unit_test(test_what_is_not_there_by_the_deadline_is_one_file),
        cmocka_unit_test(test_parts_that_have_no_room_are_read_as_one),
        cmocka_unit_test(test_what_was_compared_of_parts_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
