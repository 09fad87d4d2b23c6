// SPDX-License-Identifier: Apache-2.0
#include "common/wire/batch.h"

#include "common/base/limits.h"
#include "common/wire/frame.h"

#define TYPE_AT 3 // behind magic and version

// With its length before it.
static size_t
block_len(span_t frame)
{
    uint8_t prefix[VARINT_MAX];

    return (size_t)(varint_put(prefix, frame.len) - prefix) + frame.len;
}

static bool
fits(const batch_t *self, span_t frame)
{
    return self->n < LIMIT_BATCH_FRAMES && self->bytes.len < LIMIT_BATCH &&
           block_len(frame) <= LIMIT_BATCH - self->bytes.len;
}

bool
batch_put(batch_t *self, span_t frame)
{
    if (self->n > 0 && !fits(self, frame)) {
        return false;
    }
    if (self->n == 0) {
        buf_clear(&self->bytes);
        frame_encode(&self->bytes, PROTO_BATCH, 0, NULL, NULL, (span_t){0});
    }
    buf_put_block(&self->bytes, frame);
    if (self->n++ == 0) {
        self->first = self->bytes.len - frame.len;
    }
    return true;
}

span_t
batch_message(const batch_t *self)
{
    size_t at = self->n == 1 ? self->first : 0;

    return self->n == 0 ? (span_t){0}
                        : (span_t){self->bytes.p + at, self->bytes.len - at};
}

void
batch_clear(batch_t *self)
{
    self->n = 0;
}

void
batch_fini(batch_t *self)
{
    buf_fini(&self->bytes);
    self->n = 0;
}

bool
batch_is(span_t message)
{
    return message.len >= FRAME_HEADER && message.p[TYPE_AT] == PROTO_BATCH;
}

static errcode_t
check_frames(rd_t r)
{
    unsigned n = 0;
    span_t inner;

    while (rd_left(&r) > 0) {
        if (rd_block(&r, rd_left(&r), &inner) != ERR_OK ||
            inner.len < FRAME_HEADER || batch_is(inner) ||
            ++n > LIMIT_BATCH_FRAMES) {
            return ERR_MALFORMED;
        }
    }
    return n < 2 ? ERR_MALFORMED : ERR_OK;
}

errcode_t
batch_open(span_t message, rd_t *frames)
{
    frame_t frame;

    if (frame_decode(message, &frame) != ERR_OK || frame.type != PROTO_BATCH ||
        frame.epoch != 0 || frame.meta.len != 0) {
        return ERR_MALFORMED;
    }
    *frames = rd_init(frame.payload);
    return check_frames(*frames);
}
