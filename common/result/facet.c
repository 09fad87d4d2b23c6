// SPDX-License-Identifier: Apache-2.0
#include "common/result/facet.h"

#include "common/base/xalloc.h"
#include "common/query/told.h"
#include "common/result/memory.h"

#include <assert.h>
#include <stdlib.h>

errcode_t
facet_init(facet_t *self, const query_t *query, const share_t *share,
    const query_t *table)
{
    *self = (facet_t){.query = query, .table = table};
    if (share != NULL) {
        self->share = *share;
    } else {
        self->share.counted = SHARED_ALL;
        for (size_t i = 0; i < query->n_aggs; i++) {
            self->share.aggs[i] = i;
        }
    }
    self->own = share == NULL;
    self->sure = true;
    for (size_t i = 0; i < self->share.n_filters; i++) {
        self->sure = self->sure && !filter_may_fail(self->share.filters[i]);
    }
    return self->share.n_filters > 0 || self->share.rolls
               ? eval_new(query, &self->eval)
               : ERR_OK;
}

void
facet_fini(facet_t *self)
{
    eval_destroy(&self->eval);
}

// The key that tells of the field stands where the field does.
static void
get_field(void *ctx, field_t field, cell_t *out)
{
    const facet_t *self = ctx;
    size_t at = told_field(field, self->table);

    assert(at < self->table->n_keys);
    *out = self->keys[at];
}

static errcode_t
get_keys(facet_t *self, span_t key)
{
    const query_t *table = self->table;
    rd_t r = rd_init(key);
    errcode_t rc = ERR_OK;

    for (size_t i = 0; rc == ERR_OK && i < table->n_keys; i++) {
        rc = cell_decode(&r, &self->keys[i]);
        if (rc == ERR_OK &&
            !cell_fits(&self->keys[i], table->columns[i].type)) {
            rc = ERR_MALFORMED; // only a worker that lies says so
        }
    }
    return rc;
}

static bool
is_counted(
    const facet_t *self, const tally_t *tally, const tally_entry_t *entry)
{
    cell_t n;

    return self->share.counted == SHARED_ALL ||
           tally_value(tally, entry->states, self->share.counted, &n) !=
               ERR_OK || // too many to be a number
           n.number > 0;
}

errcode_t
facet_look(
    facet_t *self, const tally_t *tally, const tally_entry_t *entry, bool *ours)
{
    eval_row_t row = {.field = get_field, .ctx = self};
    errcode_t rc = get_keys(self, entry->key);

    *ours = rc == ERR_OK && is_counted(self, tally, entry);
    if (self->eval != NULL) {
        eval_next_row(self->eval);
    }
    for (size_t i = 0; rc == ERR_OK && *ours && i < self->share.n_filters;
         i++) {
        rc = eval_filter(self->eval, self->share.filters[i], &row, ours);
    }
    return rc;
}

void
facet_keys(const facet_t *self, cell_t *row)
{
    for (size_t i = 0; i < self->query->n_keys; i++) {
        row[i] = self->keys[i];
    }
}

errcode_t
facet_aggs(const facet_t *self, const tally_t *tally,
    const tally_entry_t *entry, cell_t *row)
{
    const query_t *q = self->query;
    errcode_t rc = ERR_OK;

    for (size_t i = 0; i < q->n_aggs && rc == ERR_OK; i++) {
        cell_t *to = &row[q->n_keys + i];
        rc = tally_value(tally, entry->states, self->share.aggs[i], to);
        if (rc == ERR_OK && !cell_fits(to, q->columns[q->n_keys + i].type)) {
            rc = ERR_MALFORMED;
        }
    }
    return rc;
}

// The number, in `to`, of the group that was looked at.
static errcode_t
find_group(facet_t *self, tally_t *to, buf_t *key, uint32_t *number)
{
    eval_row_t row = {.field = get_field, .ctx = self};
    agg_state_t *states;
    errcode_t rc = ERR_OK;

    buf_clear(key);
    for (size_t i = 0; rc == ERR_OK && i < self->query->n_keys; i++) {
        cell_t cell;
        rc = eval_key(self->eval, &self->query->keys[i], &row, &cell);
        if (rc == ERR_OK) {
            cell_encode(&cell, key);
        }
    }
    rc = rc != ERR_OK ? rc : tally_group(to, buf_span(key), &states);
    if (rc == ERR_OK) {
        *number = (uint32_t)tally_number(to, states);
    }
    return rc;
}

static errcode_t
roll_part(facet_t *self, const tally_t *from, tally_t *to)
{
    size_t n = tally_groups(from);
    uint32_t *numbers = xmalloc((n + 1) * sizeof *numbers);
    buf_t key = {0};
    errcode_t rc = ERR_OK;

    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        tally_entry_t entry = tally_entry(from, i);
        bool ours;
        rc = facet_look(self, from, &entry, &ours);
        numbers[i] = TALLY_NO_GROUP;
        if (rc == ERR_OK && ours) {
            rc = find_group(self, to, &key, &numbers[i]);
        }
    }
    rc = rc != ERR_OK ? rc : tally_fold(to, from, numbers, self->share.aggs);
    buf_fini(&key);
    free(numbers);
    return rc;
}

errcode_t
facet_roll(facet_t *self, tally_t *const *parts, size_t n_parts, tally_t **out)
{
    tally_t *to = tally_new(self->query, SIZE_MAX);
    agg_state_t *states;
    errcode_t rc = ERR_OK;

    *out = NULL;
    if (self->query->n_keys == 0) { // its one row is always there
        rc = tally_group(to, (span_t){0}, &states);
    }
    for (size_t i = 0; rc == ERR_OK && i < n_parts; i++) {
        rc = roll_part(self, parts[i], to);
    }
    if (rc == ERR_OK) {
        *out = to;
    } else {
        tally_destroy(&to);
    }
    return rc;
}
