// SPDX-License-Identifier: Apache-2.0
// An archive in several shards is counted whole or not at all.
#include "tests/unit/coordinator/archive_job.h"

// Four shards of the archive, then one of the plain file.
static const fake_file_t files[] = {
    {"/l/a.zst", 400, 2, 100}, {"/l/b", 50, 0, 0}};

typedef archive_job_t fixture_t;

static void
setup(fixture_t *f)
{
    archive_job_init(f, files, false);
}

static void
done(fixture_t *f)
{
    archive_job_fini(f);
}

static void
deliver(fixture_t *f, size_t i)
{
    CHECK_U64(
        fake_deliver(&f->m, f->w, &f->l[i]), lt_Verdict_VERDICT_COMMITTED);
}

static void
test_parts_in_any_order_make_the_archive(void **state)
{
    static const size_t orders[][SHARDS] = {
        {0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 0, 4, 3, 1}};

    (void)state;
    for (size_t k = 0; k < 3; k++) {
        fixture_t f;
        setup(&f);
        for (size_t i = 0; i < SHARDS; i++) {
            deliver(&f, orders[k][i]);
        }
        archive_job_check(&f, 450, NULL);
        done(&f);
    }
}

static void
test_a_damaged_part_takes_the_others_with_it(void **state)
{
    (void)state;
    for (size_t bad = 0; bad < 4; bad++) {
        fixture_t f;
        setup(&f);
        for (size_t i = 0; i < 3; i++) {
            deliver(&f, (bad + 1 + i) % 4);
        }
        fake_failed(&f.m, f.w, &f.l[bad], ERR_CORRUPT, 0, "corrupt archive");
        deliver(&f, 4);
        archive_job_check(&f, 50, "web1:/l/a.zst: corrupt archive");
        done(&f);
    }
}

// Nobody is lent a part any more, and one that comes late counts nothing.
static void
test_what_was_lent_of_a_damaged_archive_is_taken_back(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    deliver(&f, 1);
    fake_failed(&f.m, f.w, &f.l[0], ERR_CORRUPT, 0, "corrupt archive");
    CHECK_U64(
        fake_deliver(&f.m, f.w, &f.l[2]), (uint64_t)lt_Verdict_VERDICT_STALE);
    deliver(&f, 4);
    archive_job_check(&f, 50, "web1:/l/a.zst: corrupt archive");
    done(&f);
}

static void
test_a_part_that_is_never_counted_is_a_missing_archive(void **state)
{
    lent_t again = {0};
    fixture_t f;

    (void)state;
    setup(&f);
    deliver(&f, 0);
    deliver(&f, 1);
    deliver(&f, 4);
    fake_failed(&f.m, f.w, &f.l[2], ERR_CRASHED, 0, "it died");
    for (unsigned i = 0; i < 2; i++) {
        assert_true(fake_lent(&f.m, f.w, &again));
        fake_failed(&f.m, f.w, &again, ERR_CRASHED, 0, "it died");
        lent_fini(&again);
    }
    archive_job_check(&f, 50, "web1:/l/a.zst: it died");
    done(&f);
}

// Commits of parts come back from the journal and wait again; the loss of an
// archive does as well.
static void
test_a_restart_changes_nothing(void **state)
{
    (void)state;
    for (int bad = 0; bad < 2; bad++) {
        fixture_t f;
        setup(&f);
        deliver(&f, 3);
        deliver(&f, 1);
        if (bad) {
            fake_failed(&f.m, f.w, &f.l[2], ERR_CORRUPT, 0, "corrupt archive");
        }
        CHECK_U64(memory_restart(&f.m), 0);
        fake_register(&f.m, f.w);
        CHECK_U64(fake_work(&f.m, f.w), bad ? 1 : 3);
        archive_job_check(
            &f, bad ? 50 : 450, bad ? "web1:/l/a.zst: corrupt archive" : NULL);
        done(&f);
    }
}

static void
test_parts_that_wait_have_a_bound(void **state)
{
    machine_t m = {0};
    coordinator_config_t config = machine_config(&m);
    lent_t l = {0};

    (void)state;
    config.merge_budget = 60000;
    machine_init_with(&m, &config);
    fake_t *w = machine_worker(&m, "web1", 8);
    uint64_t job = machine_submit(&m, "web1:/l/*", 1);
    static const fake_file_t one = {"/l/a.zst", 2000, 2, 1};
    assert_true(fake_list(&m, w, &one, 1));
    while (fake_lent(&m, w, &l)) {
        (void)fake_deliver(&m, w, &l);
        lent_fini(&l);
    }
    lt_JobUpdate update = machine_status(&m, job);
    CHECK_U64(update.state, lt_JobState_JOB_FAILED);
    CHECK_U64(update.error, ERR_TOO_LARGE);
    machine_fini(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_in_any_order_make_the_archive),
        cmocka_unit_test(test_a_damaged_part_takes_the_others_with_it),
        cmocka_unit_test(test_what_was_lent_of_a_damaged_archive_is_taken_back),
        cmocka_unit_test(
            test_a_part_that_is_never_counted_is_a_missing_archive),
        cmocka_unit_test(test_a_restart_changes_nothing),
        cmocka_unit_test(test_parts_that_wait_have_a_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
