// SPDX-License-Identifier: Apache-2.0
// rows: the table on its way to a result. Nothing outside common/result
// includes this.
#ifndef LOGTALLY_COMMON_RESULT_ROWS_H
#define LOGTALLY_COMMON_RESULT_ROWS_H

#include "common/result/memory.h"

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
} rows_t;

// ERR_OVERFLOW, ERR_REGEX.
MUST_CHECK errcode_t rows_run(rows_t *self);

#endif
