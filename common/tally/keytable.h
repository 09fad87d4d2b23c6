// SPDX-License-Identifier: Apache-2.0
// keytable: byte strings, each with a few words of state. Open addressing,
// full-key comparison, keyed hash; keys are copied once into an arena that
// dies with the table. Entries are numbered as they are made.
//
// Not thread-safe. Tables that share a budget may each be in a thread of its
// own.
#ifndef LOGTALLY_COMMON_TALLY_KEYTABLE_H
#define LOGTALLY_COMMON_TALLY_KEYTABLE_H

#include "common/base/budget.h"
#include "common/base/bytes.h"

typedef struct keytable keytable_t;

// The budget is lent for the table's life.
keytable_t *keytable_new(size_t n_words, budget_t *budget);
void keytable_destroy(keytable_t **self_p);
size_t keytable_count(const keytable_t *self);
size_t keytable_bytes(const keytable_t *self);
// Whether keys were crafted to collide, and are hashed with SipHash since.
bool keytable_attacked(const keytable_t *self);

// Finds or makes the entry of the key; its words are zero when it is new.
// ERR_TOO_LARGE over the budget or LIMIT_KEY; unchanged then.
MUST_CHECK errcode_t keytable_find(
    keytable_t *self, span_t key, uint32_t *number);

// There will be n entries at least: room for them is made once. A hint; over
// the budget nothing happens.
void keytable_expect(keytable_t *self, size_t n);

#define TALLY_BATCH 64u
// The entries of n keys (n <= TALLY_BATCH). Equal keys in one batch are fine.
// ERR_TOO_LARGE as above; entries made until then stay.
MUST_CHECK errcode_t keytable_find_batch(
    keytable_t *self, const span_t *keys, size_t n, uint32_t *numbers);

// Both are lent until the next entry is made.
uint64_t *keytable_words(const keytable_t *self, size_t number);
span_t keytable_key(const keytable_t *self, size_t number);
// The number of the entry whose words these are.
size_t keytable_number(const keytable_t *self, const uint64_t *words);

// An entry by its number, lent until the next is made.
typedef struct tally_entry {
    span_t key;
    const uint64_t *states;
} tally_entry_t;
tally_entry_t keytable_entry(const keytable_t *self, size_t number);
// n of them (n <= TALLY_BATCH), which lie anywhere, at once.
void keytable_entries(const keytable_t *self, const uint32_t *numbers, size_t n,
    tally_entry_t *out);

// Keys fall into n_parts (a power of two, TALLY_PARTS at most) by a hash that
// is the same everywhere: the low bits of XXH3 without a seed. Whoever makes
// keys for one part gains no more than a merge without threads.
#define TALLY_PARTS 16u
unsigned tally_part(span_t key, unsigned n_parts);
// Lists all entries by part; part p ends before ends[p]. None is made until
// the last is sorted.
void keytable_list(
    keytable_t *self, unsigned n_parts, size_t ends[TALLY_PARTS]);
// Those of the list from where the call before ended (0) to `end`, in one part,
// in ascending byte order of key; lent until the next list. A part that is read
// before the next is sorted is still in the caches.
const uint32_t *keytable_sort_next(keytable_t *self, size_t end);

#endif
