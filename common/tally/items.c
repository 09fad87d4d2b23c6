// SPDX-License-Identifier: Apache-2.0
#include "common/tally/items_inside.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "common/tally/registers.h"
#include "common/tally/rising.h"
#include "common/tally/sketch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define REGISTER_WORDS (REGISTERS_BLOCK / sizeof(uint64_t))

struct items {
    const query_agg_t *agg;
    keytable_t *table;
    buf_t key; // reused
    // Keys that wait to be looked up, behind one another.
    buf_t later;
    size_t ends[TALLY_BATCH];
    size_t n_later;
    // What items_list found: those of group g are order[begins[g]] to
    // order[begins[g + 1] - 1], as they rise.
    const uint32_t *order;
    size_t *begins;
};

bool
items_has(agg_func_t func)
{
    return func == AGG_DISTINCT || func == AGG_DISTINCT_ABOUT ||
           func == AGG_QUANTILE;
}

items_t *
items_new(const query_agg_t *agg, budget_t *budget)
{
    items_t *self = xcalloc(1, sizeof *self);
    size_t words = agg->func == AGG_DISTINCT         ? 0
                   : agg->func == AGG_DISTINCT_ABOUT ? REGISTER_WORDS
                                                     : 1;

    assert(items_has(agg->func));
    self->agg = agg;
    self->table = keytable_new(words, budget);
    return self;
}

void
items_destroy(items_t **self_p)
{
    items_t *self = *self_p;

    if (self != NULL) {
        keytable_destroy(&self->table);
        buf_fini(&self->key);
        buf_fini(&self->later);
        free(self->begins);
        free(self);
        *self_p = NULL;
    }
}

size_t
items_bytes(const items_t *self)
{
    return keytable_bytes(self->table);
}

// Items of a group rise as their keys do: numbers have their high byte first.
static void
put_group(uint32_t group, buf_t *out)
{
    const uint8_t bytes[ITEMS_GROUP_LEN] = {(uint8_t)(group >> 24),
        (uint8_t)(group >> 16), (uint8_t)(group >> 8), (uint8_t)group};

    buf_put(out, bytes, sizeof bytes);
}

static void
begin_key(items_t *self, uint32_t group)
{
    buf_clear(&self->key);
    put_group(group, &self->key);
}

static void
put_bucket(items_t *self, int bucket)
{
    unsigned biased = (unsigned)(bucket + SKETCH_BUCKETS);

    buf_put_u8(&self->key, (uint8_t)(biased >> 8));
    buf_put_u8(&self->key, (uint8_t)biased);
}

static int
get_bucket(span_t item)
{
    return (item.p[0] << 8 | item.p[1]) - SKETCH_BUCKETS;
}

static errcode_t
find(items_t *self, uint64_t *state, uint64_t **words)
{
    size_t before = keytable_count(self->table);
    uint32_t number;
    errcode_t rc = keytable_find(self->table, buf_span(&self->key), &number);

    if (rc == ERR_OK) {
        *state += keytable_count(self->table) - before;
        *words = keytable_words(self->table, number);
    }
    return rc;
}

static void
add_count(uint64_t *to, uint64_t n)
{
    if (__builtin_add_overflow(*to, n, to)) {
        *to = UINT64_MAX; // an error by the time it is a result
    }
}

static errcode_t
add_bucket(
    items_t *self, uint32_t group, int bucket, uint64_t n, uint64_t *state)
{
    uint64_t *words;

    begin_key(self, group);
    put_bucket(self, bucket);
    errcode_t rc = find(self, state, &words);
    if (rc == ERR_OK) {
        add_count(words, n);
    }
    return rc;
}

static errcode_t
add_about(items_t *self, uint32_t group, const cell_t *value, uint64_t *state)
{
    uint64_t *words;

    buf_clear(&self->key);
    cell_encode(value, &self->key);
    registers_place_t place = registers_place(buf_span(&self->key));
    begin_key(self, group);
    buf_put_u8(&self->key, place.block);
    errcode_t rc = find(self, state, &words);
    if (rc == ERR_OK) {
        uint8_t *rank = (uint8_t *)words + place.at;
        *rank = place.rank > *rank ? place.rank : *rank;
    }
    return rc;
}

errcode_t
items_add(items_t *self, uint32_t group, const cell_t *value, uint64_t *state)
{
    uint64_t *words;

    if (self->agg->func == AGG_QUANTILE) {
        int bucket = sketch_bucket(value->number);
        return add_bucket(self, group, bucket, 1, state);
    }
    if (self->agg->func == AGG_DISTINCT_ABOUT) {
        return add_about(self, group, value, state);
    }
    begin_key(self, group);
    cell_encode(value, &self->key);
    return find(self, state, &words);
}

static uint32_t
group_of(span_t key)
{
    return (uint32_t)key.p[0] << 24 | (uint32_t)key.p[1] << 16 |
           (uint32_t)key.p[2] << 8 | key.p[3];
}

bool
items_later(items_t *self, uint32_t group, const cell_t *value)
{
    assert(self->agg->func == AGG_DISTINCT && self->n_later < TALLY_BATCH);
    put_group(group, &self->later);
    cell_encode(value, &self->later);
    self->ends[self->n_later++] = self->later.len;
    return self->n_later == TALLY_BATCH;
}

// Looks up the keys that wait. They stay, and wait no more.
static errcode_t
find_waiting(items_t *self, span_t *keys, uint32_t *numbers, size_t *n)
{
    size_t begin = 0;

    for (size_t i = 0; i < self->n_later; i++) {
        keys[i] = (span_t){self->later.p + begin, self->ends[i] - begin};
        begin = self->ends[i];
    }
    *n = self->n_later;
    self->n_later = 0;
    buf_clear(&self->later);
    return keytable_find_batch(self->table, keys, *n, numbers);
}

// Entries are numbered as they are made, so a new one has the next number.
errcode_t
items_settle(items_t *self, uint32_t *groups, size_t *n)
{
    uint32_t numbers[TALLY_BATCH];
    span_t keys[TALLY_BATCH];
    size_t next = keytable_count(self->table), waited;
    errcode_t rc = find_waiting(self, keys, numbers, &waited);

    *n = 0;
    for (size_t i = 0; rc == ERR_OK && i < waited; i++) {
        if (numbers[i] == next) {
            groups[(*n)++] = group_of(keys[i]);
            next++;
        }
    }
    return rc;
}

void
items_list(items_t *self, size_t n_groups)
{
    size_t n = keytable_count(self->table), ends[TALLY_PARTS], at = 0;

    assert(self->n_later == 0);
    keytable_list(self->table, 1, ends);
    self->order = keytable_sort_next(self->table, n);
    self->begins =
        xrealloc(self->begins, (n_groups + 1) * sizeof *self->begins);
    for (size_t g = 0; g <= n_groups; g++) {
        while (at < n &&
               group_of(keytable_key(self->table, self->order[at])) < g) {
            at++;
        }
        self->begins[g] = at;
    }
}

// The i-th item as listed, without its group.
static span_t
item_at(const items_t *self, size_t i, const uint64_t **words)
{
    tally_entry_t entry = keytable_entry(self->table, self->order[i]);

    *words = entry.states;
    return (span_t){
        entry.key.p + ITEMS_GROUP_LEN, entry.key.len - ITEMS_GROUP_LEN};
}

static void
put_registers(uint8_t block, const uint64_t *words, buf_t *out)
{
    const uint8_t *ranks = (const uint8_t *)words;
    uint64_t seen = 0;

    for (unsigned i = 0; i < REGISTERS_BLOCK; i++) {
        seen |= (uint64_t)(ranks[i] > 0) << i;
    }
    buf_put_u8(out, block);
    buf_put_u64(out, seen);
    for (unsigned i = 0; i < REGISTERS_BLOCK; i++) {
        if (ranks[i] > 0) {
            buf_put_u8(out, ranks[i]);
        }
    }
}

void
items_encode(const items_t *self, uint32_t group, buf_t *out)
{
    size_t begin = self->begins[group], end = self->begins[group + 1];
    span_t previous = {0};

    buf_put_varint(out, end - begin);
    for (size_t i = begin; i < end; i++) {
        const uint64_t *words;
        span_t item = item_at(self, i, &words);
        if (self->agg->func == AGG_DISTINCT) {
            rising_put(previous, item, out);
            previous = item;
        } else if (self->agg->func == AGG_DISTINCT_ABOUT) {
            put_registers(item.p[0], words, out);
        } else {
            buf_put_zigzag(out, get_bucket(item));
            buf_put_varint(out, *words);
        }
    }
}

static uint64_t
estimate(const items_t *self, size_t begin, size_t end)
{
    uint32_t counts[REGISTERS_RANKS] = {REGISTERS_BLOCKS * REGISTERS_BLOCK};
    const uint64_t *words;

    for (size_t i = begin; i < end; i++) {
        item_at(self, i, &words);
        const uint8_t *ranks = (const uint8_t *)words;
        for (unsigned k = 0; k < REGISTERS_BLOCK; k++) {
            counts[0]--;
            counts[ranks[k]]++;
        }
    }
    return registers_estimate(counts);
}

static bool
is_whole(const expr_t *e)
{
    return e->type == TYPE_INTEGER ||
           (e->type == TYPE_SIZE && e->kind == EXPR_FIELD);
}

static errcode_t
quantile(const items_t *self, size_t begin, size_t end, cell_t *out)
{
    uint64_t n = 0, passed = 0;
    const uint64_t *words;
    size_t i;

    for (i = begin; i < end; i++) {
        item_at(self, i, &words);
        add_count(&n, *words);
    }
    if (n == UINT64_MAX) {
        return ERR_OVERFLOW;
    }
    if (n == 0) {
        return ERR_OK;
    }
    uint64_t rank = sketch_rank(self->agg->quantile, n);
    for (i = begin;; i++) {
        span_t item = item_at(self, i, &words);
        passed += *words;
        if (passed > rank) {
            out->kind = CELL_NUMBER;
            out->number =
                sketch_value(get_bucket(item), is_whole(self->agg->arg));
            return ERR_OK;
        }
    }
}

errcode_t
items_value(const items_t *self, uint32_t group, cell_t *out)
{
    size_t begin = self->begins[group], end = self->begins[group + 1];

    *out = (cell_t){.kind = CELL_MISSING};
    if (self->agg->func == AGG_QUANTILE) {
        return quantile(self, begin, end, out);
    }
    out->kind = CELL_NUMBER;
    out->number = DEC_INT(estimate(self, begin, end));
    return ERR_OK;
}

// The key has the item before this one already, or the group alone.
static errcode_t
merge_value(items_t *self, rd_t *r, uint64_t *state)
{
    span_t previous = {
        self->key.p + ITEMS_GROUP_LEN, self->key.len - ITEMS_GROUP_LEN};
    span_t rest;
    size_t shared = 0;
    uint64_t *words;
    errcode_t rc = rising_get(r, previous, previous.len == 0, &shared, &rest);

    if (rc == ERR_OK) {
        self->key.len = ITEMS_GROUP_LEN + shared;
        buf_put_span(&self->key, rest);
        rc = find(self, state, &words);
    }
    return rc;
}

static errcode_t
merge_registers(items_t *self, rd_t *r, uint32_t group, uint64_t *state)
{
    registers_t more = {0};
    uint64_t *words;
    errcode_t rc = items_get_registers(r, -1, &more);

    begin_key(self, group);
    buf_put_u8(&self->key, more.block);
    rc = rc != ERR_OK ? rc : find(self, state, &words);
    if (rc != ERR_OK) {
        return rc;
    }
    uint8_t *ranks = (uint8_t *)words;
    for (size_t i = 0; more.seen != 0; i++, more.seen &= more.seen - 1) {
        int at = __builtin_ctzll(more.seen);
        uint8_t rank = more.ranks.p[i];
        ranks[at] = rank > ranks[at] ? rank : ranks[at];
    }
    return ERR_OK;
}

static errcode_t
merge_bucket(items_t *self, rd_t *r, uint32_t group, uint64_t *state)
{
    int bucket = 0;
    uint64_t n = 0;
    errcode_t rc = items_get_counted(r, &bucket, &n);

    return rc != ERR_OK ? rc : add_bucket(self, group, bucket, n, state);
}

errcode_t
items_merge(items_t *self, uint32_t group, rd_t *r, uint64_t *state)
{
    uint64_t n = 0;
    errcode_t rc = rd_varint(r, &n);

    begin_key(self, group);
    for (uint64_t i = 0; rc == ERR_OK && i < n; i++) {
        rc = self->agg->func == AGG_DISTINCT ? merge_value(self, r, state)
             : self->agg->func == AGG_DISTINCT_ABOUT
                 ? merge_registers(self, r, group, state)
                 : merge_bucket(self, r, group, state);
    }
    return rc;
}

// What the words of an item say, to those of the same one here.
static void
fold_words(agg_func_t func, uint64_t *to, const uint64_t *from)
{
    uint8_t *ranks = (uint8_t *)to;
    const uint8_t *more = (const uint8_t *)from;

    if (func == AGG_QUANTILE) {
        add_count(to, *from);
    }
    for (size_t i = 0; func == AGG_DISTINCT_ABOUT && i < REGISTERS_BLOCK; i++) {
        ranks[i] = more[i] > ranks[i] ? more[i] : ranks[i];
    }
}

// Items of one batch, which wait under their new groups.
static errcode_t
fold_some(items_t *self, const tally_entry_t *from,
    void (*grow)(void *ctx, uint32_t group, uint64_t more), void *ctx)
{
    uint32_t numbers[TALLY_BATCH];
    span_t keys[TALLY_BATCH];
    size_t next = keytable_count(self->table), n;
    errcode_t rc = find_waiting(self, keys, numbers, &n);

    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        if (numbers[i] == next) {
            grow(ctx, group_of(keys[i]), 1);
            next++;
        }
        fold_words(self->agg->func, keytable_words(self->table, numbers[i]),
            from[i].states);
    }
    return rc;
}

errcode_t
items_fold(items_t *self, const items_t *from, const uint32_t *groups,
    void (*grow)(void *ctx, uint32_t group, uint64_t more), void *ctx)
{
    size_t n = keytable_count(from->table);
    tally_entry_t waiting[TALLY_BATCH];
    errcode_t rc = ERR_OK;

    assert(self->agg->func == from->agg->func && self->n_later == 0);
    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        tally_entry_t entry = keytable_entry(from->table, i);
        uint32_t group = groups[group_of(entry.key)];
        if (group != UINT32_MAX) {
            put_group(group, &self->later);
            buf_put(&self->later, entry.key.p + ITEMS_GROUP_LEN,
                entry.key.len - ITEMS_GROUP_LEN);
            self->ends[self->n_later] = self->later.len;
            waiting[self->n_later++] = entry;
        }
        if (self->n_later == TALLY_BATCH) {
            rc = fold_some(self, waiting, grow, ctx);
        }
    }
    return rc != ERR_OK ? rc : fold_some(self, waiting, grow, ctx);
}
