// SPDX-License-Identifier: Apache-2.0
// The daemon against a coordinator of a few lines, over real CURVE sockets.
#include "tests/unit/worker/coordinator_io.h"

#include "common/base/clock.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

static void
test_a_shard_goes_round_and_the_worker_says_goodbye(void **state)
{
    fixture_t *f = *state;

    begin(f, 1);
    lend(f, 5, "copy");
    collect(f, 5);
    hear(f, f->control, PROTO_HEARTBEAT);
    send_signal(f);
    hear(f, f->control, PROTO_BYE);
    join_worker(f);
}

static void
test_a_stuck_executor_is_replaced_and_heartbeats_go_on(void **state)
{
    fixture_t *f = *state;

    begin(f, 1);
    lend(f, 5, "hang");
    for (int i = 0; i < 5; i++) {
        hear(f, f->control, PROTO_HEARTBEAT);
    }
    const lt_CancelShard cancel = {
        .incarnation = f->incarnation, .job = 1, .shard = 5};
    give(f, PROTO_CANCEL_SHARD, lt_CancelShard_fields, &cancel, (span_t){0});
    lend(f, 6, "copy");
    collect(f, 6);
    send_signal(f);
    hear(f, f->control, PROTO_BYE);
    join_worker(f);
}

static void
test_running_work_is_brought_to_its_end_unless_somebody_insists(void **state)
{
    fixture_t *f = *state;

    begin(f, 2);
    lend(f, 5, "copy");
    hear(f, f->control, PROTO_OFFER);
    send_signal(f); // the partial is still to be delivered
    const lt_Grant grant = {.job = 1, .shard = 5, .attempt = 1};
    hear(f, f->control, PROTO_HEARTBEAT);
    tell(f, PROTO_GRANT, lt_Grant_fields, &grant);
    hear(f, f->sink, PROTO_PARTIAL);
    send_signal(f);
    hear(f, f->control, PROTO_BYE);
    join_worker(f);
}

static void
test_a_new_coordinator_is_found_again(void **state)
{
    fixture_t *f = *state;

    begin(f, 1);
    hang_up(f);
    usleep(300000); // long enough to be noticed
    listen_there(f);
    take_worker(f);
    list(f);
    lend(f, 5, "copy");
    collect(f, 5);
    send_signal(f);
    hear(f, f->control, PROTO_BYE);
    join_worker(f);
}

static void
test_a_silent_coordinator_is_dialled_afresh(void **state)
{
    fixture_t *f = *state;

    begin(f, 1);
    uint64_t before = f->peer;
    int64_t until = clock_mono_ms() + PATIENCE;
    while (f->peer == before && clock_mono_ms() < until) {
        if (socket_receive(f->control, true, &f->in) == ERR_OK) {
            f->peer = f->in.peer;
        }
        usleep(1000);
    }
    assert_int_not_equal(f->peer, before);
    send_signal(f);
    join_worker(f);
}

static void
test_a_refused_key_is_tried_until_it_is_allowed(void **state)
{
    fixture_t *f = *state;

    allow(f, false);
    listen_there(f);
    start_worker(f, 1);
    int64_t until = clock_mono_ms() + PATIENCE;
    while (zap_stats(f->zap).refused_unknown < 2) {
        assert_true(clock_mono_ms() < until);
        usleep(1000);
    }
    zap_stop(&f->zap);
    allow(f, true);
    take_worker(f);
    send_signal(f);
    join_worker(f);
}

static void
test_nobody_but_the_coordinator_gets_into_the_intake(void **state)
{
    fixture_t *f = *state;
    uint8_t public_key[KEY_LEN], secret[KEY_LEN];
    char endpoint[64];
    size_t len = sizeof endpoint;
    dial_monitor_t *monitor;
    void *push;
    buf_t why = {0};

    begin(f, 1);
    assert_int_equal(
        zmq_getsockopt(f->intake, ZMQ_LAST_ENDPOINT, endpoint, &len), 0);
    crypto_box_keypair(public_key, secret);
    const curve_dial_t dial = {.type = ZMQ_PUSH,
        .server_public = f->keys.self.public_key,
        .own_public = public_key,
        .own_secret = secret,
        .endpoint = endpoint,
        .max_frame = LIMIT_INTAKE,
        .hwm = 10,
        .monitor = "stranger"};
    CHECK_OK(dial_monitor_open(f->zmq_ctx, "stranger", &monitor));
    CHECK_OK(curve_dial(f->zmq_ctx, &dial, &push, &why));
    int64_t until = clock_mono_ms() + PATIENCE;
    while (dial_monitor_drain(monitor, clock_mono_ms()) != DIAL_REFUSED) {
        assert_true(clock_mono_ms() < until);
        usleep(1000);
    }
    zmq_close(push);
    dial_monitor_close(&monitor);
    send_signal(f);
    join_worker(f);
}

static void
test_what_keeps_it_from_starting_is_said(void **state)
{
    fixture_t *f = *state;

    allow(f, true);
    listen_there(f);
    start_worker(f, 1);
    take_worker(f);
    send_signal(f);
    join_worker(f);
    f->options.intake_port = f->control_port; // in use
    CHECK_ERR(worker_run(&f->options, &f->why), ERR_IO);
    assert_true(f->why.len > 0);
    const char *nowhere = "/nowhere";
    f->options.roots = &nowhere;
    CHECK_ERR(worker_run(&f->options, &f->why), ERR_NOT_FOUND);
}

// The lane alone is cut: it is dialled again, and what was sent on it before
// is not lost, nor is what comes after.
static void
test_a_lane_that_is_lost_is_dialled_again(void **state)
{
    fixture_t *f = *state;

    begin(f, 1);
    lend(f, 5, "copy");
    collect(f, 5);
    uint64_t before = f->peer;
    lend(f, 6, "copy");
    usleep(20000); // on its way, or there
    zmq_close(f->intake);
    collect(f, 6);
    listen_lane(f);
    await_lane(f);
    lend(f, 7, "copy");
    collect(f, 7);
    assert_int_equal(f->peer, before);
    send_signal(f);
    hear(f, f->control, PROTO_BYE);
    join_worker(f);
}

// It has none to be reached at, so what it was given for that is not looked
// at, not even a port that is taken.
static void
test_who_dials_listens_nowhere(void **state)
{
    fixture_t *f = *state;

    allow(f, true);
    listen_there(f);
    start_worker(f, 1);
    take_worker(f);
    send_signal(f);
    join_worker(f);
    f->options.intake_port = f->control_port;
    send_signal(f);
    CHECK_OK(worker_run(&f->options, &f->why));
}

#define DIAL(name) cmocka_unit_test_setup_teardown(name, setup_dial, teardown)
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(int argc, char **argv)
{
    if (argc > 0 && strcmp(argv[0], "logtally-executor") == 0) {
        return act();
    }
    if (sodium_init() == -1) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_a_shard_goes_round_and_the_worker_says_goodbye),
        TEST(test_a_stuck_executor_is_replaced_and_heartbeats_go_on),
        TEST(test_running_work_is_brought_to_its_end_unless_somebody_insists),
        TEST(test_a_new_coordinator_is_found_again),
        TEST(test_a_silent_coordinator_is_dialled_afresh),
        TEST(test_a_refused_key_is_tried_until_it_is_allowed),
        TEST(test_nobody_but_the_coordinator_gets_into_the_intake),
        TEST(test_what_keeps_it_from_starting_is_said),
        DIAL(test_a_shard_goes_round_and_the_worker_says_goodbye),
        DIAL(test_running_work_is_brought_to_its_end_unless_somebody_insists),
        DIAL(test_a_new_coordinator_is_found_again),
        DIAL(test_a_lane_that_is_lost_is_dialled_again),
        DIAL(test_who_dials_listens_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
