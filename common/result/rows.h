// SPDX-License-Identifier: Apache-2.0
// rows: the table on its way to a result. Nothing outside common/result
// includes this.
#ifndef LOGTALLY_COMMON_RESULT_ROWS_H
#define LOGTALLY_COMMON_RESULT_ROWS_H

#include "common/result/memory.h"

// By these keys, then the query's order.
typedef struct ordering {
    const sort_key_t *keys;
    size_t n;
    const query_t *query;
} ordering_t;

typedef struct rows {
    const query_t *query;
    result_memory_t *memory; // texts that a let made
    cell_t *cells;           // n_columns of each row, as they came
    cell_t **list;           // the n rows in order; behind them those cut
    size_t n;
    size_t n_all;
    size_t lets;  // columns filled so far by LET
    size_t most;  // rows that are wanted, the first ones; 0: all
    size_t total; // of them, when the rest is cut off
    size_t room;  // for rows, as they come
    bool few;     // there are more: what is last in `order` gives way
    ordering_t order;
} rows_t;

// Rows come one by one, n at most: rows_next is room for one, which is zeroed
// or has the cells of one that gave way; rows_put takes it.
void rows_begin(rows_t *self, size_t n);
cell_t *rows_next(rows_t *self);
void rows_put(rows_t *self);
// Whether a row of which the aggregates are known is behind all that are kept.
bool rows_is_behind(const rows_t *self, const cell_t *row);

// ERR_OVERFLOW, ERR_REGEX.
MUST_CHECK errcode_t rows_run(rows_t *self);

#endif
