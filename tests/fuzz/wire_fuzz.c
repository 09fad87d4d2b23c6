// SPDX-License-Identifier: Apache-2.0
// A frame is refused, or its parts lie inside it; a shard that is accepted
// keeps its bounds; a batch that is accepted can be taken apart.
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    frame_t frame;
    shard_t *shard = NULL;

    take_apart((span_t){data, len});

    if (frame_decode((span_t){data, len}, &frame) != ERR_OK) {
        return 0;
    }
    assert(frame.meta.len + frame.payload.len + FRAME_HEADER == len);
    if (shard_decode(&frame, &shard) == ERR_OK) {
        for (size_t i = 0; i < shard->n_ranges; i++) {
            const shard_range_t *r = &shard->ranges[i];
            assert(r->file < shard->n_files_in_job && r->begin <= r->end);
            assert(r->stream || r->end <= r->size);
        }
    }
    shard_destroy(&shard);
    return 0;
}
