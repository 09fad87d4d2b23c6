// SPDX-License-Identifier: Apache-2.0
#include "worker/supervisor.h"

#include "common/base/limits.h"

#include "tests/unit/cmocka_all.h"

#define EPOCH 7u

static supervisor_t *
start_as(bool dials)
{
    const supervisor_config_t config = {.name = "web1",
        .executors = 1,
        .incarnation = 42,
        .intake_port = dials ? 0 : 7710,
        .intake_address = "",
        .dials = dials};
    supervisor_t *s = supervisor_new(&config, 0);

    supervisor_connected(s, 0);
    return s;
}

static supervisor_t *
start(void)
{
    return start_as(false);
}

static void
tell(supervisor_t *s, sup_link_t link, proto_type_t type,
    const pb_msgdesc_t *fields, const void *meta, span_t payload)
{
    buf_t frame = {0};

    frame_encode(&frame, type, EPOCH, fields, meta, payload);
    supervisor_message(s, link, buf_span(&frame), 0);
    buf_fini(&frame);
}

// Takes outputs until one of that kind (and frame type, 0 for any) comes.
static void
expect(supervisor_t *s, sup_kind_t kind, unsigned type, sup_output_t *out)
{
    for (;;) {
        assert_true(supervisor_next(s, out));
        frame_t frame = {0};
        bool framed = out->frame.len > 0 &&
                      frame_decode(buf_span(&out->frame), &frame) == ERR_OK;
        if (out->kind == kind &&
            (type == 0 || (framed && frame.type == type))) {
            return;
        }
        buf_fini(&out->frame);
    }
}

static void
register_with(supervisor_t *s, uint32_t lane_port)
{
    const lt_Registered meta = {.version = 1,
        .epoch = EPOCH,
        .heartbeat_ms = 1000,
        .sink_port = 7701,
        .lane_port = lane_port,
        .staging_bytes = 1 << 30};
    sup_output_t out;

    expect(s, SUP_CONTROL, PROTO_REGISTER, &out);
    buf_fini(&out.frame);
    tell(s, SUP_LINK_CONTROL, PROTO_REGISTERED, lt_Registered_fields, &meta,
        (span_t){0});
}

static void
register_worker(supervisor_t *s)
{
    register_with(s, 0);
}

static void
lend_shard_of(supervisor_t *s, uint64_t id, uint64_t bytes)
{
    const lt_Shard meta = {.incarnation = 42,
        .job = 1,
        .shard = id,
        .attempt = 1,
        .n_ranges = 1,
        .n_files_in_job = 1,
        .query = "count",
        .format = "combined"};
    const lt_Range range = {.has_file = true,
        .file = {.path = "/var/log/x", .size = bytes},
        .end = bytes,
        .host = "web1"};
    buf_t payload = {0};

    record_put(&payload, lt_Range_fields, &range);
    tell(s, SUP_LINK_INTAKE, PROTO_SHARD, lt_Shard_fields, &meta,
        buf_span(&payload));
    buf_fini(&payload);
}

static void
lend_shard(supervisor_t *s, uint64_t id)
{
    lend_shard_of(s, id, 9);
}

static void
test_partial_is_kept_until_it_is_acknowledged(void **state)
{
    static const lt_Grant grant = {.job = 1, .shard = 5, .attempt = 1};
    static const lt_ResultAck ack = {.job = 1, .shard = 5, .attempt = 1};
    supervisor_t *s = start();
    sup_output_t out;
    buf_t partial = {0};

    (void)state;
    register_worker(s);
    lend_shard(s, 5);
    expect(s, SUP_START, 0, &out);
    CHECK_U64(out.slot, 0);
    assert_string_equal(out.shard->ranges[0].path, "/var/log/x");
    buf_put_str(&partial, "counted");
    supervisor_done(s, 0, ERR_OK, &partial, UINT32_MAX, "", 10);
    expect(s, SUP_CONTROL, PROTO_OFFER, &out);
    buf_fini(&out.frame);
    tell(
        s, SUP_LINK_CONTROL, PROTO_GRANT, lt_Grant_fields, &grant, (span_t){0});
    expect(s, SUP_SINK, PROTO_PARTIAL, &out);
    frame_t frame;
    CHECK_OK(frame_decode(buf_span(&out.frame), &frame));
    CHECK_SPAN(frame.payload, "counted");
    buf_fini(&out.frame);
    assert_false(supervisor_is_idle(s));
    tell(s, SUP_LINK_CONTROL, PROTO_RESULT_ACK, lt_ResultAck_fields, &ack,
        (span_t){0});
    assert_true(supervisor_is_idle(s));
    buf_fini(&partial);
    supervisor_destroy(&s);
}

static lt_Heartbeat
next_heartbeat(supervisor_t *s, int64_t now_ms)
{
    sup_output_t out;
    lt_Heartbeat beat;
    frame_t frame;

    supervisor_tick(s, now_ms);
    expect(s, SUP_CONTROL, PROTO_HEARTBEAT, &out);
    CHECK_OK(frame_decode(buf_span(&out.frame), &frame));
    CHECK_OK(frame_meta(&frame, lt_Heartbeat_fields, &beat));
    buf_fini(&out.frame);
    return beat;
}

static void
test_a_heartbeat_says_how_it_goes(void **state)
{
    supervisor_t *s = start();

    (void)state;
    register_worker(s);
    lt_Heartbeat beat = next_heartbeat(s, 0);
    assert_true(beat.wall_ms == 0); // nobody told it yet
    assert_string_equal(beat.trouble, "");
    supervisor_health(s, 1700000000000, "root /srv: no");
    beat = next_heartbeat(s, 1500);
    assert_true(beat.wall_ms == 1700000001500);
    assert_string_equal(beat.trouble, "root /srv: no");
    supervisor_destroy(&s);
}

static void
test_failure_is_told_on_the_sink(void **state)
{
    supervisor_t *s = start();
    sup_output_t out;
    buf_t none = {0};

    (void)state;
    register_worker(s);
    lend_shard(s, 5);
    expect(s, SUP_START, 0, &out);
    supervisor_done(s, 0, ERR_CRASHED, &none, UINT32_MAX, "signal 9", 10);
    expect(s, SUP_SINK, PROTO_SHARD_FAILED, &out);
    buf_fini(&out.frame);
    supervisor_destroy(&s);
}

static void
test_shard_of_a_past_epoch_is_ignored(void **state)
{
    static const lt_Registered meta = {.version = 1,
        .epoch = EPOCH + 1,
        .heartbeat_ms = 1000,
        .sink_port = 7701};
    supervisor_t *s = start();
    sup_output_t out;

    (void)state;
    register_worker(s);
    tell(s, SUP_LINK_CONTROL, PROTO_REGISTERED, lt_Registered_fields, &meta,
        (span_t){0});
    lend_shard(s, 5);
    while (supervisor_next(s, &out)) {
        assert_int_not_equal(out.kind, SUP_START);
        buf_fini(&out.frame);
    }
    supervisor_destroy(&s);
}

static void
test_bit_flips_of_a_shard_do_no_harm(void **state)
{
    supervisor_t *s = start();
    sup_output_t out;
    lt_Grant meta = {.job = 1, .shard = 5, .attempt = 1};
    buf_t frame = {0};

    (void)state;
    register_worker(s);
    lend_shard(s, 5);
    frame_encode(
        &frame, PROTO_GRANT, EPOCH, lt_Grant_fields, &meta, (span_t){0});
    for (size_t bit = 0; bit < frame.len * 8; bit++) {
        frame.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        supervisor_message(s, SUP_LINK_CONTROL, buf_span(&frame), 0);
        supervisor_message(s, SUP_LINK_INTAKE, buf_span(&frame), 0);
        frame.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    while (supervisor_next(s, &out)) {
        buf_fini(&out.frame);
    }
    buf_fini(&frame);
    supervisor_destroy(&s);
}

static void
expect_start(supervisor_t *s, uint64_t shard)
{
    sup_output_t out;

    expect(s, SUP_START, 0, &out);
    CHECK_U64(out.shard->id, shard);
}

static void
expect_offer(supervisor_t *s, uint64_t shard)
{
    sup_output_t out;
    frame_t frame;
    lt_OfferMessage offer;

    expect(s, SUP_CONTROL, PROTO_OFFER, &out);
    CHECK_OK(frame_decode(buf_span(&out.frame), &frame));
    CHECK_OK(frame_meta(&frame, lt_OfferMessage_fields, &offer));
    CHECK_U64(offer.offer.shard, shard);
    buf_fini(&out.frame);
}

static void
expect_failure(supervisor_t *s, uint64_t shard)
{
    sup_output_t out;
    frame_t frame;
    lt_ShardFailed failed;

    expect(s, SUP_SINK, PROTO_SHARD_FAILED, &out);
    CHECK_OK(frame_decode(buf_span(&out.frame), &frame));
    CHECK_OK(frame_meta(&frame, lt_ShardFailed_fields, &failed));
    CHECK_U64(failed.shard, shard);
    buf_fini(&out.frame);
}

static void
count_shard(supervisor_t *s)
{
    buf_t partial = {0};

    buf_put_str(&partial, "counted");
    supervisor_done(s, 0, ERR_OK, &partial, UINT32_MAX, "", 10);
}

static void
test_small_shards_are_given_ahead(void **state)
{
    supervisor_t *s = start();

    (void)state;
    register_worker(s);
    for (uint64_t id = 1; id <= 3; id++) {
        lend_shard(s, id);
        expect_start(s, id);
    }
    for (uint64_t id = 1; id <= 3; id++) {
        count_shard(s);
        expect_offer(s, id);
    }
    supervisor_destroy(&s);
}

static void
test_a_large_shard_waits_for_its_turn(void **state)
{
    supervisor_t *s = start();
    sup_output_t out;

    (void)state;
    register_worker(s);
    lend_shard(s, 1);
    expect_start(s, 1);
    lend_shard_of(s, 2, CREDIT_WHOLE_BYTES);
    lend_shard(s, 3);
    assert_false(supervisor_next(s, &out));
    count_shard(s);
    expect_offer(s, 1);
    expect_start(s, 2);
    assert_false(supervisor_next(s, &out));
    count_shard(s);
    expect_offer(s, 2);
    expect_start(s, 3);
    supervisor_destroy(&s);
}

// The first was being counted, so no other is to blame.
static void
test_a_crash_is_of_the_first_shard_alone(void **state)
{
    supervisor_t *s = start();
    sup_output_t out;

    (void)state;
    register_worker(s);
    for (uint64_t id = 1; id <= 3; id++) {
        lend_shard(s, id);
    }
    expect_start(s, 1);
    expect_start(s, 2); // the start of 3 is on its way
    supervisor_done(s, 0, ERR_CRASHED, NULL, UINT32_MAX, "signal 9", 10);
    expect_failure(s, 1);
    expect_start(s, 2);
    expect_start(s, 3);
    assert_false(supervisor_next(s, &out));
    supervisor_destroy(&s);
}

static void
test_a_shard_that_found_no_room_waits(void **state)
{
    supervisor_t *s = start();
    sup_output_t out;

    (void)state;
    register_worker(s);
    lend_shard(s, 1);
    expect_start(s, 1);
    lend_shard(s, 2);
    expect(s, SUP_START, 0, &out);
    supervisor_not_started(s, out.shard, ERR_BUSY, UINT32_MAX, "", 10);
    lend_shard(s, 3);
    assert_false(supervisor_next(s, &out));
    count_shard(s);
    expect_offer(s, 1);
    expect_start(s, 2);
    expect_start(s, 3);
    supervisor_destroy(&s);
}

static void
test_a_shard_that_cannot_start_fails_alone(void **state)
{
    supervisor_t *s = start();
    sup_output_t out;

    (void)state;
    register_worker(s);
    lend_shard(s, 1);
    expect_start(s, 1);
    lend_shard(s, 2);
    expect(s, SUP_START, 0, &out);
    supervisor_not_started(s, out.shard, ERR_NOT_FOUND, 0, "gone", 10);
    expect_failure(s, 2);
    count_shard(s);
    expect_offer(s, 1);
    supervisor_destroy(&s);
}

// Taken for the next shard's, the partial would be a wrong number.
static void
test_a_partial_that_crosses_a_cancel_is_nobodys(void **state)
{
    static const lt_CancelShard cancel = {
        .incarnation = 42, .job = 1, .shard = 4};
    supervisor_t *s = start();
    sup_output_t out;
    buf_t old = {0}, new = {0};

    (void)state;
    register_worker(s);
    lend_shard(s, 4);
    expect(s, SUP_START, 0, &out);
    lend_shard(s, 5);
    tell(s, SUP_LINK_INTAKE, PROTO_CANCEL_SHARD, lt_CancelShard_fields, &cancel,
        (span_t){0});
    buf_put_str(&old, "old");
    supervisor_done(s, 0, ERR_OK, &old, UINT32_MAX, "", 10);
    expect(s, SUP_KILL, 0, &out);
    buf_put_str(&old, "old");
    supervisor_done(s, 0, ERR_OK, &old, UINT32_MAX, "", 10);
    expect(s, SUP_START, 0, &out);
    CHECK_U64(out.shard->id, 5);
    buf_put_str(&new, "new!");
    supervisor_done(s, 0, ERR_OK, &new, UINT32_MAX, "", 10);
    expect(s, SUP_CONTROL, PROTO_OFFER, &out);
    frame_t frame;
    lt_OfferMessage offer;
    CHECK_OK(frame_decode(buf_span(&out.frame), &frame));
    CHECK_OK(frame_meta(&frame, lt_OfferMessage_fields, &offer));
    CHECK_U64(offer.offer.shard, 5);
    CHECK_U64(offer.offer.bytes, 4);
    buf_fini(&out.frame);
    buf_fini(&old);
    buf_fini(&new);
    supervisor_destroy(&s);
}

static void
pass_time(supervisor_t *s, int64_t from, int64_t to)
{
    for (int64_t now = from; now <= to; now += 1000) {
        supervisor_tick(s, now);
    }
}

// Coordinator's silence drops nothing here: only the executor is watched.
static void
test_an_executor_without_progress_is_ended(void **state)
{
    supervisor_t *s = start();
    sup_output_t out;

    (void)state;
    register_worker(s);
    lend_shard(s, 5);
    expect(s, SUP_START, 0, &out);
    pass_time(s, 0, 30000);
    supervisor_progress(s, 0, 1, 30000);
    pass_time(s, 31000, 30000 + EXECUTOR_SILENT_MS - 1000);
    while (supervisor_next(s, &out)) {
        assert_int_not_equal(out.kind, SUP_KILL);
        buf_fini(&out.frame);
    }
    supervisor_tick(s, 30000 + EXECUTOR_SILENT_MS);
    expect(s, SUP_KILL, 0, &out);
    supervisor_destroy(&s);
}

static void
test_nobody_is_blamed_after_the_worker_itself_was_stopped(void **state)
{
    supervisor_t *s = start();
    sup_output_t out;

    (void)state;
    register_worker(s);
    lend_shard(s, 5);
    expect(s, SUP_START, 0, &out);
    supervisor_tick(s, 1000);
    supervisor_tick(s, 1000 + 2 * EXECUTOR_SILENT_MS);
    while (supervisor_next(s, &out)) {
        assert_int_not_equal(out.kind, SUP_KILL);
        buf_fini(&out.frame);
    }
    supervisor_destroy(&s);
}

static void
test_bye_is_said_and_taken(void **state)
{
    static const lt_Bye bye = {.incarnation = 42, .reason = "superseded"};
    supervisor_t *s = start();
    sup_output_t out;

    (void)state;
    register_worker(s);
    tell(s, SUP_LINK_CONTROL, PROTO_BYE, lt_Bye_fields, &bye, (span_t){0});
    expect(s, SUP_REFUSED, 0, &out);
    assert_string_equal(out.text, "superseded");
    supervisor_bye(s, "the end", 5); // not registered: nobody to tell
    assert_false(supervisor_next(s, &out));
    supervisor_connected(s, 6);
    register_worker(s);
    supervisor_bye(s, "the end", 7);
    expect(s, SUP_CONTROL, PROTO_BYE, &out);
    buf_fini(&out.frame);
    supervisor_destroy(&s);
}

static void
check_status(const supervisor_t *s, const char *want)
{
    buf_t text = {0};

    supervisor_status_text(s, &text);
    buf_put_u8(&text, '\0');
    assert_string_equal((const char *)text.p, want);
    buf_fini(&text);
}

static void
test_its_status_says_what_it_holds(void **state)
{
    supervisor_t *s = start();

    (void)state;
    check_status(s, "not registered, 0 of 1 executors count, 0 shards held");
    register_worker(s);
    lend_shard(s, 5);
    lend_shard(s, 6);
    check_status(s, "registered, 1 of 1 executors count, 2 shards held");
    supervisor_destroy(&s);
}

// A frame of another version says no more than that.
static void
test_a_coordinator_of_another_version_is_named(void **state)
{
    supervisor_t *s = start();
    buf_t frame = {0};
    sup_output_t out;

    (void)state;
    register_worker(s);
    frame_encode(&frame, PROTO_REFUSED, 0, NULL, NULL, (span_t){0});
    frame.p[2] = PROTOCOL_VERSION + 1; // behind the magic
    supervisor_message(s, SUP_LINK_INTAKE, buf_span(&frame), 0);
    while (supervisor_next(s, &out)) { // anybody's word there
        assert_true(out.kind != SUP_REFUSED);
        buf_fini(&out.frame);
    }
    supervisor_message(s, SUP_LINK_CONTROL, buf_span(&frame), 0);
    expect(s, SUP_REFUSED, 0, &out);
    assert_non_null(strstr(out.text, "version 2 of the protocol"));
    assert_non_null(strstr(out.text, "this worker version 1;"));
    buf_fini(&frame);
    supervisor_destroy(&s);
}

// ---- who dials

static void
expect_lane(supervisor_t *s)
{
    sup_output_t out;
    frame_t frame;
    lt_Lane meta;

    expect(s, SUP_LANE, PROTO_LANE, &out);
    CHECK_OK(frame_decode(buf_span(&out.frame), &frame));
    CHECK_U64(frame.epoch, EPOCH);
    CHECK_OK(frame_meta(&frame, lt_Lane_fields, &meta));
    CHECK_U64(meta.incarnation, 42);
    buf_fini(&out.frame);
}

static void
expect_no_lane(supervisor_t *s)
{
    sup_output_t out;

    while (supervisor_next(s, &out)) {
        assert_true(out.kind != SUP_LANE && out.kind != SUP_LANE_OPEN);
        buf_fini(&out.frame);
    }
}

static void
test_a_lane_is_dialled_and_named_again_and_again(void **state)
{
    supervisor_t *s = start_as(true);
    sup_output_t out;

    (void)state;
    supervisor_lane_up(s, 0); // too early: nobody knows this worker
    register_with(s, 7702);
    expect(s, SUP_LANE_OPEN, 0, &out);
    CHECK_U64(out.lane_port, 7702);
    assert_false(out.keep);
    supervisor_lane_up(s, 1);
    expect_lane(s);
    expect_no_lane(s);
    (void)supervisor_tick(s, 1000); // with the heartbeat
    expect_lane(s);
    lend_shard(s, 5);
    expect(s, SUP_START, 0, &out);
    supervisor_destroy(&s);
}

// Registering again with the same coordinator may keep the connection; one of
// a coordinator that is gone leads nowhere.
static void
test_a_lane_is_kept_within_an_epoch(void **state)
{
    static const lt_Registered other = {
        .version = 1, .epoch = EPOCH + 1, .lane_port = 7702};
    supervisor_t *s = start_as(true);
    sup_output_t out;

    (void)state;
    register_with(s, 7702);
    supervisor_connected(s, 5);
    register_with(s, 7702);
    expect(s, SUP_LANE_OPEN, 0, &out);
    assert_true(out.keep);
    tell(s, SUP_LINK_CONTROL, PROTO_REGISTERED, lt_Registered_fields, &other,
        (span_t){0});
    expect(s, SUP_LANE_OPEN, 0, &out);
    assert_false(out.keep);
    supervisor_destroy(&s);
}

static void
test_a_coordinator_without_a_lane_port_is_refused(void **state)
{
    supervisor_t *s = start_as(true);
    sup_output_t out;

    (void)state;
    register_with(s, 0);
    expect(s, SUP_REFUSED, 0, &out);
    assert_non_null(strstr(out.text, "transport = dial"));
    check_status(s, "not registered, 0 of 1 executors count, 0 shards held");
    supervisor_connected(s, 5);
    register_with(s, UINT16_MAX + 1);
    expect_no_lane(s);
    supervisor_destroy(&s);
}

static void
test_who_is_dialled_says_nothing_of_lanes(void **state)
{
    supervisor_t *s = start();

    (void)state;
    register_with(s, 7702);
    supervisor_lane_up(s, 1);
    (void)supervisor_tick(s, 1000);
    expect_no_lane(s);
    supervisor_destroy(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partial_is_kept_until_it_is_acknowledged),
        cmocka_unit_test(test_a_lane_is_dialled_and_named_again_and_again),
        cmocka_unit_test(test_a_lane_is_kept_within_an_epoch),
        cmocka_unit_test(test_a_coordinator_without_a_lane_port_is_refused),
        cmocka_unit_test(test_who_is_dialled_says_nothing_of_lanes),
        cmocka_unit_test(test_a_heartbeat_says_how_it_goes),
        cmocka_unit_test(test_failure_is_told_on_the_sink),
        cmocka_unit_test(test_shard_of_a_past_epoch_is_ignored),
        cmocka_unit_test(test_bit_flips_of_a_shard_do_no_harm),
        cmocka_unit_test(test_small_shards_are_given_ahead),
        cmocka_unit_test(test_a_large_shard_waits_for_its_turn),
        cmocka_unit_test(test_a_crash_is_of_the_first_shard_alone),
        cmocka_unit_test(test_a_shard_that_found_no_room_waits),
        cmocka_unit_test(test_a_shard_that_cannot_start_fails_alone),
        cmocka_unit_test(test_a_partial_that_crosses_a_cancel_is_nobodys),
        cmocka_unit_test(test_an_executor_without_progress_is_ended),
        cmocka_unit_test(
            test_nobody_is_blamed_after_the_worker_itself_was_stopped),
        cmocka_unit_test(test_bye_is_said_and_taken),
        cmocka_unit_test(test_its_status_says_what_it_holds),
        cmocka_unit_test(test_a_coordinator_of_another_version_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
