// SPDX-License-Identifier: Apache-2.0
// rows: accepted lines into the group table: filter, keys, aggregates.
//
// Not thread-safe. Queries and tally are lent for the life of a rows_t; a line
// for the call.
#ifndef LOGTALLY_WORKER_SCAN_ROWS_H
#define LOGTALLY_WORKER_SCAN_ROWS_H

#include "common/tally/tally.h"
#include "worker/scan/numbers.h"

typedef struct rows rows_t;

// reads: as in queries_t; its names say where own fields of a line are.
// ERR_REGEX as eval_new.
MUST_CHECK errcode_t rows_new(
    const query_t *query, const query_t *reads, tally_t *tally, rows_t **out);
void rows_destroy(rows_t **self_p);
// Where the lines to come were read; lent until the next call. `of`: their
// format, written and guessed.
void rows_place(
    rows_t *self, const char *host, const char *path, const line_fields_t *of);

// Adds to *bad_values. ERR_OVERFLOW, ERR_REGEX, ERR_TOO_LARGE (budget).
MUST_CHECK errcode_t rows_add(
    rows_t *self, const line_fields_t *line, uint64_t *bad_values);
// The accepted lines of a batch, whose spans have eight readable bytes and
// more behind them. `numbers` are of the batch, for all queries. On an error
// *failed is the line of the batch.
MUST_CHECK errcode_t rows_add_batch(rows_t *self, const batch_t *batch,
    numbers_t *numbers, uint64_t *bad_values, size_t *failed);
// Makes the one row of a query without keys, counted or not.
MUST_CHECK errcode_t rows_finish(rows_t *self);

#endif
