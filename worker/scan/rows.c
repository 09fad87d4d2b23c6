// SPDX-License-Identifier: Apache-2.0
#include "worker/scan/rows.h"

#include "common/base/xalloc.h"
#include "common/query/eval.h"

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
        free(self);
        *self_p = NULL;
    }
}

void
rows_place(rows_t *self, const char *host, const char *path)
{
    self->host = span_str(host);
    self->path = span_str(path);
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
        rc = make_key(self);
        rc = rc != ERR_OK
                 ? rc
                 : tally_group(self->tally, buf_span(&self->key), &states);
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
