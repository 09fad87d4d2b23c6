// SPDX-License-Identifier: Apache-2.0
// eval: expressions and filters over one row. The row is whatever can name a
// field or a column: a log line on a worker, a result row in the sink.
//
// Regexes are compiled once per evaluator; an evaluator belongs to one
// thread. Results lend bytes from the row, the query or the evaluator's
// scratch space, until the next row.
#ifndef LOGTALLY_COMMON_QUERY_EVAL_H
#define LOGTALLY_COMMON_QUERY_EVAL_H

#include "common/query/query.h"

typedef struct eval eval_t;

typedef struct eval_row {
    // One of the two, or `own`, is called, by EXPR_FIELD, EXPR_COLUMN or
    // EXPR_OWN.
    void (*field)(void *ctx, field_t field, cell_t *out);
    void (*column)(void *ctx, size_t column, cell_t *out);
    span_t (*line)(void *ctx); // the whole line, for FILTER_LINE_HAS
    void *ctx;
    // A text, or missing; NULL where the query has no such names.
    void (*own)(void *ctx, size_t name, cell_t *out);
} eval_row_t;

// ERR_REGEX when PCRE2 refuses a pattern (query_parse has checked it).
MUST_CHECK errcode_t eval_new(const query_t *query, eval_t **out);
void eval_destroy(eval_t **self_p);
void eval_next_row(eval_t *self); // forgets the scratch space

// ERR_OVERFLOW, ERR_REGEX (match limit), ERR_TOO_LARGE (texts that functions
// make of one row); division by zero is missing.
MUST_CHECK errcode_t eval_expr(
    eval_t *self, const expr_t *expr, const eval_row_t *row, cell_t *out);
// expr, then bucket. A text that is no address is missing under BUCKET_NET.
MUST_CHECK errcode_t eval_key(
    eval_t *self, const query_key_t *key, const eval_row_t *row, cell_t *out);
// The same errors.
MUST_CHECK errcode_t eval_filter(
    eval_t *self, const filter_t *filter, const eval_row_t *row, bool *out);

#endif
