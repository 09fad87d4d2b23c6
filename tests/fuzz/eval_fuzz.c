// SPDX-License-Identifier: Apache-2.0
// Any query over a row of any texts and numbers: values of the type that the
// query gave them, twice the same, in the language's bounds.
#include "common/query/eval.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

// A byte of kind per cell, then a length and bytes.
typedef struct rows {
    cell_t cells[FIELD_COUNT];
    span_t line;
} rows_t;

static void
get_cell(rd_t *r, bool number, cell_t *out)
{
    uint8_t len;
    span_t bytes;

    *out = (cell_t){.kind = CELL_MISSING};
    if (rd_u8(r, &len) != ERR_OK || len == 0 ||
        rd_bytes(r, number ? len % 17 : len % 64, &bytes) != ERR_OK) {
        return;
    }
    out->kind = number ? CELL_NUMBER : CELL_TEXT;
    if (number) {
        u128_t v = 0;
        for (size_t i = 0; i < bytes.len; i++) {
            v = v << 8 | bytes.p[i];
        }
        out->number = (dec_t)v;
    } else {
        out->text = bytes;
    }
}

static void
get_field(void *ctx, field_t field, cell_t *out)
{
    const rows_t *self = ctx;

    *out = self->cells[field];
}

// After the aggregate: columns stand for the fields in turn.
static void
get_column(void *ctx, size_t column, cell_t *out)
{
    (void)ctx;
    *out = (cell_t){.kind = CELL_NUMBER, .number = DEC_INT((int64_t)column)};
}

static span_t
get_line(void *ctx)
{
    const rows_t *self = ctx;

    return self->line;
}

static void
check_cell(const cell_t *cell, type_t type)
{
    assert(cell->kind == CELL_MISSING ||
           (cell->kind == CELL_NUMBER) == type_is_number(type));
}

static bool
is_expected(errcode_t rc)
{
    return rc == ERR_OK || rc == ERR_OVERFLOW || rc == ERR_REGEX ||
           rc == ERR_TOO_LARGE;
}

static void
check_filter(eval_t *eval, const filter_t *filter, const eval_row_t *row)
{
    bool once = false, twice = false;

    if (filter != NULL) {
        errcode_t a = eval_filter(eval, filter, row, &once);
        errcode_t b = eval_filter(eval, filter, row, &twice);
        assert(a == b && (a != ERR_OK || once == twice));
        assert(is_expected(a));
    }
}

static void
check_keys(eval_t *eval, const query_t *q, const eval_row_t *row)
{
    buf_t key = {0};

    for (size_t i = 0; i < q->n_keys; i++) {
        cell_t cell, back;
        errcode_t rc = eval_key(eval, &q->keys[i], row, &cell);
        assert(is_expected(rc));
        if (rc != ERR_OK) {
            continue;
        }
        check_cell(&cell, q->columns[i].type);
        buf_clear(&key);
        cell_encode(&cell, &key);
        rd_t r = rd_init(buf_span(&key));
        rc = cell_decode(&r, &back);
        assert(rc == ERR_OK && cell_cmp(&cell, &back) == 0);
    }
    buf_fini(&key);
}

static void
check_aggs(eval_t *eval, const query_t *q, const eval_row_t *row)
{
    for (size_t i = 0; i < q->n_aggs; i++) {
        cell_t cell;
        check_filter(eval, q->aggs[i].filter, row);
        if (q->aggs[i].arg != NULL) {
            errcode_t rc = eval_expr(eval, q->aggs[i].arg, row, &cell);
            assert(is_expected(rc));
            if (rc == ERR_OK) {
                check_cell(&cell, q->aggs[i].arg->type);
            }
        }
    }
}

// The text of the query up to a zero byte, then the line and the fields.
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = strndup((const char *)data, len < 4096 ? len : 4096);
    size_t used = strlen(text) < len ? strlen(text) + 1 : len;
    rd_t r = rd_init((span_t){data + used, len - used});
    rows_t rows = {0};
    query_error_t error;
    query_t *q;
    eval_t *eval;
    cell_t line;

    if (query_parse(text, &q, &error) == ERR_OK) {
        eval_row_t row = {get_field, get_column, get_line, &rows, NULL};
        get_cell(&r, false, &line);
        rows.line = line.text;
        for (unsigned i = 0; i < FIELD_COUNT; i++) {
            get_cell(&r, type_is_number(field_infos[i].type), &rows.cells[i]);
        }
        errcode_t rc = eval_new(q, &eval);
        assert(rc == ERR_OK);
        check_filter(eval, q->filter, &row);
        check_keys(eval, q, &row);
        check_aggs(eval, q, &row);
        eval_destroy(&eval);
    }
    query_destroy(&q);
    free(text);
    return 0;
}
