// SPDX-License-Identifier: Apache-2.0
// A frame is refused, or its parts lie inside it; a shard that is accepted
// keeps its bounds; a batch that is accepted can be taken apart. The input is
// taken as it is, and as a type and the length of the fields, to which the
// rest of a good header is added: few inputs would get past it.
#include "common/wire/batch.h"
#include "worker/shard.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
take_apart(span_t message)
{
    rd_t r;
    span_t inner;

    if (batch_open(message, &r) != ERR_OK) {
        return;
    }
    while (rd_left(&r) > 0) {
        errcode_t rc = rd_block(&r, rd_left(&r), &inner);
        assert(rc == ERR_OK && inner.len >= FRAME_HEADER && !batch_is(inner));
    }
}

static void
take_frame(span_t bytes)
{
    frame_t frame;
    shard_t *shard = NULL;

    take_apart(bytes);
    if (frame_decode(bytes, &frame) != ERR_OK) {
        return;
    }
    assert(frame.meta.len + frame.payload.len + FRAME_HEADER == bytes.len);
    if (shard_decode(&frame, &shard) == ERR_OK) {
        for (size_t i = 0; i < shard->n_ranges; i++) {
            const shard_range_t *r = &shard->ranges[i];
            assert(r->file < shard->n_files_in_job && r->begin <= r->end);
            assert(r->stream || r->end <= r->size);
        }
    }
    shard_destroy(&shard);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    rd_t r = rd_init((span_t){data, len});
    buf_t frame = {0};
    uint8_t type;
    uint16_t meta_len;

    take_frame((span_t){data, len});
    if (rd_u8(&r, &type) == ERR_OK && rd_u16(&r, &meta_len) == ERR_OK) {
        frame_encode(&frame, (proto_type_t)type, 0, NULL, NULL, (span_t){0});
        frame.len -= 4;
        buf_put_u32(&frame, meta_len);
        buf_put_span(&frame, (span_t){r.p, rd_left(&r)});
        take_frame(buf_span(&frame));
    }
    buf_fini(&frame);
    return 0;
}
