// SPDX-License-Identifier: Apache-2.0
// The merged table to rows: cells of each group, the default order, then the
// stages behind the aggregate, one after the other over a list of rows.
//
// All rows are in memory at 48 bytes a cell; some ten million rows are what
// that carries.
#include "common/result/result.h"
#include "common/base/map.h"

#include "common/base/xalloc.h"
#include "common/query/eval.h"
#include "common/result/memory.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

typedef struct build {
    const query_t *query;
    result_memory_t *memory;
    cell_t *cells;
    cell_t **rows; // in order; those that were cut are gone
    size_t n_rows;
    eval_t *eval;
    size_t lets; // columns filled so far by LET
} build_t;

static errcode_t
fill_row(build_t *self, const tally_entry_t *entry, cell_t *row)
{
    const query_t *q = self->query;
    rd_t r = rd_init(entry->key);
    errcode_t rc = ERR_OK;

    for (size_t i = 0; i < q->n_keys && rc == ERR_OK; i++) {
        rc = cell_decode(&r, &row[i]);
        if (rc == ERR_OK && row[i].kind == CELL_TEXT) {
            row[i].text = result_keep(self->memory, row[i].text);
        }
    }
    for (size_t i = 0; i < q->n_aggs && rc == ERR_OK; i++) {
        rc = agg_value(q->aggs[i].func, &entry->states[i], &row[q->n_keys + i]);
    }
    return rc;
}

static errcode_t
fill_rows(build_t *self, tally_t *tally)
{
    size_t n;
    const tally_entry_t *entries = tally_sorted(tally, &n);
    errcode_t rc = ERR_OK;

    self->cells = xcalloc(n * self->query->n_columns + 1, sizeof(cell_t));
    self->rows = xcalloc(n + 1, sizeof(cell_t *));
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        self->rows[i] = self->cells + i * self->query->n_columns;
        rc = fill_row(self, &entries[i], self->rows[i]);
    }
    self->n_rows = n;
    return rc;
}

typedef struct ordering {
    const sort_key_t *keys;
    size_t n;
    const query_t *query;
} ordering_t;

static int
cmp_by(const cell_t *a, const cell_t *b, const sort_key_t *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int c = cell_cmp(&a[keys[i].column], &b[keys[i].column]);
        if (c != 0) {
            return keys[i].descending ? -c : c;
        }
    }
    return 0;
}

static int
cmp_rows(const void *a, const void *b, void *ctx)
{
    const cell_t *const *x = a;
    const cell_t *const *y = b;
    const ordering_t *o = ctx;
    int c = cmp_by(*x, *y, o->keys, o->n);

    return c != 0 ? c : cmp_by(*x, *y, o->query->order, o->query->n_order);
}

static void
sort_rows(build_t *self, const sort_key_t *keys, size_t n)
{
    ordering_t ordering = {keys, n, self->query};

    if (self->n_rows > 1) {
        qsort_r(
            self->rows, self->n_rows, sizeof *self->rows, cmp_rows, &ordering);
    }
}

static void
get_column(void *ctx, size_t column, cell_t *out)
{
    const cell_t *row = ctx;

    *out = row[column];
}

static errcode_t
run_where(build_t *self, const filter_t *filter)
{
    size_t kept = 0;
    errcode_t rc = ERR_OK;

    for (size_t i = 0; i < self->n_rows && rc == ERR_OK; i++) {
        eval_row_t row = {.column = get_column, .ctx = self->rows[i]};
        bool yes = false;
        eval_next_row(self->eval);
        rc = eval_filter(self->eval, filter, &row, &yes);
        if (rc == ERR_OK && yes) {
            self->rows[kept++] = self->rows[i];
        }
    }
    self->n_rows = rc == ERR_OK ? kept : self->n_rows;
    return rc;
}

static errcode_t
run_let(build_t *self, const expr_t *expr)
{
    const query_t *q = self->query;
    size_t column = q->n_keys + q->n_aggs + self->lets++;
    errcode_t rc = ERR_OK;

    for (size_t i = 0; i < self->n_rows && rc == ERR_OK; i++) {
        eval_row_t row = {.column = get_column, .ctx = self->rows[i]};
        cell_t cell;
        eval_next_row(self->eval);
        rc = eval_expr(self->eval, expr, &row, &cell);
        if (rc == ERR_OK && cell.kind == CELL_TEXT) {
            cell.text = result_keep(self->memory, cell.text);
        }
        if (rc == ERR_OK) {
            self->rows[i][column] = cell;
        }
    }
    return rc;
}

// How many rows of each group have passed.
typedef struct passed {
    uint8_t *key;
    uint64_t n;
    UT_hash_handle hh;
} passed_t;

static uint64_t
pass(passed_t **table, const stage_t *s, const cell_t *row, buf_t *key)
{
    passed_t *found;

    buf_clear(key);
    for (size_t i = 0; i < s->n_per; i++) {
        cell_encode(&row[s->per[i]], key);
    }
    HASH_FIND(hh, *table, key->p, key->len, found);
    if (found == NULL) {
        found = xcalloc(1, sizeof *found);
        found->key = xmemdup(key->p, key->len);
        HASH_ADD_KEYPTR(hh, *table, found->key, key->len, found);
    }
    return found->n++;
}

static void
run_head(build_t *self, const stage_t *s)
{
    passed_t *table = NULL, *item, *next;
    buf_t key = {0};
    size_t kept = 0;

    if (s->n_per == 0) {
        self->n_rows = s->head < self->n_rows ? s->head : self->n_rows;
        return;
    }
    for (size_t i = 0; i < self->n_rows; i++) {
        if (pass(&table, s, self->rows[i], &key) < s->head) {
            self->rows[kept++] = self->rows[i];
        }
    }
    self->n_rows = kept;
    HASH_ITER(hh, table, item, next)
    {
        HASH_DEL(table, item);
        free(item->key);
        free(item);
    }
    buf_fini(&key);
}

static errcode_t
run_stages(build_t *self)
{
    errcode_t rc = eval_new(self->query, &self->eval);

    for (size_t i = 0; i < self->query->n_stages && rc == ERR_OK; i++) {
        const stage_t *s = &self->query->stages[i];
        switch (s->kind) {
        case STAGE_WHERE:
            rc = run_where(self, s->filter);
            break;
        case STAGE_LET:
            rc = run_let(self, s->expr);
            break;
        case STAGE_SORT:
            sort_rows(self, s->sort, s->n_sort);
            break;
        case STAGE_HEAD:
            run_head(self, s);
            break;
        }
    }
    eval_destroy(&self->eval);
    return rc;
}

void
result_fingerprint(const result_t *self, uint8_t out[32])
{
    crypto_generichash_state state;
    buf_t buf = {0};

    crypto_generichash_init(&state, NULL, 0, 32);
    buf_put_block(&buf, span_str(self->query));
    for (size_t i = 0; i < self->n_rows * self->n_columns; i++) {
        cell_encode(&self->cells[i], &buf);
        if (buf.len > 65536) {
            crypto_generichash_update(&state, buf.p, buf.len);
            buf_clear(&buf);
        }
    }
    crypto_generichash_update(&state, buf.p, buf.len);
    crypto_generichash_final(&state, out, 32);
    buf_fini(&buf);
}

static result_t *
make_result(build_t *self)
{
    const query_t *q = self->query;
    result_t *result = xcalloc(1, sizeof *result);

    result->query = xstrdup(q->canonical);
    result->n_columns = q->n_columns;
    result->columns = xcalloc(q->n_columns, sizeof *result->columns);
    for (size_t i = 0; i < q->n_columns; i++) {
        result->columns[i].name = xstrdup(q->columns[i].name);
        result->columns[i].type = q->columns[i].type;
    }
    result->n_rows = self->n_rows;
    result->cells =
        xcalloc(self->n_rows * q->n_columns + 1, sizeof *result->cells);
    for (size_t i = 0; i < self->n_rows; i++) {
        memcpy(result->cells + i * q->n_columns, self->rows[i],
            q->n_columns * sizeof(cell_t));
    }
    result->memory = self->memory;
    self->memory = NULL;
    result_fingerprint(result, result->receipt.fingerprint);
    return result;
}

errcode_t
result_build(const query_t *query, tally_t *tally, result_t **out)
{
    build_t self = {.query = query, .memory = result_memory_new()};
    errcode_t rc = fill_rows(&self, tally);

    *out = NULL;
    if (rc == ERR_OK) {
        sort_rows(&self, NULL, 0);
        rc = run_stages(&self);
    }
    if (rc == ERR_OK) {
        *out = make_result(&self);
    }
    result_memory_destroy(&self.memory);
    free(self.rows);
    free(self.cells);
    return rc;
}

static void
free_receipt(receipt_t *r)
{
    for (size_t i = 0; i < r->n_hosts; i++) {
        free(r->hosts[i].host);
    }
    for (size_t i = 0; i < r->n_samples; i++) {
        free(r->samples[i].host);
        free(r->samples[i].file);
    }
    for (size_t i = 0; i < r->n_missing; i++) {
        free(r->missing[i]);
    }
    for (size_t i = 0; i < r->n_notes; i++) {
        free(r->notes[i]);
    }
    free(r->hosts);
    free(r->samples);
    free(r->missing);
    free(r->notes);
}

void
result_destroy(result_t **self_p)
{
    result_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    for (size_t i = 0; i < self->n_columns; i++) {
        free(self->columns[i].name);
    }
    free(self->columns);
    free(self->cells);
    free(self->query);
    free_receipt(&self->receipt);
    result_memory_destroy(&self->memory);
    free(self);
    *self_p = NULL;
}
