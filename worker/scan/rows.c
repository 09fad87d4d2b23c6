// SPDX-License-Identifier: Apache-2.0
#include "worker/scan/rows.h"

#include "common/base/xalloc.h"
#include "common/query/eval.h"
#include "worker/scan/memo.h"

#include <assert.h>
#include <stdlib.h>

struct rows {
    const query_t *query;
    tally_t *tally;
    eval_t *eval;
    eval_row_t row;
    const line_fields_t *line;
    span_t host;
    span_t path;
    uint64_t bad_values;
    buf_t key; // reused
    memo_t *memo;
    bool plain; // every key is a field, with or without a bucket
    uint8_t raw[MEMO_RAW_MAX];
};

static void
row_field(void *ctx, field_t field, cell_t *out)
{
    rows_t *self = ctx;
    bool bad;

    if (field == FIELD_HOST || field == FIELD_FILE) {
        *out = (cell_t){.kind = CELL_TEXT,
            .text = field == FIELD_HOST ? self->host : self->path};
        return;
    }
    format_field(self->line, field, out, &bad);
    self->bad_values += bad ? 1 : 0;
}

// Columns exist only after the aggregate; query_parse puts none before it.
static void
row_column(void *ctx, size_t column, cell_t *out)
{
    (void)ctx;
    (void)column;
    assert(false);
    *out = (cell_t){.kind = CELL_MISSING};
}

static span_t
row_line(void *ctx)
{
    const rows_t *self = ctx;

    return self->line->line;
}

errcode_t
rows_new(const query_t *query, tally_t *tally, rows_t **out)
{
    rows_t *self = xcalloc(1, sizeof *self);
    errcode_t rc = eval_new(query, &self->eval);

    *out = NULL;
    if (rc != ERR_OK) {
        rows_destroy(&self);
        return rc;
    }
    self->query = query;
    self->tally = tally;
    self->memo = memo_new();
    self->plain = query->n_keys > 0;
    for (size_t i = 0; i < query->n_keys; i++) {
        self->plain = self->plain && query->keys[i].expr->kind == EXPR_FIELD;
    }
    self->row = (eval_row_t){row_field, row_column, row_line, self};
    *out = self;
    return ERR_OK;
}

void
rows_destroy(rows_t **self_p)
{
    rows_t *self = *self_p;

    if (self != NULL) {
        eval_destroy(&self->eval);
        buf_fini(&self->key);
        memo_destroy(&self->memo);
        free(self);
        *self_p = NULL;
    }
}

void
rows_place(rows_t *self, const char *host, const char *path)
{
    self->host = span_str(host);
    self->path = span_str(path);
    memo_forget(self->memo);
}

// A key that is a plain field needs no evaluator.
static errcode_t
key_cell(rows_t *self, const query_key_t *key, cell_t *out)
{
    if (key->bucket == BUCKET_NONE && key->expr->kind == EXPR_FIELD) {
        row_field(self, key->expr->field, out);
        return ERR_OK;
    }
    return eval_key(self->eval, key, &self->row, out);
}

static errcode_t
make_key(rows_t *self)
{
    errcode_t rc = ERR_OK;

    buf_clear(&self->key);
    for (size_t i = 0; rc == ERR_OK && i < self->query->n_keys; i++) {
        cell_t cell;
        rc = key_cell(self, &self->query->keys[i], &cell);
        if (rc == ERR_OK) {
            cell_encode(&cell, &self->key);
        }
    }
    return rc;
}

// The keys as logged, in one piece: absent ones, and where one ends, are told
// by a length before each. p == NULL: too long, or no plain fields.
static span_t
raw_keys(rows_t *self)
{
    size_t len = 0;

    if (!self->plain) {
        return (span_t){0};
    }
    for (size_t i = 0; i < self->query->n_keys; i++) {
        span_t raw = format_raw(self->line, self->query->keys[i].expr->field);
        if (raw.len + 2 > MEMO_RAW_MAX - len) {
            return (span_t){0};
        }
        self->raw[len++] = raw.p != NULL;
        self->raw[len++] = (uint8_t)raw.len;
        for (size_t k = 0; k < raw.len; k++) {
            self->raw[len + k] = raw.p[k];
        }
        len += raw.len;
    }
    return (span_t){self->raw, len};
}

static errcode_t
find_group(rows_t *self, agg_state_t **states)
{
    span_t raw = raw_keys(self);
    memo_entry_t *entry = raw.p != NULL ? memo_at(self->memo, raw) : NULL;

    if (entry != NULL && memo_is(entry, raw)) {
        self->bad_values += entry->bad;
        *states = tally_states(self->tally, entry->group);
        return ERR_OK;
    }
    uint64_t bad_before = self->bad_values;
    errcode_t rc = make_key(self);
    if (rc == ERR_OK) {
        rc = tally_group(self->tally, buf_span(&self->key), states);
    }
    if (rc == ERR_OK && entry != NULL) {
        memo_put(entry, raw, (uint32_t)tally_number(self->tally, *states),
            (uint32_t)(self->bad_values - bad_before));
    }
    return rc;
}

static errcode_t
add_agg(rows_t *self, const query_agg_t *agg, agg_state_t *state)
{
    cell_t cell;
    bool pass = true;
    errcode_t rc = ERR_OK;

    if (agg->filter != NULL) {
        rc = eval_filter(self->eval, agg->filter, &self->row, &pass);
    }
    if (rc != ERR_OK || !pass) {
        return rc;
    }
    if (agg->arg == NULL) {
        agg_add_lines(state, 1);
        return ERR_OK;
    }
    rc = eval_expr(self->eval, agg->arg, &self->row, &cell);
    if (rc == ERR_OK && cell.kind != CELL_MISSING) {
        if (agg->func == AGG_COUNT) {
            agg_add_lines(state, 1);
        } else {
            agg_add(agg->func, state, cell.number);
        }
    }
    return rc;
}

errcode_t
rows_add(rows_t *self, const line_fields_t *line, uint64_t *bad_values)
{
    const query_t *query = self->query;
    agg_state_t *states;
    bool pass = true;
    errcode_t rc = ERR_OK;

    self->line = line;
    self->bad_values = 0;
    eval_next_row(self->eval);
    if (query->filter != NULL) {
        rc = eval_filter(self->eval, query->filter, &self->row, &pass);
    }
    if (rc == ERR_OK && pass) {
        rc = find_group(self, &states);
        for (size_t i = 0; rc == ERR_OK && i < query->n_aggs; i++) {
            rc = add_agg(self, &query->aggs[i], &states[i]);
        }
    }
    *bad_values += self->bad_values;
    return rc;
}

errcode_t
rows_finish(rows_t *self)
{
    agg_state_t *states;

    if (self->query->n_keys > 0) {
        return ERR_OK;
    }
    return tally_group(self->tally, (span_t){0}, &states);
}
