// SPDX-License-Identifier: Apache-2.0
#include "common/tally/tally.h"

#include "common/base/xalloc.h"
#include "common/tally/items.h"
#include "common/tally/kept.h"

#include <assert.h>
#include <stdlib.h>

struct tally {
    const query_t *query;
    budget_t *budget;
    budget_t own; // unless it is shared
    keytable_t *table;
    size_t *places;  // of each aggregate's state, in words
    items_t **items; // of each aggregate, or NULL
};

bool
agg_is_wide(agg_func_t func)
{
    return items_has(func) || func == AGG_FIRST || func == AGG_LAST;
}

bool
tally_is_wide(const query_t *query)
{
    for (size_t i = 0; i < query->n_aggs; i++) {
        if (agg_is_wide(query->aggs[i].func)) {
            return true;
        }
    }
    return false;
}

static tally_t *
make_tally(const query_t *query, budget_t *shared, size_t budget)
{
    tally_t *self = xcalloc(1, sizeof *self);
    size_t n_words = 0;

    self->query = query;
    self->own.limit = budget;
    self->budget = shared != NULL ? shared : &self->own;
    self->places = xcalloc(query->n_aggs + 1, sizeof *self->places);
    self->items = xcalloc(query->n_aggs + 1, sizeof *self->items);
    for (size_t i = 0; i < query->n_aggs; i++) {
        self->places[i] = n_words;
        n_words += agg_words(query->aggs[i].func);
        if (items_has(query->aggs[i].func)) {
            self->items[i] = items_new(&query->aggs[i], self->budget);
        }
    }
    self->table = keytable_new(n_words, self->budget);
    return self;
}

tally_t *
tally_new(const query_t *query, size_t budget)
{
    return make_tally(query, NULL, budget);
}

tally_t *
tally_new_sharing(const query_t *query, budget_t *budget)
{
    return make_tally(query, budget, 0);
}

static void
free_kept(tally_t *self, size_t agg)
{
    agg_func_t func = self->query->aggs[agg].func;

    for (size_t g = 0; (func == AGG_FIRST || func == AGG_LAST) &&
                       g < keytable_count(self->table);
         g++) {
        kept_fini(keytable_words(self->table, g) + self->places[agg]);
    }
}

void
tally_destroy(tally_t **self_p)
{
    tally_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    for (size_t i = 0; i < self->query->n_aggs; i++) {
        items_destroy(&self->items[i]);
        free_kept(self, i);
    }
    keytable_destroy(&self->table);
    free(self->places);
    free(self->items);
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
    return keytable_count(self->table);
}

size_t
tally_bytes(const tally_t *self)
{
    size_t bytes = keytable_bytes(self->table);

    for (size_t i = 0; i < self->query->n_aggs; i++) {
        bytes += self->items[i] != NULL ? items_bytes(self->items[i]) : 0;
    }
    return bytes;
}

errcode_t
tally_group(tally_t *self, span_t key, agg_state_t **states)
{
    uint32_t number;
    errcode_t rc = keytable_find(self->table, key, &number);

    if (rc == ERR_OK) {
        *states = keytable_words(self->table, number);
    }
    return rc;
}

errcode_t
tally_groups_find(tally_t *self, const span_t *keys, size_t n, uint32_t *groups)
{
    return keytable_find_batch(self->table, keys, n, groups);
}

void
tally_expect(tally_t *self, size_t n)
{
    keytable_expect(self->table, n);
}

size_t
tally_number(const tally_t *self, const agg_state_t *states)
{
    return keytable_number(self->table, states);
}

agg_state_t *
tally_states(tally_t *self, size_t number)
{
    return keytable_words(self->table, number);
}

agg_state_t *
tally_state(const tally_t *self, agg_state_t *states, size_t agg)
{
    assert(agg < self->query->n_aggs);
    return &states[self->places[agg]];
}

tally_entry_t
tally_entry(const tally_t *self, size_t number)
{
    return keytable_entry(self->table, number);
}

void
tally_entries(
    const tally_t *self, const uint32_t *numbers, size_t n, tally_entry_t *out)
{
    keytable_entries(self->table, numbers, n, out);
}

void
tally_list_groups(tally_t *self, unsigned n_parts, size_t ends[TALLY_PARTS])
{
    keytable_list(self->table, n_parts, ends);
}

const uint32_t *
tally_sort_next(tally_t *self, size_t end)
{
    return keytable_sort_next(self->table, end);
}

static uint32_t
number_of(const tally_t *self, const agg_state_t *states)
{
    return (uint32_t)keytable_number(self->table, states);
}

errcode_t
tally_add(tally_t *self, agg_state_t *states, size_t agg, const cell_t *value,
    const cell_t *when)
{
    agg_func_t func = self->query->aggs[agg].func;
    agg_state_t *state = tally_state(self, states, agg);

    if (self->items[agg] != NULL) {
        return items_add(
            self->items[agg], number_of(self, states), value, state);
    }
    if (func == AGG_FIRST || func == AGG_LAST) {
        return when->kind == CELL_MISSING
                   ? ERR_OK
                   : kept_add(func, state, value, when->number, self->budget);
    }
    agg_add(func, state, value->number);
    return ERR_OK;
}

static errcode_t
settle(tally_t *self, size_t agg)
{
    uint32_t groups[TALLY_BATCH];
    size_t n;
    errcode_t rc = items_settle(self->items[agg], groups, &n);

    for (size_t i = 0; i < n; i++) {
        ++*tally_state(self, tally_states(self, groups[i]), agg);
    }
    return rc;
}

errcode_t
tally_add_later(tally_t *self, agg_state_t *states, size_t agg,
    const cell_t *value, const cell_t *when)
{
    if (self->query->aggs[agg].func != AGG_DISTINCT) {
        return tally_add(self, states, agg, value, when);
    }
    return items_later(self->items[agg], number_of(self, states), value)
               ? settle(self, agg)
               : ERR_OK;
}

errcode_t
tally_settle(tally_t *self)
{
    errcode_t rc = ERR_OK;

    for (size_t i = 0; rc == ERR_OK && i < self->query->n_aggs; i++) {
        if (self->query->aggs[i].func == AGG_DISTINCT) {
            rc = settle(self, i);
        }
    }
    return rc;
}

static void
list_items(tally_t *self, bool distinct)
{
    for (size_t i = 0; i < self->query->n_aggs; i++) {
        if (self->items[i] != NULL &&
            (distinct || self->query->aggs[i].func != AGG_DISTINCT)) {
            items_list(self->items[i], keytable_count(self->table));
        }
    }
}

void
tally_list(tally_t *self)
{
    list_items(self, true);
}

void
tally_list_values(tally_t *self)
{
    list_items(self, false);
}

void
tally_encode(
    const tally_t *self, const agg_state_t *states, size_t agg, buf_t *out)
{
    const agg_state_t *state = &states[self->places[agg]];
    agg_func_t func = self->query->aggs[agg].func;

    if (self->items[agg] != NULL) {
        items_encode(self->items[agg], number_of(self, states), out);
    } else if (func == AGG_FIRST || func == AGG_LAST) {
        kept_encode(state, out);
    } else {
        agg_encode(func, state, out);
    }
}

errcode_t
tally_value(
    const tally_t *self, const agg_state_t *states, size_t agg, cell_t *out)
{
    const agg_state_t *state = &states[self->places[agg]];
    agg_func_t func = self->query->aggs[agg].func;

    if (func == AGG_DISTINCT) {
        *out = (cell_t){.kind = CELL_NUMBER, .number = DEC_INT(*state)};
        return ERR_OK;
    }
    if (self->items[agg] != NULL) {
        return items_value(self->items[agg], number_of(self, states), out);
    }
    if (func == AGG_FIRST || func == AGG_LAST) {
        *out = kept_value(state);
        return ERR_OK;
    }
    return agg_value(func, state, out);
}

errcode_t
agg_check(agg_func_t func, rd_t *r)
{
    agg_state_t state[AGG_WORDS_MAX];

    if (items_has(func)) {
        return items_check(func, r);
    }
    return func == AGG_FIRST || func == AGG_LAST ? kept_check(r)
                                                 : agg_decode(func, r, state);
}

errcode_t
tally_merge(tally_t *self, agg_state_t *states, size_t agg, rd_t *r)
{
    agg_func_t func = self->query->aggs[agg].func;
    agg_state_t *state = tally_state(self, states, agg), more[AGG_WORDS_MAX];

    if (self->items[agg] != NULL) {
        return items_merge(self->items[agg], number_of(self, states), r, state);
    }
    if (func == AGG_FIRST || func == AGG_LAST) {
        return kept_merge(func, state, r, self->budget);
    }
    errcode_t rc = agg_decode(func, r, more);
    if (rc == ERR_OK) {
        agg_merge(func, state, more);
    }
    return rc;
}

// A state that is words alone, or kept.
static errcode_t
fold_state(tally_t *self, uint32_t group, size_t agg, const agg_state_t *from)
{
    agg_func_t func = self->query->aggs[agg].func;
    agg_state_t *to = tally_state(self, tally_states(self, group), agg);
    buf_t bytes = {0};
    errcode_t rc = ERR_OK;

    if (!agg_is_wide(func)) {
        agg_merge(func, to, from);
        return ERR_OK;
    }
    kept_encode(from, &bytes);
    rd_t r = rd_init(buf_span(&bytes));
    rc = kept_merge(func, to, &r, self->budget);
    buf_fini(&bytes);
    return rc;
}

// Where the items of an aggregate have their groups.
typedef struct growing {
    tally_t *tally;
    size_t agg;
} growing_t;

static void
grow(void *ctx, uint32_t group, uint64_t more)
{
    const growing_t *g = ctx;

    *tally_state(g->tally, tally_states(g->tally, group), g->agg) += more;
}

errcode_t
tally_fold(tally_t *self, const tally_t *from, const uint32_t *groups,
    const size_t *aggs)
{
    errcode_t rc = ERR_OK;

    for (size_t a = 0; rc == ERR_OK && a < self->query->n_aggs; a++) {
        growing_t growing = {self, a};
        if (self->items[a] != NULL) {
            rc = items_fold(
                self->items[a], from->items[aggs[a]], groups, grow, &growing);
            continue;
        }
        for (size_t g = 0; rc == ERR_OK && g < tally_groups(from); g++) {
            const agg_state_t *state = tally_entry(from, g).states;
            if (groups[g] != TALLY_NO_GROUP) {
                rc = fold_state(
                    self, groups[g], a, state + from->places[aggs[a]]);
            }
        }
    }
    return rc;
}
