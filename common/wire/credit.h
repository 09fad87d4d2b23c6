// SPDX-License-Identifier: Apache-2.0
// credit: how much of a worker's room a shard takes. Coordinator and worker
// reckon alike: a large shard takes a whole credit, small ones share it, so
// that an executor has some milliseconds of work ahead however small the
// shards are.
#ifndef LOGTALLY_COMMON_WIRE_CREDIT_H
#define LOGTALLY_COMMON_WIRE_CREDIT_H

#include "common/base/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define CREDIT_WHOLE (CREDIT_WHOLE_BYTES / CREDIT_PART_BYTES)

// Of one range. Nobody knows before what comes out of an archive or a stream.
static inline uint32_t
credit_of(uint64_t bytes, bool is_plain)
{
    return !is_plain || bytes >= CREDIT_WHOLE_BYTES
               ? CREDIT_WHOLE
               : 1 + (uint32_t)bytes / CREDIT_PART_BYTES;
}

static inline uint32_t
credit_add(uint32_t a, uint32_t b)
{
    return a + b < CREDIT_WHOLE ? a + b : CREDIT_WHOLE;
}

#endif
