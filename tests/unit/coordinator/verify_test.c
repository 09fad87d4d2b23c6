// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/coordinator/memory_journal.h"

#include "tests/unit/cmocka_all.h"

// A job of two shards of a file that web1 and web2 read, and all of it is to
// be counted twice.
typedef struct fixture {
    machine_t m;
    memory_journal_t journal;
    fake_t *a, *b;
    uint64_t job;
} fixture_t;

static void
setup(fixture_t *f, uint32_t ppm)
{
    memory_init(&f->m, &f->journal);
    f->m.verify_ppm = ppm;
    f->a = machine_worker(&f->m, "web1", 1);
    f->b = machine_worker(&f->m, "web2", 1);
    f->job = machine_shared_job(&f->m, 200, 100);
}

static void
done(fixture_t *f)
{
    memory_fini(&f->m);
}

// Both do what they are lent until there is nothing. How much that was.
static size_t
work(fixture_t *f)
{
    size_t sum = 0, n;

    do {
        n = fake_work(&f->m, f->a) + fake_work(&f->m, f->b);
        sum += n;
    } while (n > 0);
    return sum;
}

static void
check_is_running(fixture_t *f)
{
    CHECK_U64(machine_status(&f->m, f->job).state, lt_JobState_JOB_RUNNING);
}

static void
check_note(fixture_t *f, const char *wanted)
{
    result_t *r = machine_result(&f->m, f->job);
    bool found = false;

    assert_non_null(r);
    for (size_t i = 0; i < r->receipt.n_notes; i++) {
        found = found || strcmp(r->receipt.notes[i], wanted) == 0;
    }
    if (!found) {
        fail_msg("the receipt does not say '%s'", wanted);
    }
    result_destroy(&r);
}

static void
check_equal(fixture_t *f)
{
    CHECK_U64(machine_status(&f->m, f->job).state, lt_JobState_JOB_DONE);
    CHECK_U64(machine_count(&f->m, f->job), 200);
    check_note(f, "2 of 2 shards were counted by a second worker too: 2 equal");
}

static void
test_each_shard_is_counted_by_both_and_once(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f, 1000000);
    CHECK_U64(work(&f), 4);
    check_equal(&f);
    CHECK_U64(coordinator_stats(f.m.c)->commits, 2);
    CHECK_U64(coordinator_stats(f.m.c)->checks, 2);
    CHECK_U64(coordinator_stats(f.m.c)->staging_bytes, 0);
    done(&f);
}

static void
test_a_share_of_few_is_one(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f, 1);
    CHECK_U64(work(&f), 3);
    check_note(
        &f, "1 of 2 shards were counted by a second worker too: 1 equal");
    done(&f);
}

static void
test_without_it_nothing_is_counted_twice(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f, 0);
    CHECK_U64(work(&f), 2);
    CHECK_U64(coordinator_stats(f.m.c)->checks, 0);
    done(&f);
}

// web1 counts both shards; then web2 comes, and has what is to be checked on
// its lane.
static void
count_by_web1(fixture_t *f, uint32_t ppm)
{
    memory_init(&f->m, &f->journal);
    f->m.verify_ppm = ppm;
    f->a = machine_worker(&f->m, "web1", 1);
    f->job = machine_shared_job(&f->m, 200, 100);
    CHECK_U64(fake_work(&f->m, f->a), 2);
    check_is_running(f);
    f->b = machine_worker(&f->m, "web2", 1);
}

static void
test_a_worker_that_counts_something_else_is_named(void **state)
{
    fixture_t f;
    lent_t l;

    (void)state;
    count_by_web1(&f, 1000000);
    assert_true(fake_lent(&f.m, f.b, &l));
    unsigned long long at = l.begin[0];
    lent_count(&l, 5); // a lie that adds up
    CHECK_U64(fake_deliver(&f.m, f.b, &l), lt_Verdict_VERDICT_COMMITTED);
    lent_fini(&l);
    check_is_running(&f);
    CHECK_U64(fake_work(&f.m, f.b), 1);
    CHECK_U64(machine_status(&f.m, f.job).state, lt_JobState_JOB_PARTIAL);
    CHECK_U64(machine_status(&f.m, f.job).exit, EXIT_PARTIAL);
    CHECK_U64(machine_count(&f.m, f.job), 200);
    CHECK_U64(coordinator_stats(f.m.c)->checks_differ, 1);
    char *text = xasprintf("shared:/net/x: bytes %llu to %llu: web1 counted "
                           "it, and web2 counted something else",
        at, at + 100);
    machine_check_missing(&f.m, f.job, text);
    check_note(
        &f, "2 of 2 shards were counted by a second worker too: 1 differ");
    free(text);
    done(&f);
}

static void
test_a_worker_that_finds_no_format_differs(void **state)
{
    fixture_t f;
    lent_t l;

    (void)state;
    count_by_web1(&f, 1000000);
    assert_true(fake_lent(&f.m, f.b, &l));
    fake_failed(&f.m, f.b, &l, ERR_FORMAT, UINT32_MAX, "no format fits");
    lent_fini(&l);
    CHECK_U64(fake_work(&f.m, f.b), 1);
    CHECK_U64(machine_status(&f.m, f.job).state, lt_JobState_JOB_PARTIAL);
    done(&f);
}

static void
test_a_check_that_does_not_hold_together_is_made_again(void **state)
{
    fixture_t f;
    lent_t l;

    (void)state;
    count_by_web1(&f, 1000000);
    assert_true(fake_lent(&f.m, f.b, &l));
    l.hash[0] ^= 1;
    CHECK_U64(fake_deliver(&f.m, f.b, &l), lt_Verdict_VERDICT_REJECTED);
    lent_fini(&l);
    CHECK_U64(fake_work(&f.m, f.b), 1);
    check_is_running(&f);
    machine_pass(&f.m, 5000, f.b, NULL);
    CHECK_U64(fake_work(&f.m, f.b), 1);
    check_equal(&f);
    done(&f);
}

static void
test_a_check_that_fails_three_times_is_given_up(void **state)
{
    fixture_t f;
    lent_t l;

    (void)state;
    count_by_web1(&f, 1);
    for (unsigned i = 0; i < LIMIT_ATTEMPTS; i++) {
        check_is_running(&f);
        assert_true(fake_lent(&f.m, f.b, &l));
        fake_failed(&f.m, f.b, &l, ERR_IO, 0, "no such luck");
        lent_fini(&l);
        machine_pass(&f.m, 5000, f.b, NULL);
    }
    CHECK_U64(machine_status(&f.m, f.job).state, lt_JobState_JOB_DONE);
    CHECK_U64(machine_count(&f.m, f.job), 200);
    check_note(&f, "1 that should have been could not be: no such luck");
    done(&f);
}

static void
test_a_second_worker_that_never_comes_is_not_waited_for(void **state)
{
    fixture_t f;

    (void)state;
    memory_init(&f.m, &f.journal);
    f.m.verify_ppm = 1000000;
    f.a = machine_worker(&f.m, "web1", 1);
    f.job = machine_shared_job(&f.m, 200, 100);
    CHECK_U64(fake_work(&f.m, f.a), 2);
    check_is_running(&f);
    machine_pass(&f.m, 5000, f.a, NULL);
    CHECK_U64(machine_status(&f.m, f.job).state, lt_JobState_JOB_DONE);
    check_note(
        &f, "2 that should have been could not be: no other worker is there");
    done(&f);
}

static void
test_a_lost_worker_leaves_its_check_to_another(void **state)
{
    fixture_t f;
    lent_t l[2];

    (void)state;
    count_by_web1(&f, 1000000);
    assert_true(fake_lent(&f.m, f.b, &l[0]) && fake_lent(&f.m, f.b, &l[1]));
    fake_t *c = machine_worker(&f.m, "web3", 1);
    machine_pass(&f.m, 5000, c, NULL); // web2 is lost, and web1
    CHECK_U64(fake_work(&f.m, c), 2);
    check_equal(&f);
    lent_fini(&l[0]);
    lent_fini(&l[1]);
    done(&f);
}

// What was committed is not read again by the first worker, and compared with
// by the second all the same.
static void
test_checks_go_on_after_a_restart(void **state)
{
    fixture_t f;

    (void)state;
    count_by_web1(&f, 1000000);
    CHECK_U64(memory_restart(&f.m), 0);
    CHECK_U64(coordinator_stats(f.m.c)->restored, 2);
    check_is_running(&f);
    fake_register(&f.m, f.a);
    fake_register(&f.m, f.b);
    CHECK_U64(fake_work(&f.m, f.a), 0);
    CHECK_U64(fake_work(&f.m, f.b), 2);
    check_equal(&f);
    done(&f);
}

static void
test_a_difference_is_not_forgotten_by_a_restart(void **state)
{
    fixture_t f;
    lent_t l;

    (void)state;
    count_by_web1(&f, 1000000);
    assert_true(fake_lent(&f.m, f.b, &l));
    lent_count(&l, 5);
    CHECK_U64(fake_deliver(&f.m, f.b, &l), lt_Verdict_VERDICT_COMMITTED);
    lent_fini(&l);
    CHECK_U64(memory_restart(&f.m), 0);
    fake_register(&f.m, f.b);
    CHECK_U64(fake_work(&f.m, f.b), 1);
    CHECK_U64(machine_status(&f.m, f.job).state, lt_JobState_JOB_PARTIAL);
    done(&f);
}

static void
test_the_deadline_ends_checks(void **state)
{
    fixture_t f;
    lent_t l;

    (void)state;
    count_by_web1(&f, 1000000);
    assert_true(fake_lent(&f.m, f.b, &l));
    for (int64_t hour = 0; hour < 25; hour++) {
        f.m.now += 3600000 - 1000;
        machine_pass(&f.m, 1000, f.b, &l);
    }
    CHECK_U64(machine_status(&f.m, f.job).state, lt_JobState_JOB_DONE);
    lent_fini(&l);
    done(&f);
}

static void
test_more_than_all_cannot_be_asked_for(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f, 1000000);
    f.m.verify_ppm = 1000001;
    CHECK_U64(machine_submit(&f.m, "shared:/net/x", 100), 0);
    done(&f);
}

// The second worker says that what it counted has no bytes: that is no attempt
// at a shard that is counted, and not asked of it for ever.
static void
test_an_impossible_offer_gives_a_check_up(void **state)
{
    fixture_t f;
    lent_t l;
    size_t n = 0;

    (void)state;
    memory_init(&f.m, &f.journal);
    f.m.verify_ppm = 1000000;
    f.a = machine_worker(&f.m, "web1", 1);
    f.job = machine_shared_job(&f.m, 200, 100);
    CHECK_U64(fake_work(&f.m, f.a), 2);
    f.b = machine_worker(&f.m, "web2", 1);
    for (int i = 0; i < 30; i++) {
        while (fake_lent(&f.m, f.b, &l)) {
            buf_clear(&l.partial);
            fake_offer(&f.m, f.b, &l);
            CHECK_U64(fake_verdict(&f.m, f.b), lt_Verdict_VERDICT_REJECTED);
            lent_fini(&l);
            n++;
        }
        machine_tick(&f.m, HEARTBEAT_MS);
        fake_beat(&f.m, f.a, NULL);
        fake_beat(&f.m, f.b, NULL);
    }
    CHECK_U64(n, 2 * LIMIT_ATTEMPTS);
    CHECK_U64(machine_status(&f.m, f.job).state, lt_JobState_JOB_DONE);
    CHECK_U64(machine_count(&f.m, f.job), 200);
    done(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_shard_is_counted_by_both_and_once),
        cmocka_unit_test(test_a_share_of_few_is_one),
        cmocka_unit_test(test_without_it_nothing_is_counted_twice),
        cmocka_unit_test(test_a_worker_that_counts_something_else_is_named),
        cmocka_unit_test(test_a_worker_that_finds_no_format_differs),
        cmocka_unit_test(
            test_a_check_that_does_not_hold_together_is_made_again),
        cmocka_unit_test(test_a_check_that_fails_three_times_is_given_up),
        cmocka_unit_test(
            test_a_second_worker_that_never_comes_is_not_waited_for),
        cmocka_unit_test(test_a_lost_worker_leaves_its_check_to_another),
        cmocka_unit_test(test_checks_go_on_after_a_restart),
        cmocka_unit_test(test_a_difference_is_not_forgotten_by_a_restart),
        cmocka_unit_test(test_the_deadline_ends_checks),
        cmocka_unit_test(test_an_impossible_offer_gives_a_check_up),
        cmocka_unit_test(test_more_than_all_cannot_be_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
