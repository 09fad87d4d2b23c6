// SPDX-License-Identifier: Apache-2.0
// keysort: the keys of a table in ascending order of their bytes.
#ifndef LOGTALLY_COMMON_TALLY_KEYSORT_H
#define LOGTALLY_COMMON_TALLY_KEYSORT_H

#include <stddef.h>
#include <stdint.h>

// A key as the table keeps it, with the number of its entry.
typedef struct kept_key {
    uint32_t len;
    uint32_t number;
    uint8_t bytes[];
} kept_key_t;

typedef struct sort_item {
    uint64_t word; // for keysort's own use
    const kept_key_t *key;
} sort_item_t;

// Sorts n items; their keys are all different. `room` has place for n more.
void keysort(sort_item_t *items, sort_item_t *room, size_t n);

#endif
