// SPDX-License-Identifier: Apache-2.0
// Every truncation and every flipped bit of each kind of message, from a
// worker that was lent nothing and from a client, while a job runs.
#include "tests/unit/coordinator/machine.h"

#include "tests/unit/cmocka_all.h"

static void
send_all(machine_t *m, link_t link, uint64_t peer, const identity_t *who,
    buf_t *frame)
{
    for (size_t len = 0; len < frame->len; len++) {
        machine_bytes(m, link, peer, who, (span_t){frame->p, len});
    }
    for (size_t bit = 0; bit < frame->len * 8; bit++) {
        frame->p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        machine_bytes(m, link, peer, who, buf_span(frame));
        frame->p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    machine_forget(m);
    buf_fini(frame);
}

// What the fake says is broken in every way on its way.
#define BREAK(link, peer, who, type, fields, meta)                             \
    do {                                                                       \
        buf_t frame_ = {0};                                                    \
        frame_encode(&frame_, type, EPOCH, fields, meta, payload);             \
        send_all(m, link, peer, who, &frame_);                                 \
    } while (0)

static void
attack(machine_t *m, const fake_t *w, const lent_t *l)
{
    const span_t payload = {l->partial.p, l->partial.len};
    const lt_Register reg = fake_register_meta(w);
    const lt_Heartbeat beat = {
        .incarnation = w->incarnation, .seq = 1, .n_held = 1, .n_offers = 1};
    const lt_OfferMessage offer = {w->incarnation, true,
        {l->meta.job, l->meta.shard, 1, l->partial.len, {0}, EPOCH}};
    const lt_Files files = {.incarnation = w->incarnation,
        .job = l->meta.job,
        .request = 1,
        .n = 1,
        .last = true};
    const lt_Partial part = {.incarnation = w->incarnation,
        .job = l->meta.job,
        .shard = l->meta.shard,
        .attempt = 1,
        .total = l->partial.len,
        .last = true};
    const lt_ShardFailed failed = {.incarnation = w->incarnation,
        .job = l->meta.job,
        .shard = l->meta.shard,
        .attempt = 1,
        .error = ERR_QUERY};
    const lt_JobRequest ask = {.job = l->meta.job};
    const lt_ResultRequest result = {.job = l->meta.job, .offset = 1};
    const lt_EventsRequest events = {.after = 1, .job = l->meta.job};
    const lt_Bye bye = {.incarnation = w->incarnation};
    const lt_Lane lane = {.incarnation = w->incarnation};
    const identity_t bob = {.name = "bob", .roles = ROLE_CLIENT};
    const identity_t *who = &w->who;

    BREAK(LINK_CONTROL, w->peer, who, PROTO_REGISTER, lt_Register_fields, &reg);
    BREAK(LINK_CONTROL, w->peer, who, PROTO_HEARTBEAT, lt_Heartbeat_fields,
        &beat);
    BREAK(LINK_CONTROL, w->peer, who, PROTO_OFFER, lt_OfferMessage_fields,
        &offer);
    BREAK(LINK_CONTROL, w->peer, who, PROTO_FILES, lt_Files_fields, &files);
    BREAK(LINK_LANE, w->peer, who, PROTO_LANE, lt_Lane_fields, &lane);
    BREAK(LINK_SINK, w->peer, who, PROTO_PARTIAL, lt_Partial_fields, &part);
    BREAK(LINK_SINK, w->peer, who, PROTO_SHARD_FAILED, lt_ShardFailed_fields,
        &failed);
    BREAK(LINK_CONTROL, w->peer, who, PROTO_BYE, lt_Bye_fields, &bye);
    BREAK(LINK_CONTROL, 7, &bob, PROTO_CANCEL_JOB, lt_JobRequest_fields, &ask);
    BREAK(LINK_CONTROL, 7, &bob, PROTO_WAIT, lt_JobRequest_fields, &ask);
    BREAK(LINK_CONTROL, 7, &bob, PROTO_ROWS, lt_JobRequest_fields, &ask);
    BREAK(
        LINK_CONTROL, 7, &bob, PROTO_RESULT, lt_ResultRequest_fields, &result);
    BREAK(
        LINK_CONTROL, 7, &bob, PROTO_EVENTS, lt_EventsRequest_fields, &events);
}

static void
test_broken_frames_of_others_do_not_change_the_answer(void **state)
{
    machine_t m;
    lent_t l;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    fake_t *evil = machine_worker(&m, "web2", 1);
    uint64_t job = machine_job(&m, w, 100, 100);
    assert_true(fake_lent(&m, w, &l));
    attack(&m, evil, &l); // lent
    fake_offer(&m, w, &l);
    assert_true(fake_granted(&m, w));
    fake_chunk(&m, w, &l, 0, 5);
    attack(&m, evil, &l); // arriving
    fake_chunk(&m, w, &l, 5, l.partial.len);
    CHECK_U64(fake_verdict(&m, w), lt_Verdict_VERDICT_COMMITTED);
    attack(&m, evil, &l); // done
    CHECK_U64(machine_status(&m, job).state, lt_JobState_JOB_DONE);
    CHECK_U64(machine_count(&m, job), 100);
    lent_fini(&l);
    machine_fini(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_frames_of_others_do_not_change_the_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
