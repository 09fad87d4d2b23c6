// SPDX-License-Identifier: Apache-2.0
// What a coordinator makes of a journal that no coordinator wrote so, or that
// it has no memory for: a right count, or an end with a sentence.
#include "tests/unit/coordinator/memory_journal.h"

#include "coordinator/coordinator_inside.h"
#include "coordinator/entries.h"
#include "tests/unit/cmocka_all.h"

#define SIZE 400u

// A job of four shards of one file, of which two are committed.
typedef struct fixture {
    machine_t m;
    memory_journal_t journal;
    fake_t *w;
    uint64_t job;
} fixture_t;

static void
setup(fixture_t *f)
{
    memory_init(&f->m, &f->journal);
    f->w = machine_worker(&f->m, "web1", 1);
    f->job = machine_job(&f->m, f->w, SIZE, 100);
    for (size_t i = 0; i < 2; i++) {
        lent_t l;
        assert_true(fake_lent(&f->m, f->w, &l));
        CHECK_U64(fake_deliver(&f->m, f->w, &l), lt_Verdict_VERDICT_COMMITTED);
        lent_fini(&l);
    }
}

static void
done(fixture_t *f)
{
    memory_fini(&f->m);
}

static void
check_failed(fixture_t *f, const char *why)
{
    const lt_JobUpdate update = machine_status(&f->m, f->job);

    CHECK_U64(update.state, lt_JobState_JOB_FAILED);
    assert_non_null(strstr(update.text, why));
}

static void
check_goes_on(fixture_t *f)
{
    fake_register(&f->m, f->w);
    CHECK_U64(fake_work(&f->m, f->w), 2);
    CHECK_U64(machine_status(&f->m, f->job).state, lt_JobState_JOB_DONE);
    CHECK_U64(machine_count(&f->m, f->job), SIZE);
}

// The key of an entry is what the file says: there may be a second one.
static void
test_a_second_plan_of_a_job_is_refused(void **state)
{
    fixture_t f;
    buf_t copy = {0};

    (void)state;
    setup(&f);
    memory_op_t *plan = memory_entry(&f.journal, ENTRY_PLAN);
    entry_key_t key = plan->key;
    buf_put_span(&copy, buf_span(&plan->bytes));
    key.n++;
    (void)memory_put(&f.journal, &key, &copy);
    memory_sync(&f.m);
    CHECK_U64(memory_restart(&f.m), 1);
    check_failed(&f, "journal is damaged");
    done(&f);
}

// A range that is a byte shorter leaves one out, a longer one has one twice.
static void
test_a_plan_counts_every_byte_once(void **state)
{
    enum { LENGTH = 5 }; // version, place, ranges, file, begin, length

    (void)state;
    for (int more = -1; more <= 1; more++) {
        fixture_t f;
        setup(&f);
        memory_op_t *shards = memory_entry(&f.journal, ENTRY_SHARDS);
        CHECK_U64(shards->bytes.p[LENGTH], 100);
        shards->bytes.p[LENGTH] = (uint8_t)(100 + more);
        CHECK_U64(memory_restart(&f.m) > 0, more != 0);
        if (more != 0) {
            check_failed(&f, "journal is damaged");
        } else {
            check_goes_on(&f);
        }
        done(&f);
    }
}

// It would be of a plan whose commits are counted already.
static void
test_a_change_behind_a_commit_is_refused(void **state)
{
    static const change_t change = {.kind = CHANGE_LOSE, .shard = 3};
    fixture_t f;
    buf_t bytes = {0};

    (void)state;
    setup(&f);
    memory_crash(&f.journal);
    coordinator_config_t config = memory_config(&f.m);
    coordinator_t *c = coordinator_new(&config, f.m.now);
    for (size_t i = 0; i < f.journal.n; i++) {
        CHECK_OK(coordinator_restore(
            c, &f.journal.ops[i].key, buf_span(&f.journal.ops[i].bytes)));
    }
    entry_put_change(&change, &bytes);
    CHECK_U64(coordinator_restore(
                  c, &(entry_key_t){f.job, ENTRY_CHANGE, 0}, buf_span(&bytes)),
        ERR_CORRUPT);
    buf_fini(&bytes);
    coordinator_destroy(&c);
    done(&f);
}

static void
test_entries_of_no_job_and_no_kind_are_refused(void **state)
{
    static const entry_key_t keys[] = {{0, ENTRY_JOB, 0},
        {UINT64_MAX, ENTRY_JOB, 0}, {1, (entry_kind_t)0, 0},
        {1, ENTRY_KINDS, 0}, {1, ENTRY_WORKER, 0}};
    fixture_t f;

    (void)state;
    setup(&f);
    span_t job = buf_span(&memory_entry(&f.journal, ENTRY_JOB)->bytes);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        CHECK_U64(coordinator_restore(f.m.c, &keys[i], job), ERR_CORRUPT);
    }
    CHECK_U64(fake_work(&f.m, f.w), 2); // nothing of the job was touched
    CHECK_U64(machine_count(&f.m, f.job), SIZE);
    done(&f);
}

static void
test_what_was_counted_needs_no_memory_that_others_have(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    f.journal.memory = 1;
    CHECK_U64(memory_restart(&f.m), 0);
    check_goes_on(&f);
    done(&f);
}

static void
test_what_was_counted_may_take_more_than_there_is(void **state)
{
    fixture_t f;

    (void)state;
    setup(&f);
    f.journal.merge_budget = 1;
    assert_true(memory_restart(&f.m) > 0);
    check_failed(&f, "its setting `merge-memory`");
    done(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_second_plan_of_a_job_is_refused),
        cmocka_unit_test(test_a_plan_counts_every_byte_once),
        cmocka_unit_test(test_a_change_behind_a_commit_is_refused),
        cmocka_unit_test(test_entries_of_no_job_and_no_kind_are_refused),
        cmocka_unit_test(
            test_what_was_counted_needs_no_memory_that_others_have),
        cmocka_unit_test(test_what_was_counted_may_take_more_than_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
