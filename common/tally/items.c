// SPDX-License-Identifier: Apache-2.0
#include "common/tally/items.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "common/tally/registers.h"
#include "common/tally/rising.h"
#include "common/tally/sketch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_LEN      4u // of the number before an item
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
items_new(const query_agg_t *agg, tally_budget_t *budget)
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
    const uint8_t bytes[GROUP_LEN] = {(uint8_t)(group >> 24),
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

// Entries are numbered as they are made, so a new one has the next number.
errcode_t
items_settle(items_t *self, uint32_t *groups, size_t *n)
{
    uint32_t numbers[TALLY_BATCH];
    span_t keys[TALLY_BATCH];
    size_t next = keytable_count(self->table), begin = 0;

    *n = 0;
    for (size_t i = 0; i < self->n_later; i++) {
        keys[i] = (span_t){self->later.p + begin, self->ends[i] - begin};
        begin = self->ends[i];
    }
    errcode_t rc =
        keytable_find_batch(self->table, keys, self->n_later, numbers);
    for (size_t i = 0; rc == ERR_OK && i < self->n_later; i++) {
        if (numbers[i] == next) {
            groups[(*n)++] = group_of(keys[i]);
            next++;
        }
    }
    self->n_later = 0;
    buf_clear(&self->later);
    return rc;
}

void
items_list(items_t *self, size_t n_groups)
{
    size_t n = keytable_count(self->table), ends[TALLY_PARTS], at = 0;

    assert(self->n_later == 0);
    self->order = keytable_sorted(self->table, 1, ends);
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
    return (span_t){entry.key.p + GROUP_LEN, entry.key.len - GROUP_LEN};
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
    out->number = self->agg->func == AGG_DISTINCT
                      ? DEC_INT(end - begin)
                      : DEC_INT(estimate(self, begin, end));
    return ERR_OK;
}

typedef struct registers {
    uint8_t block;
    uint64_t seen;
    span_t ranks; // of those that were seen
} registers_t;

// `last` is the block before, or -1.
static errcode_t
get_registers(rd_t *r, int last, registers_t *out)
{
    errcode_t rc = rd_u8(r, &out->block);

    rc = rc != ERR_OK ? rc : rd_u64(r, &out->seen);
    if (rc == ERR_OK && (out->block <= last || out->seen == 0)) {
        rc = ERR_MALFORMED;
    }
    size_t n = rc == ERR_OK ? (size_t)__builtin_popcountll(out->seen) : 0;
    rc = rc != ERR_OK ? rc : rd_bytes(r, n, &out->ranks);
    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        if (out->ranks.p[i] == 0 || out->ranks.p[i] >= REGISTERS_RANKS) {
            rc = ERR_MALFORMED;
        }
    }
    return rc;
}

static errcode_t
check_registers(rd_t *r, uint64_t n)
{
    registers_t registers = {0};
    errcode_t rc = n <= REGISTERS_BLOCKS ? ERR_OK : ERR_MALFORMED;

    for (uint64_t i = 0; rc == ERR_OK && i < n; i++) {
        rc = get_registers(r, i > 0 ? registers.block : -1, &registers);
    }
    return rc;
}

static errcode_t
get_counted(rd_t *r, int *bucket, uint64_t *n)
{
    i128_t wide;
    errcode_t rc = rd_zigzag(r, &wide);

    rc = rc != ERR_OK ? rc : rd_varint(r, n);
    if (rc != ERR_OK) {
        return rc;
    }
    if (wide <= -SKETCH_BUCKETS || wide >= SKETCH_BUCKETS ||
        !sketch_has((int64_t)wide) || *n == 0) {
        return ERR_MALFORMED;
    }
    *bucket = (int)wide;
    return ERR_OK;
}

static errcode_t
check_buckets(rd_t *r, uint64_t n)
{
    int last = -SKETCH_BUCKETS;
    errcode_t rc = ERR_OK;

    for (uint64_t i = 0; rc == ERR_OK && i < n; i++) {
        int bucket = 0;
        uint64_t counted;
        rc = get_counted(r, &bucket, &counted);
        if (rc == ERR_OK && bucket <= last) {
            rc = ERR_MALFORMED;
        }
        last = bucket;
    }
    return rc;
}

// One cell, which is not missing, and fits behind a group.
static errcode_t
check_value(span_t value)
{
    rd_t r = rd_init(value);
    cell_t cell;
    errcode_t rc = cell_decode(&r, &cell);

    rc = rc != ERR_OK ? rc : rd_end(&r);
    if (rc == ERR_OK && value.len > LIMIT_KEY - GROUP_LEN) {
        rc = ERR_MALFORMED;
    }
    return rc == ERR_OK && cell.kind == CELL_MISSING ? ERR_MALFORMED : rc;
}

static errcode_t
check_values(rd_t *r, uint64_t n)
{
    buf_t value = {0};
    errcode_t rc = ERR_OK;

    for (uint64_t i = 0; rc == ERR_OK && i < n; i++) {
        span_t rest;
        size_t shared = 0;
        rc = rising_get(r, buf_span(&value), i == 0, &shared, &rest);
        if (rc == ERR_OK) {
            value.len = shared;
            buf_put_span(&value, rest);
            rc = check_value(buf_span(&value));
        }
    }
    buf_fini(&value);
    return rc;
}

errcode_t
items_check(agg_func_t func, rd_t *r)
{
    uint64_t n = 0;
    errcode_t rc = rd_varint(r, &n);

    if (rc != ERR_OK) {
        return rc;
    }
    return func == AGG_DISTINCT         ? check_values(r, n)
           : func == AGG_DISTINCT_ABOUT ? check_registers(r, n)
                                        : check_buckets(r, n);
}

// The key has the item before this one already, or the group alone.
static errcode_t
merge_value(items_t *self, rd_t *r, uint64_t *state)
{
    span_t previous = {self->key.p + GROUP_LEN, self->key.len - GROUP_LEN};
    span_t rest;
    size_t shared = 0;
    uint64_t *words;
    errcode_t rc = rising_get(r, previous, previous.len == 0, &shared, &rest);

    if (rc == ERR_OK) {
        self->key.len = GROUP_LEN + shared;
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
    errcode_t rc = get_registers(r, -1, &more);

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
    errcode_t rc = get_counted(r, &bucket, &n);

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
