// SPDX-License-Identifier: Apache-2.0
// Open addressing with linear probing over slots of 8 bytes: 32 bits of the
// hash and the number of the entry. Probing reads slots alone until the hash
// agrees, and growing reads nothing else. The hash is XXH3 with a secret of
// this process: keys come from log lines, which attackers write. Keys lie
// behind their length in an arena of blocks that never move.
//
// An entry is a record of words: where its key lies, then its states.
//
// A table larger than the caches costs a miss each for slot, entry and key.
// keytable_find_batch has those of a whole batch under way at once.
#include "common/tally/keytable.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "common/tally/keysort.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define ARENA_FIRST   (4u << 10)
#define ARENA_BLOCK   (256u << 10)
#define HUGE_PAGE     ((uintptr_t)2 << 20)
#define SLOTS_FIRST   256u
#define RECORDS_FIRST 64u
#define NO_ENTRY      UINT32_MAX // of an empty slot
#define ENTRIES_LIMIT (UINT32_MAX / 2)
// Of 2^31 numbers in slots that are three quarters full, the longest probe is
// expected at ln(2^31) / 0.0377 = 570 slots.
#define PROBES_MAX 1024u

typedef struct slot {
    uint32_t hash;
    uint32_t number;
} slot_t;

typedef struct arena_block {
    struct arena_block *next;
    uint8_t bytes[];
} arena_block_t;

struct keytable {
    budget_t *budget;
    size_t bytes; // of slots, numbers and arena
    slot_t *slots;
    size_t n_slots;    // a power of two
    bool attacked;     // hashed with SipHash
    uint64_t *records; // n_words each
    size_t n_words;
    size_t n_entries;
    size_t records_cap;
    arena_block_t *arena;
    size_t arena_left;
    size_t arena_next; // length of the next block
    uint8_t *arena_at;
    sort_item_t *listed; // and as much room; NULL once all are sorted
    uint32_t *sorted;
    size_t n_sorted;
};

// Secrets of the process; never in any output.
static uint64_t seed;
static uint8_t sip_key[crypto_shorthash_KEYBYTES];
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void
make_seed(void)
{
    randombytes_buf(&seed, sizeof seed);
    randombytes_buf(sip_key, sizeof sip_key);
}

static uint32_t
hash_key(const keytable_t *self, span_t key)
{
    uint8_t sip[crypto_shorthash_BYTES];
    uint32_t hash;

    if (!self->attacked) {
        return (uint32_t)XXH3_64bits_withSeed(key.p, key.len, seed);
    }
    crypto_shorthash(sip, key.p, key.len, sip_key);
    memcpy(&hash, sip, sizeof hash);
    return hash;
}

static void
clear_slots(keytable_t *self)
{
    memset(self->slots, 0xff, self->n_slots * sizeof *self->slots);
}

// A pointer is kept as a word.
_Static_assert(sizeof(uintptr_t) <= sizeof(uint64_t), "word");

static bool
take(keytable_t *self, size_t more)
{
    if (!budget_take(self->budget, more)) {
        return false;
    }
    self->bytes += more;
    return true;
}

keytable_t *
keytable_new(size_t n_words, budget_t *budget)
{
    keytable_t *self = xcalloc(1, sizeof *self);

    pthread_once(&seed_once, make_seed);
    self->budget = budget;
    self->n_words = 1 + n_words;
    self->n_slots = SLOTS_FIRST;
    self->slots = xmalloc(self->n_slots * sizeof *self->slots);
    self->bytes = self->n_slots * sizeof *self->slots;
    budget_add(self->budget, self->bytes);
    clear_slots(self);
    return self;
}

void
keytable_destroy(keytable_t **self_p)
{
    keytable_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    while (self->arena != NULL) {
        arena_block_t *next = self->arena->next;
        free(self->arena);
        self->arena = next;
    }
    free(self->slots);
    free(self->records);
    free(self->listed);
    free(self->sorted);
    free(self);
    *self_p = NULL;
}

size_t
keytable_count(const keytable_t *self)
{
    return self->n_entries;
}

size_t
keytable_bytes(const keytable_t *self)
{
    return self->bytes;
}

bool
keytable_attacked(const keytable_t *self)
{
    return self->attacked;
}

static const kept_key_t *
kept_of(const keytable_t *self, size_t number)
{
    return (const void *)(uintptr_t)self->records[number * self->n_words];
}

static uint64_t *
states_of(const keytable_t *self, size_t number)
{
    return &self->records[number * self->n_words + 1];
}

static span_t
key_of(const keytable_t *self, size_t number)
{
    const kept_key_t *kept = kept_of(self, number);

    return (span_t){kept->bytes, kept->len};
}

static size_t
home_of(const keytable_t *self, uint32_t hash)
{
    return hash & (self->n_slots - 1);
}

// The slot that holds the key, or the empty one where it belongs: `i`, or one
// behind it.
static size_t
find_slot(const keytable_t *self, size_t i, uint32_t hash, span_t key)
{
    size_t mask = self->n_slots - 1;

    while (self->slots[i].number != NO_ENTRY) {
        if (self->slots[i].hash == hash &&
            span_eq(key_of(self, self->slots[i].number), key)) {
            break;
        }
        i = (i + 1) & mask;
    }
    return i;
}

static size_t
empty_slot(const keytable_t *self, uint32_t hash)
{
    size_t mask = self->n_slots - 1;
    size_t i = hash & mask;

    while (self->slots[i].number != NO_ENTRY) {
        i = (i + 1) & mask;
    }
    return i;
}

static void
put_slot(keytable_t *self, slot_t slot)
{
    self->slots[empty_slot(self, slot.hash)] = slot;
}

static void
hash_anew(keytable_t *self)
{
    self->attacked = true;
    clear_slots(self);
    for (size_t g = 0; g < self->n_entries; g++) {
        put_slot(self, (slot_t){hash_key(self, key_of(self, g)), (uint32_t)g});
    }
}

// Asks for huge pages: a large table is read here and there, and each place
// would cost a miss in the TLB too. A hint; not every system has them.
static void *
in_huge_pages(void *p, size_t len)
{
    uintptr_t begin = ((uintptr_t)p + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
    uintptr_t end = ((uintptr_t)p + len) & ~(HUGE_PAGE - 1);

    if (end > begin) {
        (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
    }
    return p;
}

static errcode_t
resize_slots(keytable_t *self, size_t n)
{
    slot_t *old = self->slots;
    size_t n_old = self->n_slots, len = n * sizeof *old;

    if (!take(self, (n - n_old) * sizeof *old)) {
        return ERR_TOO_LARGE;
    }
    self->n_slots = n;
    self->slots = in_huge_pages(xmalloc(len), len);
    clear_slots(self);
    for (size_t i = 0; i < n_old; i++) {
        if (old[i].number != NO_ENTRY) {
            put_slot(self, old[i]);
        }
    }
    free(old);
    return ERR_OK;
}

static errcode_t
resize_records(keytable_t *self, size_t n)
{
    size_t len = self->n_words * sizeof *self->records;

    if (self->n_entries >= ENTRIES_LIMIT ||
        !take(self, (n - self->records_cap) * len)) {
        return ERR_TOO_LARGE;
    }
    self->records = in_huge_pages(xrealloc(self->records, n * len), n * len);
    self->records_cap = n;
    return ERR_OK;
}

// Slots are three quarters full at most.
static size_t
slots_for(const keytable_t *self, size_t n_entries)
{
    size_t n = self->n_slots;

    while (n_entries > n / 4 * 3) {
        n *= 2;
    }
    return n;
}

static size_t
records_for(const keytable_t *self, size_t n_entries)
{
    size_t n = self->records_cap > 0 ? self->records_cap : RECORDS_FIRST;

    while (n_entries > n) {
        n *= 2;
    }
    return n;
}

// Room for n entries in all.
static errcode_t
make_room(keytable_t *self, size_t n)
{
    errcode_t rc = ERR_OK;

    if (n > self->records_cap) {
        rc = resize_records(self, records_for(self, n));
    }
    if (rc == ERR_OK && n > self->n_slots / 4 * 3) {
        rc = resize_slots(self, slots_for(self, n));
    }
    return rc;
}

void
keytable_expect(keytable_t *self, size_t n)
{
    if (n <= ENTRIES_LIMIT && make_room(self, n) != ERR_OK) {
        return; // the entry that finds no room will say so
    }
}

// Of a key in the arena. Each starts where a length may lie.
static size_t
kept_len(span_t key)
{
    size_t align = _Alignof(kept_key_t);

    return (sizeof(kept_key_t) + key.len + align - 1) & ~(align - 1);
}

static errcode_t
grow_arena(keytable_t *self, size_t len)
{
    size_t size = self->arena_next > 0 ? self->arena_next : ARENA_FIRST;

    if (len <= self->arena_left) {
        return ERR_OK;
    }
    size = len > size ? len : size;
    if (!take(self, size + sizeof(arena_block_t))) {
        return ERR_TOO_LARGE;
    }
    self->arena_next = size < ARENA_BLOCK / 2 ? size * 2 : ARENA_BLOCK;
    arena_block_t *block = xmalloc(sizeof *block + size);
    block->next = self->arena;
    self->arena = block;
    self->arena_at = block->bytes;
    self->arena_left = size;
    return ERR_OK;
}

static const kept_key_t *
keep_key(keytable_t *self, span_t key)
{
    kept_key_t *kept = (void *)self->arena_at;
    size_t len = kept_len(key);

    *kept = (kept_key_t){(uint32_t)key.len, (uint32_t)self->n_entries};
    if (key.len > 0) {
        memcpy(kept->bytes, key.p, key.len);
    }
    self->arena_at += len;
    self->arena_left -= len;
    return kept;
}

size_t
keytable_number(const keytable_t *self, const uint64_t *words)
{
    return (size_t)(words - self->records) / self->n_words;
}

uint64_t *
keytable_words(const keytable_t *self, size_t number)
{
    assert(number < self->n_entries);
    return states_of(self, number);
}

span_t
keytable_key(const keytable_t *self, size_t number)
{
    assert(number < self->n_entries);
    return key_of(self, number);
}

// The number of a key that has none yet, and belongs into the slot `i`.
static errcode_t
make_entry(
    keytable_t *self, size_t i, uint32_t hash, span_t key, uint32_t *number)
{
    size_t n_slots = self->n_slots;
    errcode_t rc;

    if (key.len > LIMIT_KEY) {
        return ERR_TOO_LARGE;
    }
    if ((rc = grow_arena(self, kept_len(key))) != ERR_OK ||
        (rc = make_room(self, self->n_entries + 1)) != ERR_OK) {
        return rc;
    }
    *number = (uint32_t)self->n_entries;
    uint64_t *record = &self->records[*number * self->n_words];
    record[0] = (uintptr_t)keep_key(self, key);
    memset(&record[1], 0, (self->n_words - 1) * sizeof *record);
    self->n_entries++;
    i = self->n_slots == n_slots ? i : empty_slot(self, hash);
    self->slots[i] = (slot_t){hash, *number};
    if (((i - hash) & (self->n_slots - 1)) > PROBES_MAX && !self->attacked) {
        hash_anew(self);
    }
    return ERR_OK;
}

// The slot is where the search begins.
static errcode_t
find_from(
    keytable_t *self, size_t slot, uint32_t hash, span_t key, uint32_t *number)
{
    slot = find_slot(self, slot, hash, key);
    *number = self->slots[slot].number;
    return *number != NO_ENTRY ? ERR_OK
                               : make_entry(self, slot, hash, key, number);
}

errcode_t
keytable_find(keytable_t *self, span_t key, uint32_t *number)
{
    uint32_t hash = hash_key(self, key);

    return find_from(self, home_of(self, hash), hash, key, number);
}

// The first slot whose hash agrees, nearly always the right one, or the empty
// one where the key belongs.
static size_t
guess_slot(const keytable_t *self, uint32_t hash)
{
    size_t mask = self->n_slots - 1;
    size_t i = hash & mask;

    while (self->slots[i].number != NO_ENTRY && self->slots[i].hash != hash) {
        i = (i + 1) & mask;
    }
    return i;
}

// Where the keys of a batch are, or may be.
typedef struct guesses {
    uint32_t hashes[TALLY_BATCH];
    uint32_t slots[TALLY_BATCH];
} guesses_t;

// Hashes, and what the batch will read, step by step; numbers[] are guesses.
static void
prefetch_batch(const keytable_t *self, const span_t *keys, size_t n,
    guesses_t *guesses, uint32_t *numbers)
{
    for (size_t i = 0; i < n; i++) {
        guesses->hashes[i] = hash_key(self, keys[i]);
        __builtin_prefetch(&self->slots[home_of(self, guesses->hashes[i])]);
    }
    for (size_t i = 0; i < n; i++) {
        size_t slot = guess_slot(self, guesses->hashes[i]);
        guesses->slots[i] = (uint32_t)slot;
        numbers[i] = self->slots[slot].number;
        if (numbers[i] != NO_ENTRY) {
            __builtin_prefetch(states_of(self, numbers[i]), 1);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (numbers[i] != NO_ENTRY) {
            const char *kept = (const void *)kept_of(self, numbers[i]);
            __builtin_prefetch(kept);
            __builtin_prefetch(kept + 64);
        }
    }
}

errcode_t
keytable_find_batch(
    keytable_t *self, const span_t *keys, size_t n, uint32_t *numbers)
{
    size_t n_slots = self->n_slots;
    bool attacked = self->attacked;
    guesses_t g;
    errcode_t rc = ERR_OK;

    assert(n <= TALLY_BATCH);
    prefetch_batch(self, keys, n, &g, numbers);
    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        if (numbers[i] != NO_ENTRY &&
            span_eq(key_of(self, numbers[i]), keys[i])) {
            continue;
        }
        // Slots stay where they are until there are more, or other hashes.
        rc =
            self->n_slots == n_slots && self->attacked == attacked
                ? find_from(self, g.slots[i], g.hashes[i], keys[i], &numbers[i])
                : keytable_find(self, keys[i], &numbers[i]);
    }
    return rc;
}

tally_entry_t
keytable_entry(const keytable_t *self, size_t g)
{
    return (tally_entry_t){key_of(self, g), states_of(self, g)};
}

void
keytable_entries(const keytable_t *self, const uint32_t *numbers, size_t n,
    tally_entry_t *out)
{
    assert(n <= TALLY_BATCH);
    for (size_t i = 0; i < n; i++) {
        __builtin_prefetch(states_of(self, numbers[i]));
    }
    for (size_t i = 0; i < n; i++) {
        __builtin_prefetch(kept_of(self, numbers[i]));
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = keytable_entry(self, numbers[i]);
    }
}

unsigned
tally_part(span_t key, unsigned n_parts)
{
    return (unsigned)XXH3_64bits(key.p, key.len) & (n_parts - 1);
}

// The room is used up.
static void
list_parts(const keytable_t *self, unsigned n_parts, size_t *ends,
    sort_item_t *items, sort_item_t *room)
{
    size_t places[TALLY_PARTS] = {0};
    size_t sum = 0;

    for (size_t g = 0; g < self->n_entries; g++) {
        unsigned part = n_parts > 1 ? tally_part(key_of(self, g), n_parts) : 0;
        room[g] = (sort_item_t){part, kept_of(self, g)};
        places[part]++;
    }
    for (unsigned p = 0; p < n_parts; p++) {
        sum += places[p];
        ends[p] = sum;
        places[p] = sum - places[p];
    }
    for (size_t g = 0; g < self->n_entries; g++) {
        items[places[room[g].word]++] = room[g];
    }
}

void
keytable_list(keytable_t *self, unsigned n_parts, size_t ends[TALLY_PARTS])
{
    size_t n = self->n_entries;

    assert(n_parts > 0 && n_parts <= TALLY_PARTS);
    free(self->listed);
    self->listed = xmalloc((2 * n + 1) * sizeof *self->listed);
    self->sorted = xrealloc(self->sorted, (n + 1) * sizeof *self->sorted);
    self->n_sorted = 0;
    list_parts(self, n_parts, ends, self->listed, self->listed + n);
}

const uint32_t *
keytable_sort_next(keytable_t *self, size_t end)
{
    size_t begin = self->n_sorted;
    sort_item_t *listed = self->listed;

    assert(listed != NULL && begin <= end && end <= self->n_entries);
    keysort(listed + begin, listed + self->n_entries, end - begin);
    for (size_t i = begin; i < end; i++) {
        self->sorted[i] = listed[i].key->number;
    }
    self->n_sorted = end;
    if (end == self->n_entries) {
        free(self->listed);
        self->listed = NULL;
    }
    return self->sorted + begin;
}
