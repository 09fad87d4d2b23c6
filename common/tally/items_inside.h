// SPDX-License-Identifier: Apache-2.0
// What the files of items share.
#ifndef LOGTALLY_COMMON_TALLY_ITEMS_INSIDE_H
#define LOGTALLY_COMMON_TALLY_ITEMS_INSIDE_H

#include "common/tally/items.h"

#define ITEMS_GROUP_LEN 4u // of the number before an item

typedef struct registers {
    uint8_t block;
    uint64_t seen;
    span_t ranks; // of those that were seen
} registers_t;

// One block; `last` is the one before, or -1. ERR_TRUNCATED, ERR_MALFORMED.
MUST_CHECK errcode_t items_get_registers(rd_t *r, int last, registers_t *out);
// One bucket and how many values it has.
MUST_CHECK errcode_t items_get_counted(rd_t *r, int *bucket, uint64_t *n);

#endif
