// SPDX-License-Identifier: Apache-2.0
// Open addressing with linear probing over slots of 8 bytes: 32 bits of the
// hash and the number of the group. Probing reads slots alone until the hash
// agrees, and growing reads nothing else. The hash is XXH3 with a secret of
// this process: keys come from log lines, which attackers write. Keys lie
// behind their length in an arena of blocks that never move.
//
// A group is a record of words: where its key lies, then its states.
//
// A table larger than the caches costs a miss each for slot, group and key.
// tally_groups_find has those of a whole batch under way at once.
#include "common/tally/tally.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "common/tally/keysort.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define ARENA_FIRST  (4u << 10)
#define ARENA_BLOCK  (256u << 10)
#define SLOTS_FIRST  256u
#define NO_GROUP     UINT32_MAX // of an empty slot
#define GROUPS_LIMIT (UINT32_MAX / 2)
// Of 2^31 groups in slots that are three quarters full, the longest probe is
// expected at ln(2^31) / 0.0377 = 570 slots.
#define PROBES_MAX 1024u

typedef struct slot {
    uint32_t hash;
    uint32_t group;
} slot_t;

typedef struct arena_block {
    struct arena_block *next;
    uint8_t bytes[];
} arena_block_t;

struct tally {
    const query_t *query;
    tally_budget_t *budget;
    tally_budget_t own; // unless it is shared
    size_t bytes;       // of slots, groups and arena
    slot_t *slots;
    size_t n_slots;      // a power of two
    bool attacked;       // hashed with SipHash
    agg_state_t *groups; // n_words each
    size_t n_words;
    size_t *places; // of each aggregate's state, in words behind the key
    size_t n_groups;
    size_t groups_cap;
    arena_block_t *arena;
    size_t arena_left;
    size_t arena_next; // length of the next block
    uint8_t *arena_at;
    uint32_t *sorted;
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
hash_key(const tally_t *self, span_t key)
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
clear_slots(tally_t *self)
{
    memset(self->slots, 0xff, self->n_slots * sizeof *self->slots);
}

// A pointer is kept as a word.
_Static_assert(sizeof(uintptr_t) <= sizeof(agg_state_t), "word");

static void
place_states(tally_t *self)
{
    self->places = xcalloc(self->query->n_aggs + 1, sizeof *self->places);
    self->n_words = 1;
    for (size_t i = 0; i < self->query->n_aggs; i++) {
        self->places[i] = self->n_words - 1;
        self->n_words += agg_words(self->query->aggs[i].func);
    }
}

static bool
take(tally_t *self, size_t more)
{
    tally_budget_t *budget = self->budget;
    size_t used = atomic_fetch_add(&budget->used, more);

    if (used > budget->limit || more > budget->limit - used) {
        atomic_fetch_sub(&budget->used, more);
        return false;
    }
    self->bytes += more;
    return true;
}

static tally_t *
make_tally(const query_t *query, tally_budget_t *shared, size_t budget)
{
    tally_t *self = xcalloc(1, sizeof *self);

    pthread_once(&seed_once, make_seed);
    self->query = query;
    self->own.limit = budget;
    self->budget = shared != NULL ? shared : &self->own;
    self->n_slots = SLOTS_FIRST;
    self->slots = xmalloc(self->n_slots * sizeof *self->slots);
    self->bytes = self->n_slots * sizeof *self->slots;
    atomic_fetch_add(&self->budget->used, self->bytes);
    clear_slots(self);
    place_states(self);
    return self;
}

tally_t *
tally_new(const query_t *query, size_t budget)
{
    return make_tally(query, NULL, budget);
}

tally_t *
tally_new_sharing(const query_t *query, tally_budget_t *budget)
{
    return make_tally(query, budget, 0);
}

void
tally_destroy(tally_t **self_p)
{
    tally_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    while (self->arena != NULL) {
        arena_block_t *next = self->arena->next;
        free(self->arena);
        self->arena = next;
    }
    free(self->slots);
    free(self->groups);
    free(self->places);
    free(self->sorted);
    free(self);
    *self_p = NULL;
}

const query_t *
tally_query(const tally_t *self)
{
    return self->query;
}

size_t
tally_groups(const tally_t *self)
{
    return self->n_groups;
}

size_t
tally_bytes(const tally_t *self)
{
    return self->bytes;
}

static const kept_key_t *
kept_of(const tally_t *self, size_t group)
{
    return (const void *)(uintptr_t)self->groups[group * self->n_words];
}

static agg_state_t *
states_of(const tally_t *self, size_t group)
{
    return &self->groups[group * self->n_words + 1];
}

static span_t
key_of(const tally_t *self, size_t group)
{
    const kept_key_t *kept = kept_of(self, group);

    return (span_t){kept->bytes, kept->len};
}

// The slot that holds the key, or the empty one where it belongs.
static size_t
find_slot(const tally_t *self, uint32_t hash, span_t key)
{
    size_t mask = self->n_slots - 1;
    size_t i = hash & mask;

    while (self->slots[i].group != NO_GROUP) {
        if (self->slots[i].hash == hash &&
            span_eq(key_of(self, self->slots[i].group), key)) {
            break;
        }
        i = (i + 1) & mask;
    }
    return i;
}

// Returns how many slots were passed over.
static size_t
put_slot(tally_t *self, slot_t slot)
{
    size_t mask = self->n_slots - 1;
    size_t i = slot.hash & mask;
    size_t probes = 0;

    for (; self->slots[i].group != NO_GROUP; probes++) {
        i = (i + 1) & mask;
    }
    self->slots[i] = slot;
    return probes;
}

static void
hash_anew(tally_t *self)
{
    self->attacked = true;
    clear_slots(self);
    for (size_t g = 0; g < self->n_groups; g++) {
        put_slot(self, (slot_t){hash_key(self, key_of(self, g)), (uint32_t)g});
    }
}

// Doubles the slots once they are three quarters full.
static errcode_t
grow_slots(tally_t *self)
{
    slot_t *old = self->slots;
    size_t n = self->n_slots;

    if (self->n_groups < n / 4 * 3) {
        return ERR_OK;
    }
    if (!take(self, n * sizeof *old)) {
        return ERR_TOO_LARGE;
    }
    self->n_slots = n * 2;
    self->slots = xmalloc(self->n_slots * sizeof *self->slots);
    clear_slots(self);
    for (size_t i = 0; i < n; i++) {
        if (old[i].group != NO_GROUP) {
            put_slot(self, old[i]);
        }
    }
    free(old);
    return ERR_OK;
}

static errcode_t
grow_groups(tally_t *self)
{
    size_t n = self->groups_cap > 0 ? self->groups_cap * 2 : 64;
    size_t len = self->n_words * sizeof *self->groups;
    size_t more = (n - self->groups_cap) * len;

    if (self->n_groups < self->groups_cap) {
        return ERR_OK;
    }
    if (self->n_groups >= GROUPS_LIMIT || !take(self, more)) {
        return ERR_TOO_LARGE;
    }
    self->groups = xrealloc(self->groups, n * len);
    self->groups_cap = n;
    return ERR_OK;
}

// Of a key in the arena. Each starts where a length may lie.
static size_t
kept_len(span_t key)
{
    size_t align = _Alignof(kept_key_t);

    return (sizeof(kept_key_t) + key.len + align - 1) & ~(align - 1);
}

static errcode_t
grow_arena(tally_t *self, size_t len)
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
keep_key(tally_t *self, span_t key)
{
    kept_key_t *kept = (void *)self->arena_at;
    size_t len = kept_len(key);

    *kept = (kept_key_t){(uint32_t)key.len, (uint32_t)self->n_groups};
    if (key.len > 0) {
        memcpy(kept->bytes, key.p, key.len);
    }
    self->arena_at += len;
    self->arena_left -= len;
    return kept;
}

size_t
tally_number(const tally_t *self, const agg_state_t *states)
{
    return (size_t)(states - self->groups) / self->n_words;
}

agg_state_t *
tally_states(tally_t *self, size_t number)
{
    assert(number < self->n_groups);
    return states_of(self, number);
}

agg_state_t *
tally_state(const tally_t *self, agg_state_t *states, size_t agg)
{
    assert(agg < self->query->n_aggs);
    return &states[self->places[agg]];
}

// The group of a key that has none yet.
static errcode_t
make_group(tally_t *self, uint32_t hash, span_t key, uint32_t *group)
{
    errcode_t rc;

    if (key.len > LIMIT_KEY) {
        return ERR_TOO_LARGE;
    }
    if ((rc = grow_groups(self)) != ERR_OK ||
        (rc = grow_arena(self, kept_len(key))) != ERR_OK ||
        (rc = grow_slots(self)) != ERR_OK) {
        return rc;
    }
    *group = (uint32_t)self->n_groups;
    agg_state_t *record = &self->groups[*group * self->n_words];
    record[0] = (uintptr_t)keep_key(self, key);
    memset(&record[1], 0, (self->n_words - 1) * sizeof *record);
    self->n_groups++;
    size_t probes = put_slot(self, (slot_t){hash, *group});
    if (probes > PROBES_MAX && !self->attacked) {
        hash_anew(self);
    }
    return ERR_OK;
}

static errcode_t
find_group(tally_t *self, span_t key, uint32_t *group)
{
    uint32_t hash = hash_key(self, key);

    *group = self->slots[find_slot(self, hash, key)].group;
    return *group != NO_GROUP ? ERR_OK : make_group(self, hash, key, group);
}

errcode_t
tally_group(tally_t *self, span_t key, agg_state_t **states)
{
    uint32_t group;
    errcode_t rc = find_group(self, key, &group);

    if (rc == ERR_OK) {
        *states = states_of(self, group);
    }
    return rc;
}

// The first group whose hash agrees: nearly always the right one.
static uint32_t
guess_group(const tally_t *self, uint32_t hash)
{
    size_t mask = self->n_slots - 1;
    size_t i = hash & mask;

    while (self->slots[i].group != NO_GROUP && self->slots[i].hash != hash) {
        i = (i + 1) & mask;
    }
    return self->slots[i].group;
}

// Hashes, and what the batch will read, step by step; groups[] are guesses.
static void
prefetch_batch(const tally_t *self, const span_t *keys, size_t n,
    uint32_t *hashes, uint32_t *groups)
{
    for (size_t i = 0; i < n; i++) {
        hashes[i] = hash_key(self, keys[i]);
        __builtin_prefetch(&self->slots[hashes[i] & (self->n_slots - 1)]);
    }
    for (size_t i = 0; i < n; i++) {
        groups[i] = guess_group(self, hashes[i]);
        if (groups[i] != NO_GROUP) {
            __builtin_prefetch(states_of(self, groups[i]), 1);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (groups[i] != NO_GROUP) {
            __builtin_prefetch(kept_of(self, groups[i]));
        }
    }
}

errcode_t
tally_groups_find(tally_t *self, const span_t *keys, size_t n, uint32_t *groups)
{
    uint32_t hashes[TALLY_BATCH];
    errcode_t rc = ERR_OK;

    assert(n <= TALLY_BATCH);
    prefetch_batch(self, keys, n, hashes, groups);
    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        if (groups[i] == NO_GROUP ||
            !span_eq(key_of(self, groups[i]), keys[i])) {
            rc = find_group(self, keys[i], &groups[i]);
        }
    }
    return rc;
}

tally_entry_t
tally_entry(const tally_t *self, size_t g)
{
    return (tally_entry_t){key_of(self, g), states_of(self, g)};
}

void
tally_entries(
    const tally_t *self, const uint32_t *numbers, size_t n, tally_entry_t *out)
{
    assert(n <= TALLY_BATCH);
    for (size_t i = 0; i < n; i++) {
        __builtin_prefetch(states_of(self, numbers[i]));
    }
    for (size_t i = 0; i < n; i++) {
        __builtin_prefetch(kept_of(self, numbers[i]));
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = tally_entry(self, numbers[i]);
    }
}

unsigned
tally_part(span_t key, unsigned n_parts)
{
    return (unsigned)XXH3_64bits(key.p, key.len) & (n_parts - 1);
}

// Lists the groups by part; ends[] as in tally_sorted. The room is used up.
static void
list_parts(const tally_t *self, unsigned n_parts, size_t *ends,
    sort_item_t *items, sort_item_t *room)
{
    size_t places[TALLY_PARTS] = {0};
    size_t sum = 0;

    for (size_t g = 0; g < self->n_groups; g++) {
        unsigned part = n_parts > 1 ? tally_part(key_of(self, g), n_parts) : 0;
        room[g] = (sort_item_t){part, kept_of(self, g)};
        places[part]++;
    }
    for (unsigned p = 0; p < n_parts; p++) {
        sum += places[p];
        ends[p] = sum;
        places[p] = sum - places[p];
    }
    for (size_t g = 0; g < self->n_groups; g++) {
        items[places[room[g].word]++] = room[g];
    }
}

const uint32_t *
tally_sorted(tally_t *self, unsigned n_parts, size_t ends[TALLY_PARTS])
{
    sort_item_t *items = xmalloc((2 * self->n_groups + 1) * sizeof *items);
    sort_item_t *room = items + self->n_groups;

    assert(n_parts > 0 && n_parts <= TALLY_PARTS);
    list_parts(self, n_parts, ends, items, room);
    for (size_t p = 0, begin = 0; p < n_parts; begin = ends[p++]) {
        keysort(items + begin, room, ends[p] - begin);
    }
    self->sorted =
        xrealloc(self->sorted, (self->n_groups + 1) * sizeof *self->sorted);
    for (size_t g = 0; g < self->n_groups; g++) {
        self->sorted[g] = items[g].key->group;
    }
    free(items);
    return self->sorted;
}
