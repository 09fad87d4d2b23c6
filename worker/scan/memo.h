// SPDX-License-Identifier: Apache-2.0
// memo: keys as they stand in the log, to the groups they were found to be.
// Logs say the same few things over and over; what was said lately needs no
// parsing, no encoding and no search. Direct-mapped: a newcomer takes the
// place of who was there, so that it is small and hostile keys only make it
// useless.
#ifndef LOGTALLY_WORKER_SCAN_MEMO_H
#define LOGTALLY_WORKER_SCAN_MEMO_H

#include "common/base/bytes.h"

#define MEMO_RAW_MAX 116u

typedef struct memo_entry {
    uint32_t len_1; // length + 1; 0: empty
    uint32_t group; // of the tally
    uint32_t bad;   // values that did not fit their type
    uint8_t raw[MEMO_RAW_MAX];
} memo_entry_t;

typedef struct memo memo_t;
memo_t *memo_new(void);
void memo_destroy(memo_t **self_p);
void memo_forget(memo_t *self); // all of it
// The entry where raw (at most MEMO_RAW_MAX bytes) is, or would be.
memo_entry_t *memo_at(memo_t *self, span_t raw);
bool memo_is(const memo_entry_t *entry, span_t raw);
void memo_put(memo_entry_t *entry, span_t raw, uint32_t group, uint32_t bad);

#endif
