// SPDX-License-Identifier: Apache-2.0
// batch: several frames to one receiver in one message, so that encryption,
// system calls and the receiver's wake-up are paid once for all of them.
//
//   a frame of type BATCH, epoch 0, no meta; payload: 2 to LIMIT_BATCH_FRAMES
//   times (varint length, frame), none of them a BATCH
//
// Each is handled as if it had come alone.
#ifndef LOGTALLY_COMMON_WIRE_BATCH_H
#define LOGTALLY_COMMON_WIRE_BATCH_H

#include "common/base/bytes.h"

// A zeroed batch_t is empty and ready.
typedef struct batch {
    buf_t bytes;
    size_t first; // where the first frame begins
    unsigned n;
} batch_t;

// False: no room beside what is there, nothing was put; send that first. An
// empty batch takes a frame of any size.
bool batch_put(batch_t *self, span_t frame);
// What to send: a frame that is alone goes as it is. Lent until the next
// call; of an empty batch nothing.
span_t batch_message(const batch_t *self);
void batch_clear(batch_t *self);
void batch_fini(batch_t *self);

bool batch_is(span_t message);
// All of it is checked before the first frame is taken. ERR_MALFORMED. Then
// rd_block gives frame after frame until nothing is left.
MUST_CHECK errcode_t batch_open(span_t message, rd_t *frames);

#endif
