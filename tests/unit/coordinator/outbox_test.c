// SPDX-License-Identifier: Apache-2.0
#include "coordinator/outbox.h"

#include "common/base/limits.h"
#include "common/wire/batch.h"
#include "common/wire/frame.h"

#include "tests/unit/cmocka_all.h"

static void
put(outbox_t *box, uint64_t peer, uint64_t epoch)
{
    buf_t frame = {0};

    frame_encode(&frame, PROTO_GRANT, epoch, NULL, NULL, (span_t){0});
    outbox_put(box, peer, buf_span(&frame));
    buf_fini(&frame);
}

// The epochs of all that goes to the peer, in order from `*next` on.
static unsigned
take(outbox_t *box, uint64_t of, uint64_t *next)
{
    uint64_t peer;
    span_t message, inner;
    frame_t frame;
    unsigned n = 0;

    assert_true(outbox_next(box, &peer, &message));
    CHECK_U64(peer, of);
    rd_t r;
    CHECK_OK(batch_open(message, &r));
    while (rd_left(&r) > 0) {
        CHECK_OK(rd_block(&r, rd_left(&r), &inner));
        CHECK_OK(frame_decode(inner, &frame));
        CHECK_U64(frame.epoch, (*next)++);
        n++;
    }
    return n;
}

static void
test_each_peer_gets_one_message(void **state)
{
    outbox_t *box = outbox_new();
    uint64_t peer, next;
    span_t message;

    (void)state;
    for (uint64_t i = 0; i < 5; i++) {
        put(box, 1, i);
        put(box, 2, i);
    }
    CHECK_U64(take(box, 1, &(uint64_t){0}), 5);
    next = 0;
    CHECK_U64(take(box, 2, &next), 5);
    assert_false(outbox_next(box, &peer, &message));
    put(box, 1, 7);
    outbox_destroy(&box);
}

static void
test_order_is_kept_when_one_message_is_not_enough(void **state)
{
    outbox_t *box = outbox_new();
    uint64_t next = 0;

    (void)state;
    for (uint64_t i = 0; i < LIMIT_BATCH_FRAMES + 2; i++) {
        put(box, 9, i);
    }
    CHECK_U64(take(box, 9, &next), LIMIT_BATCH_FRAMES);
    CHECK_U64(take(box, 9, &next), 2);
    outbox_destroy(&box);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_peer_gets_one_message),
        cmocka_unit_test(test_order_is_kept_when_one_message_is_not_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
