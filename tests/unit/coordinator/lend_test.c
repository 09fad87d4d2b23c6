// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/coordinator/machine.h"

#include "tests/unit/cmocka_all.h"

#include "common/wire/credit.h"

#define LARGE ((uint64_t)CREDIT_WHOLE_BYTES)

static void
test_each_gets_one_round_after_round(void **state)
{
    pair_t p;
    lent_t l;

    (void)state;
    pair_init(&p, 4 * LARGE, LARGE);
    for (uint64_t shard = 0; shard < 4; shard++) {
        assert_true(fake_lent(&p.m, shard % 2 == 0 ? p.a : p.b, &l));
        CHECK_U64(l.meta.shard, shard);
        lent_fini(&l);
    }
    machine_fini(&p.m);
}

static void
say_bye(machine_t *m, const fake_t *w)
{
    const lt_Bye bye = {.incarnation = w->incarnation};

    fake_say(m, w, LINK_CONTROL, PROTO_BYE, lt_Bye_fields, &bye, (span_t){0});
}

// The other one holds nothing, so nothing else happens when it goes.
static void
test_who_is_alone_now_gets_what_it_failed(void **state)
{
    pair_t p;
    lent_t l;

    (void)state;
    pair_init(&p, 200, 100);
    assert_true(fake_lent(&p.m, p.b, &l));
    fake_failed(&p.m, p.b, &l, ERR_BUSY, UINT32_MAX, "busy");
    lent_fini(&l);
    while (fake_lent(&p.m, p.a, &l)) {
        if (l.meta.attempt == 2) {
            break; // what the other gave back
        }
        lent_fini(&l);
    }
    CHECK_U64(l.meta.attempt, 2);
    fake_failed(&p.m, p.a, &l, ERR_CRASHED, UINT32_MAX, "signal 9");
    lent_fini(&l);
    assert_false(fake_lent(&p.m, p.a, &l));
    say_bye(&p.m, p.b);
    assert_true(fake_lent(&p.m, p.a, &l));
    CHECK_U64(l.meta.attempt, 3);
    lent_fini(&l);
    machine_fini(&p.m);
}

// Its shards were still to be lent when it ended.
static void
test_a_job_that_ended_leaves_nothing_to_lend(void **state)
{
    machine_t m;
    lent_t l;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, 10 * LARGE, LARGE);
    const lt_JobRequest meta = {.job = job};
    machine_say(&m, LINK_CONTROL, CLIENT_PEER, &m.client, PROTO_CANCEL_JOB,
        lt_JobRequest_fields, &meta, (span_t){0});
    machine_forget(&m);
    uint64_t other = machine_job(&m, w, 100, 100);
    assert_true(fake_lent(&m, w, &l));
    CHECK_U64(l.meta.job, other);
    lent_fini(&l);
    assert_false(fake_lent(&m, w, &l));
    machine_fini(&m);
}

// One that was paused comes back to what there is by itself.
static void
test_a_paused_worker_is_asked_again(void **state)
{
    single_t s;
    lent_t l;

    (void)state;
    lease_init(&s, 100, 100);
    fake_failed(&s.m, s.w, &s.l, ERR_BUSY, UINT32_MAX, "busy");
    assert_false(fake_lent(&s.m, s.w, &l));
    machine_tick(&s.m, 200);
    assert_true(fake_lent(&s.m, s.w, &l));
    lent_fini(&l);
    lease_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_gets_one_round_after_round),
        cmocka_unit_test(test_who_is_alone_now_gets_what_it_failed),
        cmocka_unit_test(test_a_job_that_ended_leaves_nothing_to_lend),
        cmocka_unit_test(test_a_paused_worker_is_asked_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
