// SPDX-License-Identifier: Apache-2.0
// Open addressing with linear probing over indexes into a dense array of
// groups. Each group keeps its full hash, so growing never hashes a key
// again and probing compares keys only where hashes agree. The hash is XXH3
// with a secret of this process: keys come from log lines, which attackers
// write. Keys lie in an arena of blocks that never move.
#include "common/tally/tally.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define ARENA_BLOCK  (256u << 10)
#define SLOTS_FIRST  256u
#define SLOT_EMPTY   UINT32_MAX
#define GROUPS_LIMIT (UINT32_MAX / 2)

typedef struct group {
    uint64_t hash;
    span_t key;
} group_t;

typedef struct arena_block {
    struct arena_block *next;
    uint8_t bytes[];
} arena_block_t;

struct tally {
    const query_t *query;
    size_t budget;
    size_t bytes; // of slots, groups, states and arena
    uint32_t *slots;
    size_t n_slots; // a power of two
    group_t *groups;
    agg_state_t *states; // n_aggs per group
    size_t n_groups;
    size_t groups_cap;
    arena_block_t *arena;
    size_t arena_left;
    uint8_t *arena_at;
    tally_entry_t *sorted;
};

// One seed for the process; never in any output.
static uint64_t seed;
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void
make_seed(void)
{
    randombytes_buf(&seed, sizeof seed);
}

static uint64_t
hash_key(span_t key)
{
    return XXH3_64bits_withSeed(key.p, key.len, seed);
}

static void
clear_slots(tally_t *self)
{
    memset(self->slots, 0xff, self->n_slots * sizeof *self->slots);
}

tally_t *
tally_new(const query_t *query, size_t budget)
{
    tally_t *self = xcalloc(1, sizeof *self);

    pthread_once(&seed_once, make_seed);
    self->query = query;
    self->budget = budget;
    self->n_slots = SLOTS_FIRST;
    self->slots = xmalloc(self->n_slots * sizeof *self->slots);
    self->bytes = self->n_slots * sizeof *self->slots;
    clear_slots(self);
    return self;
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
    free(self->states);
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

static bool
may_take(const tally_t *self, size_t more)
{
    return self->bytes <= self->budget && more <= self->budget - self->bytes;
}

// The slot that holds the key, or the empty one where it belongs.
static size_t
find_slot(const tally_t *self, uint64_t hash, span_t key)
{
    size_t mask = self->n_slots - 1;
    size_t i = hash & mask;

    while (self->slots[i] != SLOT_EMPTY) {
        const group_t *g = &self->groups[self->slots[i]];
        if (g->hash == hash && span_eq(g->key, key)) {
            break;
        }
        i = (i + 1) & mask;
    }
    return i;
}

// Doubles the slots once they are three quarters full.
static errcode_t
grow_slots(tally_t *self)
{
    size_t n = self->n_slots * 2;
    size_t more = self->n_slots * sizeof *self->slots;

    if (self->n_groups < self->n_slots / 4 * 3) {
        return ERR_OK;
    }
    if (!may_take(self, more)) {
        return ERR_TOO_LARGE;
    }
    self->slots = xrealloc(self->slots, n * sizeof *self->slots);
    self->n_slots = n;
    self->bytes += more;
    clear_slots(self);
    for (size_t g = 0; g < self->n_groups; g++) {
        size_t i = self->groups[g].hash & (n - 1);
        while (self->slots[i] != SLOT_EMPTY) {
            i = (i + 1) & (n - 1);
        }
        self->slots[i] = (uint32_t)g;
    }
    return ERR_OK;
}

static errcode_t
grow_groups(tally_t *self)
{
    size_t n = self->groups_cap > 0 ? self->groups_cap * 2 : 64;
    size_t state_len = self->query->n_aggs * sizeof *self->states;
    size_t more = (n - self->groups_cap) * (sizeof *self->groups + state_len);

    if (self->n_groups < self->groups_cap) {
        return ERR_OK;
    }
    if (self->n_groups >= GROUPS_LIMIT || !may_take(self, more)) {
        return ERR_TOO_LARGE;
    }
    self->groups = xrealloc(self->groups, n * sizeof *self->groups);
    self->states = xrealloc(self->states, n * state_len);
    self->groups_cap = n;
    self->bytes += more;
    return ERR_OK;
}

static errcode_t
grow_arena(tally_t *self, size_t len)
{
    size_t size = len > ARENA_BLOCK ? len : ARENA_BLOCK;

    if (len <= self->arena_left) {
        return ERR_OK;
    }
    if (!may_take(self, size + sizeof(arena_block_t))) {
        return ERR_TOO_LARGE;
    }
    arena_block_t *block = xmalloc(sizeof *block + size);
    block->next = self->arena;
    self->arena = block;
    self->arena_at = block->bytes;
    self->arena_left = size;
    self->bytes += size + sizeof *block;
    return ERR_OK;
}

static span_t
keep_key(tally_t *self, span_t key)
{
    span_t kept = {self->arena_at, key.len};

    if (key.len > 0) {
        memcpy(self->arena_at, key.p, key.len);
        self->arena_at += key.len;
        self->arena_left -= key.len;
    }
    return kept;
}

static agg_state_t *
states_of(const tally_t *self, size_t group)
{
    return self->states + group * self->query->n_aggs;
}

size_t
tally_number(const tally_t *self, const agg_state_t *states)
{
    return (size_t)(states - self->states) / self->query->n_aggs;
}

agg_state_t *
tally_states(tally_t *self, size_t number)
{
    assert(number < self->n_groups);
    return states_of(self, number);
}

errcode_t
tally_group(tally_t *self, span_t key, agg_state_t **states)
{
    uint64_t hash = hash_key(key);
    size_t slot = find_slot(self, hash, key);
    errcode_t rc;

    if (self->slots[slot] != SLOT_EMPTY) {
        *states = states_of(self, self->slots[slot]);
        return ERR_OK;
    }
    if (key.len > LIMIT_KEY) {
        return ERR_TOO_LARGE;
    }
    if ((rc = grow_groups(self)) != ERR_OK ||
        (rc = grow_arena(self, key.len)) != ERR_OK ||
        (rc = grow_slots(self)) != ERR_OK) {
        return rc;
    }
    slot = find_slot(self, hash, key);
    size_t g = self->n_groups++;
    self->groups[g] = (group_t){hash, keep_key(self, key)};
    self->slots[slot] = (uint32_t)g;
    *states = states_of(self, g);
    memset(*states, 0, self->query->n_aggs * sizeof **states);
    return ERR_OK;
}

static int
by_key(const void *a, const void *b)
{
    const tally_entry_t *x = a;
    const tally_entry_t *y = b;

    return span_cmp(x->key, y->key);
}

tally_entry_t
tally_entry(const tally_t *self, size_t g)
{
    return (tally_entry_t){self->groups[g].key, states_of(self, g)};
}

const tally_entry_t *
tally_sorted(tally_t *self, size_t *n)
{
    *n = self->n_groups;
    self->sorted =
        xrealloc(self->sorted, (self->n_groups + 1) * sizeof *self->sorted);
    for (size_t g = 0; g < self->n_groups; g++) {
        self->sorted[g] = tally_entry(self, g);
    }
    if (self->n_groups > 1) {
        qsort(self->sorted, self->n_groups, sizeof *self->sorted, by_key);
    }
    return self->sorted;
}
