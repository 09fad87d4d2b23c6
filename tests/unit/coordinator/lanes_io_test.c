// SPDX-License-Identifier: Apache-2.0
#include "coordinator/lanes_io.h"

#include "tests/unit/cmocka_all.h"

#include "certs/zap_io.h"
#include "common/base/clock.h"
#include "common/net/curve_socket.h"
#include "common/wire/frame.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

// A coordinator's key, a worker's key, and a ZAP handler that lets each in
// where the other one listens.
typedef struct fixture {
    void *zmq_ctx;
    zap_t *zap;
    void *intake; // or the worker's end of a lane that it dialled
    uint16_t port;
    uint8_t secret[KEY_LEN];
    uint8_t worker_secret[KEY_LEN];
    keypair_t own;
    identity_t worker;
    lanes_t *lanes;
    received_t in;
} fixture_t;

static void
listen_there(fixture_t *f)
{
    identity_t coordinator = {.name = "coordinator", .roles = ROLE_COORDINATOR};
    buf_t why = {0};

    memcpy(coordinator.key, f->own.public_key, KEY_LEN);
    allowlist_t *list = allowlist_of(&coordinator);
    CHECK_OK(zap_start(f->zmq_ctx, &list, NULL, &f->zap));
    CHECK_OK(curve_bind(f->zmq_ctx,
        &(curve_bind_t){.type = ZMQ_PULL,
            .domain = "intake",
            .secret = f->worker_secret,
            .address = "127.0.0.1",
            .max_frame = LIMIT_INTAKE,
            .hwm = 100},
        &f->intake, &f->port, &why));
}

static void
allow_worker(fixture_t *f)
{
    identity_t worker = f->worker;

    worker.roles = ROLE_WORKER;
    zap_stop(&f->zap);
    allowlist_t *list = allowlist_of(&worker);
    while (zap_start(f->zmq_ctx, &list, NULL, &f->zap) != ERR_OK) {
        list = allowlist_of(&worker); // the old name is free in a moment
    }
}

static void *
dial(fixture_t *f)
{
    char endpoint[64];
    void *socket = NULL;
    buf_t why = {0};
    uint16_t port = lanes_listen(f->lanes, "127.0.0.1", 0, &why);

    assert_true(port != 0);
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
    CHECK_OK(curve_dial(f->zmq_ctx,
        &(curve_dial_t){.type = ZMQ_DEALER,
            .server_public = f->own.public_key,
            .own_public = f->worker.key,
            .own_secret = f->worker_secret,
            .endpoint = endpoint,
            .max_frame = LIMIT_INTAKE,
            .hwm = 100},
        &socket, &why));
    return socket;
}

// The connection, once its worker has said something on it.
static uint64_t
hear(fixture_t *f, void *socket)
{
    zmq_pollitem_t item = {
        .socket = lanes_socket(f->lanes), .events = ZMQ_POLLIN};

    while (socket_send(socket, SPAN_LIT("here")) != ERR_OK) {
        (void)zmq_poll(NULL, 0, 1);
    }
    assert_int_equal(zmq_poll(&item, 1, 5000), 1);
    CHECK_OK(socket_receive(lanes_socket(f->lanes), true, &f->in));
    CHECK_SPAN(buf_span(&f->in.frame), "here");
    assert_string_equal(f->in.user, "web1");
    return f->in.peer;
}

static void
start(fixture_t *f)
{
    *f = (fixture_t){.zmq_ctx = zmq_ctx_new()};
    assert_true(sodium_init() >= 0);
    crypto_box_keypair(f->own.public_key, f->secret);
    crypto_box_keypair(f->worker.key, f->worker_secret);
    f->own.secret_key = f->secret;
    snprintf(f->worker.name, sizeof f->worker.name, "web1");
    listen_there(f);
    f->lanes = lanes_new(f->zmq_ctx, &f->own);
}

static void
stop(fixture_t *f)
{
    lanes_destroy(&f->lanes);
    lanes_destroy(&f->lanes);
    received_fini(&f->in);
    zmq_close(f->intake);
    zap_stop(&f->zap);
    zmq_ctx_term(f->zmq_ctx);
}

static errcode_t
open_lane(fixture_t *f, uint64_t id, const char *endpoint)
{
    buf_t why = {0};

    errcode_t rc = lanes_open(f->lanes, id, endpoint, &f->worker, &why);
    assert_int_equal(rc == ERR_OK, why.len == 0);
    buf_fini(&why);
    return rc;
}

static void
send_text(fixture_t *f, uint64_t id, const char *text)
{
    buf_t frame = {0};

    frame_encode(&frame, PROTO_SHARD, 7, NULL, NULL,
        (span_t){(const uint8_t *)text, strlen(text)});
    CHECK_OK(lanes_send(f->lanes, id, &frame, 1000));
    assert_int_equal(frame.len, 0);
}

// The frame that comes next, while the lanes are flushed as a daemon would.
static void
expect(fixture_t *f, const char *text)
{
    const int64_t until_ms = clock_mono_ms() + 5000;
    received_t *in = &f->in; // "two" may have come in a batch with "one"
    frame_t frame;
    errcode_t rc = ERR_BUSY;

    if (received_more(in)) {
        rc = socket_receive(f->intake, false, in);
    }
    while (rc == ERR_BUSY && clock_mono_ms() < until_ms) {
        zmq_pollitem_t items[2] = {{.socket = f->intake, .events = ZMQ_POLLIN}};
        size_t n = 1 + lanes_poll_items(f->lanes, items + 1, 1);
        (void)zmq_poll(items, (int)n, 100);
        lanes_flush(f->lanes);
        rc = socket_receive(f->intake, false, in);
    }
    CHECK_OK(rc);
    CHECK_OK(frame_decode(buf_span(&in->frame), &frame));
    assert_true(span_is(frame.payload, text));
}

static void
test_frames_sent_before_the_handshake_arrive_in_order(void **state)
{
    fixture_t f;
    char endpoint[64];

    (void)state;
    start(&f);
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", f.port);
    CHECK_OK(open_lane(&f, 7, endpoint));
    assert_string_equal(lanes_name(f.lanes, 7), "web1");
    send_text(&f, 7, "one");
    send_text(&f, 7, "two");
    assert_true(lanes_waiting(f.lanes) <= 1); // unless it was that quick
    expect(&f, "one");
    expect(&f, "two");
    assert_string_equal(f.in.user, "coordinator");
    assert_int_equal(lanes_waiting(f.lanes), 0);
    send_text(&f, 7, "three");
    expect(&f, "three");
    stop(&f);
}

static void
test_a_lane_to_nowhere_is_given_up(void **state)
{
    fixture_t f;
    uint64_t id = 0;

    (void)state;
    start(&f);
    CHECK_OK(open_lane(&f, 7, "tcp://127.0.0.1:1"));
    assert_false(lanes_stuck(f.lanes, 1000000, &id));
    send_text(&f, 7, "one");
    assert_false(lanes_stuck(f.lanes, 1000 + LANE_STUCK_MS - 1, &id));
    assert_true(lanes_stuck(f.lanes, 1000 + LANE_STUCK_MS, &id));
    assert_int_equal(id, 7);
    assert_int_equal(lanes_waiting(f.lanes), 0);
    assert_false(lanes_stuck(f.lanes, 1000000, &id));
    assert_int_equal(lanes_count(f.lanes), 1);
    stop(&f);
}

static void
test_closing_a_lane_drops_what_waits_there(void **state)
{
    fixture_t f;
    buf_t frame = {0};

    (void)state;
    start(&f);
    CHECK_OK(open_lane(&f, 7, "tcp://127.0.0.1:1"));
    send_text(&f, 7, "one");
    lanes_close(f.lanes, 7);
    lanes_close(f.lanes, 7);
    assert_int_equal(lanes_waiting(f.lanes), 0);
    assert_string_equal(lanes_name(f.lanes, 7), "");
    CHECK_ERR(lanes_send(f.lanes, 7, &frame, 0), ERR_NOT_FOUND);
    stop(&f);
}

static bool
is_told(fixture_t *f, int64_t within_ms, uint64_t *id, bool *up)
{
    const int64_t until_ms = clock_mono_ms() + within_ms;
    bool told = false;

    while (!told && clock_mono_ms() < until_ms) {
        (void)zmq_poll(NULL, 0, 10);
        told = lanes_changed(f->lanes, clock_mono_ms(), id, up);
    }
    return told;
}

// The same, and that connections stand is no news.
static bool
is_gone(fixture_t *f, int64_t within_ms, uint64_t *id)
{
    bool told, up;

    do {
        told = is_told(f, within_ms, id, &up);
    } while (told && up);
    return told;
}

static void
test_a_connection_that_comes_or_goes_is_told_once(void **state)
{
    fixture_t f;
    char endpoint[64];
    uint64_t id = 0;
    bool up = false;

    (void)state;
    start(&f);
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", f.port);
    CHECK_OK(open_lane(&f, 7, endpoint));
    CHECK_OK(open_lane(&f, 8, "tcp://127.0.0.1:1")); // was never there
    send_text(&f, 7, "one");
    expect(&f, "one");
    assert_true(is_told(&f, 10000, &id, &up));
    assert_int_equal(id, 7);
    assert_true(up);
    assert_false(is_told(&f, 2 * LANE_LOOK_MS, &id, &up));
    zmq_close(f.intake);
    f.intake = zmq_socket(f.zmq_ctx, ZMQ_PULL);
    assert_true(is_told(&f, 10000, &id, &up));
    assert_int_equal(id, 7);
    assert_false(up);
    assert_false(is_told(&f, LANE_DOWN_MS + 3 * LANE_LOOK_MS, &id, &up));
    stop(&f);
}

static void
test_only_numeric_endpoints_are_dialled(void **state)
{
    static const char *const bad[] = {"", "tcp://", "tcp://web1:7710",
        "tcp://:7710", "ipc:///tmp/x", "tcp://[::1:7710", "tcp://1.2.3:7",
        "tcp://[127.0.0.1]:7", "inproc://zeromq.zap.01"};
    fixture_t f;

    (void)state;
    start(&f);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_ERR(open_lane(&f, 1, bad[i]), ERR_CONFIG);
    }
    CHECK_OK(open_lane(&f, 1, "tcp://[::1]:7710"));
    assert_int_equal(lanes_count(f.lanes), 1);
    stop(&f);
}

// ---- workers that dial

static void
start_dialled(fixture_t *f)
{
    start(f);
    allow_worker(f);
    zmq_close(f->intake);
    f->intake = dial(f);
    lanes_expect(f->lanes, 7, "web1");
}

static void
test_what_a_worker_dials_for_waits_until_it_has(void **state)
{
    fixture_t f;
    zmq_pollitem_t none[1];
    uint64_t id = 0;

    (void)state;
    start_dialled(&f);
    send_text(&f, 7, "one");
    send_text(&f, 7, "two");
    uint64_t connection = hear(&f, f.intake);
    lanes_flush(f.lanes);
    assert_int_equal(lanes_waiting(f.lanes), 1);
    assert_int_equal(lanes_poll_items(f.lanes, none, 1), 0);
    CHECK_ERR(socket_receive(f.intake, false, &f.in), ERR_BUSY);
    lanes_here(f.lanes, 7, connection);
    expect(&f, "one");
    expect(&f, "two");
    assert_int_equal(lanes_waiting(f.lanes), 0);
    assert_false(lanes_stuck(f.lanes, 1000000, &id));
    stop(&f);
}

static void
test_who_never_dials_is_given_up(void **state)
{
    fixture_t f;
    uint64_t id = 0;

    (void)state;
    start_dialled(&f);
    send_text(&f, 7, "one");
    lanes_flush(f.lanes);
    assert_true(lanes_stuck(f.lanes, 1000 + LANE_STUCK_MS, &id));
    assert_int_equal(id, 7);
    assert_int_equal(lanes_waiting(f.lanes), 0);
    lanes_here(f.lanes, 8, 1); // closed meanwhile
    lanes_cut(f.lanes);
    stop(&f);
}

static void
test_a_dialled_connection_that_is_gone_is_told_once(void **state)
{
    fixture_t f;
    uint64_t id = 0;

    (void)state;
    start_dialled(&f);
    void *other = dial(&f);
    lanes_expect(f.lanes, 8, "web2"); // never comes
    lanes_expect(f.lanes, 9, "web3");
    lanes_here(f.lanes, 9, hear(&f, other));
    lanes_here(f.lanes, 7, hear(&f, f.intake));
    assert_false(is_gone(&f, 2 * LANE_LOOK_MS, &id));
    zmq_close(f.intake);
    f.intake = zmq_socket(f.zmq_ctx, ZMQ_PULL);
    assert_true(is_gone(&f, 10000, &id));
    assert_int_equal(id, 7);
    assert_false(is_gone(&f, LANE_DOWN_MS + 3 * LANE_LOOK_MS, &id));
    zmq_close(other);
    stop(&f);
}

// Nothing is lost that was not sent yet, and the older connection, which may
// still be there, gets no more.
static void
test_the_last_connection_that_was_named_counts(void **state)
{
    fixture_t f;
    uint64_t id = 0;

    (void)state;
    start_dialled(&f);
    lanes_here(f.lanes, 7, hear(&f, f.intake));
    void *older = f.intake;
    f.intake = dial(&f);
    lanes_here(f.lanes, 7, hear(&f, f.intake));
    send_text(&f, 7, "one");
    expect(&f, "one");
    CHECK_ERR(socket_receive(older, false, &f.in), ERR_BUSY);
    zmq_close(older);
    assert_false(is_gone(&f, LANE_DOWN_MS + 3 * LANE_LOOK_MS, &id));
    stop(&f);
}

static void
test_a_frame_for_who_went_is_kept_for_who_comes_back(void **state)
{
    fixture_t f;
    uint64_t id = 0;

    (void)state;
    start_dialled(&f);
    lanes_here(f.lanes, 7, hear(&f, f.intake));
    zmq_close(f.intake);
    f.intake = dial(&f);
    uint64_t connection = hear(&f, f.intake);
    assert_true(is_gone(&f, 10000, &id));
    send_text(&f, 7, "one");
    lanes_flush(f.lanes);
    assert_int_equal(lanes_waiting(f.lanes), 1);
    lanes_here(f.lanes, 7, connection);
    expect(&f, "one");
    stop(&f);
}

static void
test_a_port_that_is_taken_is_said(void **state)
{
    fixture_t f;
    buf_t why = {0};

    (void)state;
    start(&f);
    CHECK_U64(lanes_listen(f.lanes, "127.0.0.1", f.port, &why), 0);
    assert_true(why.len > 0);
    assert_null(lanes_socket(f.lanes));
    assert_true(lanes_listen(f.lanes, "127.0.0.1", 0, &why) != 0);
    buf_fini(&why);
    stop(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_sent_before_the_handshake_arrive_in_order),
        cmocka_unit_test(test_a_lane_to_nowhere_is_given_up),
        cmocka_unit_test(test_closing_a_lane_drops_what_waits_there),
        cmocka_unit_test(test_a_connection_that_comes_or_goes_is_told_once),
        cmocka_unit_test(test_only_numeric_endpoints_are_dialled),
        cmocka_unit_test(test_what_a_worker_dials_for_waits_until_it_has),
        cmocka_unit_test(test_who_never_dials_is_given_up),
        cmocka_unit_test(test_a_dialled_connection_that_is_gone_is_told_once),
        cmocka_unit_test(test_the_last_connection_that_was_named_counts),
        cmocka_unit_test(test_a_frame_for_who_went_is_kept_for_who_comes_back),
        cmocka_unit_test(test_a_port_that_is_taken_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
