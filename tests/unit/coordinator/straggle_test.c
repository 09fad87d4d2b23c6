// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/coordinator/machine.h"

#include "tests/unit/cmocka_all.h"

// Two workers share a job of two shards; `quick` has done its own, `slow` has
// not been heard of the other one.
typedef struct race {
    machine_t m;
    fake_t *quick, *slow;
    uint64_t job;
    lent_t late;
} race_t;

static void
race_init(race_t *r)
{
    lent_t first;

    machine_init(&r->m);
    r->quick = machine_worker(&r->m, "web1", 1);
    r->slow = machine_worker(&r->m, "web2", 1);
    r->job = machine_shared_job(&r->m, 200, 100);
    assert_true(fake_lent(&r->m, r->quick, &first));
    assert_true(fake_lent(&r->m, r->slow, &r->late));
    machine_pass(&r->m, 400, r->slow, &r->late);
    fake_beat(&r->m, r->quick, &first);
    CHECK_U64(
        fake_deliver(&r->m, r->quick, &first), lt_Verdict_VERDICT_COMMITTED);
    lent_fini(&first);
}

static void
race_fini(race_t *r)
{
    lent_fini(&r->late);
    machine_fini(&r->m);
}

// Both say that they are there.
static void
pass(race_t *r, int64_t ms)
{
    for (int64_t at = 0; at < ms; at += 100) {
        machine_tick(&r->m, 100);
        fake_beat(&r->m, r->slow, &r->late);
        fake_beat(&r->m, r->quick, NULL);
    }
}

static void
test_a_late_shard_is_lent_to_an_idle_worker_too(void **state)
{
    race_t r;
    lent_t copy;

    (void)state;
    race_init(&r);
    pass(&r, 500);
    assert_false(fake_lent(&r.m, r.quick, &copy));
    pass(&r, 1000); // three times what the other took
    assert_true(fake_lent(&r.m, r.quick, &copy));
    CHECK_U64(copy.meta.shard, r.late.meta.shard);
    CHECK_U64(fake_deliver(&r.m, r.quick, &copy), lt_Verdict_VERDICT_COMMITTED);
    CHECK_U64(machine_count(&r.m, r.job), 200);
    CHECK_U64(fake_deliver(&r.m, r.slow, &r.late), lt_Verdict_VERDICT_STALE);
    lent_fini(&copy);
    race_fini(&r);
}

static void
test_the_slow_one_may_still_win(void **state)
{
    race_t r;
    lent_t copy;

    (void)state;
    race_init(&r);
    pass(&r, 1500);
    assert_true(fake_lent(&r.m, r.quick, &copy));
    CHECK_U64(
        fake_deliver(&r.m, r.slow, &r.late), lt_Verdict_VERDICT_COMMITTED);
    CHECK_U64(machine_count(&r.m, r.job), 200);
    lent_fini(&copy);
    race_fini(&r);
}

static void
test_there_is_one_copy_at_most(void **state)
{
    race_t r;
    lent_t copy, another;

    (void)state;
    race_init(&r);
    fake_t *third = machine_worker(&r.m, "web3", 4);
    pass(&r, 1500);
    fake_beat(&r.m, third, NULL);
    pass(&r, 500);
    bool by_quick = fake_lent(&r.m, r.quick, &copy);
    assert_true(by_quick || fake_lent(&r.m, third, &copy));
    assert_false(fake_lent(&r.m, r.quick, &another));
    assert_false(fake_lent(&r.m, third, &another));
    CHECK_U64(coordinator_stats(r.m.c)->copies, 1);
    lent_fini(&copy);
    race_fini(&r);
}

// The first lapses with its worker; the copy goes on, and no third is lent.
static void
test_a_lost_worker_leaves_the_copy_to_it(void **state)
{
    race_t r;
    lent_t copy, another;

    (void)state;
    race_init(&r);
    pass(&r, 1500);
    assert_true(fake_lent(&r.m, r.quick, &copy));
    machine_pass(&r.m, WORKER_LOST_MS + 500, r.quick, &copy);
    CHECK_U64(coordinator_stats(r.m.c)->workers_lost, 1);
    assert_false(fake_lent(&r.m, r.quick, &another));
    CHECK_U64(fake_deliver(&r.m, r.quick, &copy), lt_Verdict_VERDICT_COMMITTED);
    CHECK_U64(machine_count(&r.m, r.job), 200);
    lent_fini(&copy);
    race_fini(&r);
}

static void
test_a_file_of_one_host_has_no_copy(void **state)
{
    machine_t m;
    lent_t late, none;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    fake_t *other = machine_worker(&m, "web2", 1);
    (void)machine_job(&m, w, 200, 100);
    assert_true(fake_lent(&m, w, &none));
    machine_pass(&m, 100, w, &none);
    CHECK_U64(fake_deliver(&m, w, &none), lt_Verdict_VERDICT_COMMITTED);
    lent_fini(&none);
    assert_true(fake_lent(&m, w, &late));
    for (int i = 0; i < 50; i++) {
        machine_tick(&m, 100);
        fake_beat(&m, w, &late);
        fake_beat(&m, other, NULL);
    }
    assert_false(fake_lent(&m, other, &none));
    lent_fini(&late);
    machine_fini(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_late_shard_is_lent_to_an_idle_worker_too),
        cmocka_unit_test(test_the_slow_one_may_still_win),
        cmocka_unit_test(test_there_is_one_copy_at_most),
        cmocka_unit_test(test_a_lost_worker_leaves_the_copy_to_it),
        cmocka_unit_test(test_a_file_of_one_host_has_no_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
