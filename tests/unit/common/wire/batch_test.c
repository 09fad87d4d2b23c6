// SPDX-License-Identifier: Apache-2.0
#include "common/wire/batch.h"

#include "common/base/limits.h"
#include "common/wire/frame.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

static void
put_frame(buf_t *out, uint64_t epoch, size_t payload)
{
    static uint8_t bytes[LIMIT_BATCH];

    frame_encode(out, PROTO_GRANT, epoch, NULL, NULL, (span_t){bytes, payload});
}

static bool
add(batch_t *batch, uint64_t epoch, size_t payload)
{
    buf_t frame = {0};

    put_frame(&frame, epoch, payload);
    bool fits = batch_put(batch, buf_span(&frame));
    buf_fini(&frame);
    return fits;
}

// Their epochs are 1, 2, 3 and so on.
static unsigned
count_frames(span_t message)
{
    rd_t r;
    span_t inner;
    frame_t frame;
    unsigned n = 0;

    CHECK_OK(batch_open(message, &r));
    while (rd_left(&r) > 0) {
        CHECK_OK(rd_block(&r, rd_left(&r), &inner));
        CHECK_OK(frame_decode(inner, &frame));
        CHECK_U64(frame.epoch, ++n);
    }
    return n;
}

static void
test_frames_come_back_in_order(void **state)
{
    batch_t batch = {0};

    (void)state;
    CHECK_U64(batch_message(&batch).len, 0);
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t i = 1; i <= 3; i++) {
            assert_true(add(&batch, i, i * 100));
        }
        CHECK_U64(count_frames(batch_message(&batch)), 3);
        batch_clear(&batch);
    }
    batch_fini(&batch);
}

static void
test_a_frame_that_is_alone_goes_as_it_is(void **state)
{
    static uint8_t big[LIMIT_CHUNK];
    buf_t frame = {0};
    batch_t batch = {0};

    (void)state;
    frame_encode(
        &frame, PROTO_PARTIAL, 7, NULL, NULL, (span_t){big, sizeof big});
    assert_true(batch_put(&batch, buf_span(&frame)));
    assert_true(span_eq(batch_message(&batch), buf_span(&frame)));
    assert_false(batch_is(batch_message(&batch)));
    assert_false(add(&batch, 1, 0));
    batch_fini(&batch);
    buf_fini(&frame);
}

static void
test_a_batch_has_its_limits(void **state)
{
    batch_t batch = {0};
    unsigned n = 0;

    (void)state;
    while (add(&batch, n + 1, 0)) {
        n++;
    }
    CHECK_U64(n, LIMIT_BATCH_FRAMES);
    CHECK_U64(count_frames(batch_message(&batch)), n);
    batch_clear(&batch);
    for (n = 0; add(&batch, n + 1, 1000); n++) {
        assert_true(batch_message(&batch).len <= LIMIT_BATCH);
    }
    assert_true(n > 50 && n < LIMIT_BATCH_FRAMES);
    batch_fini(&batch);
}

static void
put_frames(uint64_t n, size_t len, buf_t *out)
{
    buf_t frame = {0};

    put_frame(&frame, 1, len);
    for (uint64_t i = 0; i < n; i++) {
        buf_put_block(out, buf_span(&frame));
    }
    buf_fini(&frame);
}

// So many frames, by who takes them and by who sends them.
static bool
takes_frames(uint64_t n)
{
    buf_t payload = {0}, message = {0};
    batch_t batch = {0};
    uint64_t put = 0;
    rd_t r;

    put_frames(n, 10, &payload);
    frame_encode(&message, PROTO_BATCH, 0, NULL, NULL, buf_span(&payload));
    bool taken = batch_open(buf_span(&message), &r) == ERR_OK;
    while (put < n && add(&batch, put, 10)) {
        put++;
    }
    assert_true(taken == (put == n));
    batch_fini(&batch);
    buf_fini(&message);
    buf_fini(&payload);
    return taken;
}

// Is a second frame put into a message that has so many bytes with it?
static bool
fits_message(uint64_t len)
{
    batch_t batch = {0};

    // Two lengths of three bytes, three headers.
    size_t payload = len - 3 * FRAME_HEADER - 2 * 3 - 20000;
    assert_true(add(&batch, 1, 20000));
    bool fits = add(&batch, 2, payload);
    assert_true(!fits || batch_message(&batch).len == len);
    batch_fini(&batch);
    return fits;
}

static void
test_limits(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_BATCH_FRAMES, takes_frames);
    CHECK_LIMIT(LIMIT_BATCH, fits_message);
}

static void
check_refused(const buf_t *payload, uint64_t epoch)
{
    buf_t message = {0};
    rd_t r;

    frame_encode(&message, PROTO_BATCH, epoch, NULL, NULL, buf_span(payload));
    CHECK_ERR(batch_open(buf_span(&message), &r), ERR_MALFORMED);
    buf_fini(&message);
}

static void
test_what_is_not_quite_a_batch_is_refused(void **state)
{
    buf_t frame = {0}, payload = {0};

    (void)state;
    check_refused(&payload, 0); // empty
    put_frame(&frame, 1, 10);
    buf_put_block(&payload, buf_span(&frame));
    check_refused(&payload, 0); // one
    buf_put_block(&payload, buf_span(&frame));
    check_refused(&payload, 1); // an epoch
    buf_put_block(&payload, (span_t){frame.p, FRAME_HEADER - 1});
    check_refused(&payload, 0); // no frame
    payload.len -= 1;
    check_refused(&payload, 0); // cut
    buf_clear(&payload);
    for (unsigned i = 0; i <= LIMIT_BATCH_FRAMES; i++) {
        buf_put_block(&payload, buf_span(&frame));
    }
    check_refused(&payload, 0); // one too many
    buf_fini(&frame);
    buf_fini(&payload);
}

static void
test_a_batch_holds_no_batch(void **state)
{
    buf_t frame = {0}, payload = {0};

    (void)state;
    frame_encode(&frame, PROTO_BATCH, 0, NULL, NULL, (span_t){0});
    buf_put_block(&payload, buf_span(&frame));
    buf_put_block(&payload, buf_span(&frame));
    check_refused(&payload, 0);
    buf_fini(&frame);
    buf_fini(&payload);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_come_back_in_order),
        cmocka_unit_test(test_a_frame_that_is_alone_goes_as_it_is),
        cmocka_unit_test(test_a_batch_has_its_limits),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_what_is_not_quite_a_batch_is_refused),
        cmocka_unit_test(test_a_batch_holds_no_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
