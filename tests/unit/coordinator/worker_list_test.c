// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/coordinator/machine.h"

#include "tests/unit/cmocka_all.h"

#define ASKER   7
#define RECORDS 8

typedef struct list {
    lt_Records of;
    lt_WorkerInfo workers[RECORDS];
} list_t;

static list_t
ask(machine_t *m, const identity_t *who)
{
    static list_t list;
    buf_t bytes = {0};
    frame_t frame;

    machine_say(
        m, LINK_CONTROL, ASKER, who, PROTO_WORKERS, NULL, NULL, (span_t){0});
    assert_true(
        machine_take(m, OUT_CONTROL, ASKER, PROTO_WORKER_LIST, &bytes, &frame));
    CHECK_OK(frame_meta(&frame, lt_Records_fields, &list.of));
    rd_t r = rd_init(frame.payload);
    assert_true(list.of.n <= RECORDS);
    for (uint32_t i = 0; i < list.of.n; i++) {
        CHECK_OK(record_get(&r, lt_WorkerInfo_fields, &list.workers[i]));
    }
    CHECK_OK(rd_end(&r));
    buf_fini(&bytes);
    return list;
}

static void
beat(machine_t *m, const fake_t *w, int64_t wall_ms, const char *trouble)
{
    lt_Heartbeat meta = {.incarnation = w->incarnation, .wall_ms = wall_ms};

    snprintf(meta.trouble, sizeof meta.trouble, "%s", trouble);
    fake_say(m, w, LINK_CONTROL, PROTO_HEARTBEAT, lt_Heartbeat_fields, &meta,
        (span_t){0});
}

static void
test_a_worker_hears_of_its_own_alone(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    machine_worker(&m, "web2", 1);
    CHECK_U64(ask(&m, &m.client).of.n, 2);
    list_t own = ask(&m, &w->who);
    CHECK_U64(own.of.n, 1);
    assert_string_equal(own.workers[0].name, "web1");
    assert_string_equal(own.workers[0].key, "key-web1");
    identity_t both = w->who;
    both.roles |= ROLE_CLIENT;
    CHECK_U64(ask(&m, &both).of.n, 2);
    machine_fini(&m);
}

static void
test_clocks_are_compared_when_a_heartbeat_comes(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    assert_false(ask(&m, &m.client).workers[0].clock_told);
    coordinator_clock(m.c, 1700000000000);
    beat(&m, w, 1700000000000 + m.now - 4000, "");
    list_t list = ask(&m, &m.client);
    assert_true(list.workers[0].clock_told);
    assert_true(list.workers[0].clock_ms == -4000);
    assert_true(list.of.wall_ms == 1700000000000 + m.now);
    beat(&m, w, INT64_MIN, ""); // any number may be said
    assert_true(ask(&m, &m.client).workers[0].clock_ms == INT64_MIN);
    beat(&m, w, INT64_MAX, "");
    assert_true(ask(&m, &m.client).workers[0].clock_ms > 0);
    beat(&m, w, 0, ""); // of a worker that does not tell
    assert_false(ask(&m, &m.client).workers[0].clock_told);
    machine_fini(&m);
}

static void
test_trouble_is_that_of_the_last_heartbeat(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    beat(&m, w, 1, "root /srv: Permission denied");
    assert_string_equal(
        ask(&m, &m.client).workers[0].trouble, "root /srv: Permission denied");
    beat(&m, w, 1, "");
    assert_string_equal(ask(&m, &m.client).workers[0].trouble, "");
    machine_fini(&m);
}

// Given time to stand; a dial that is over by then is no news.
static void
test_an_intake_is_up_or_unreachable(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    assert_string_equal(ask(&m, &m.client).workers[0].intake, "connecting");
    machine_pass(&m, 4000, w, NULL);
    assert_string_equal(ask(&m, &m.client).workers[0].intake,
        "unreachable: tcp://10.0.0.1:7710");
    coordinator_lane_up(m.c, w->lane, m.now);
    assert_string_equal(ask(&m, &m.client).workers[0].intake, "up");
    coordinator_lane_down(m.c, w->lane, m.now);
    assert_string_equal(ask(&m, &m.client).workers[0].intake, "connecting");
    machine_pass(&m, 4000, w, NULL);
    list_t list = ask(&m, &m.client);
    assert_string_equal(list.workers[0].state, "up");
    assert_string_equal(
        list.workers[0].intake, "unreachable: tcp://10.0.0.1:7710");
    machine_fini(&m);
}

static void
test_who_is_refused_is_named_with_the_reason(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    lt_Register meta = fake_register_meta(w);
    meta.incarnation = 5;
    snprintf(meta.name, sizeof meta.name, "db7");
    fake_say(&m, w, LINK_CONTROL, PROTO_REGISTER, lt_Register_fields, &meta,
        (span_t){0});
    list_t list = ask(&m, &w->who);
    CHECK_U64(list.of.n, 2);
    assert_string_equal(list.workers[1].state, "refused");
    assert_string_equal(list.workers[1].key, "key-web1");
    assert_non_null(strstr(list.workers[1].trouble, "may not speak for"));
    machine_pass(&m, 31000, w, NULL); // it asks no more
    CHECK_U64(ask(&m, &m.client).of.n, 1);
    fake_say(&m, w, LINK_CONTROL, PROTO_REGISTER, lt_Register_fields, &meta,
        (span_t){0});
    CHECK_U64(ask(&m, &m.client).of.n, 2);
    fake_register(&m, w); // and is taken at last
    CHECK_U64(ask(&m, &m.client).of.n, 1);
    machine_fini(&m);
}

// Also one that was down already.
static void
test_whose_key_is_revoked_is_waited_for_no_more(void **state)
{
    machine_t m;

    (void)state;
    machine_init_web1(&m, 1);
    machine_pass(&m, 4000, NULL, NULL);
    assert_string_equal(ask(&m, &m.client).workers[0].state, "lost");
    coordinator_revoked(m.c, "key-web1", m.now);
    assert_string_equal(ask(&m, &m.client).workers[0].state, "forgotten");
    CHECK_U64(coordinator_stats(m.c)->workers_lost, 1);
    machine_fini(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_worker_hears_of_its_own_alone),
        cmocka_unit_test(test_clocks_are_compared_when_a_heartbeat_comes),
        cmocka_unit_test(test_trouble_is_that_of_the_last_heartbeat),
        cmocka_unit_test(test_an_intake_is_up_or_unreachable),
        cmocka_unit_test(test_who_is_refused_is_named_with_the_reason),
        cmocka_unit_test(test_whose_key_is_revoked_is_waited_for_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
