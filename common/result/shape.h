// SPDX-License-Identifier: Apache-2.0
// shape: which chart tells what a result says. It is known by the query, so
// that equal queries always look alike, whatever the rows are.
#ifndef LOGTALLY_COMMON_RESULT_SHAPE_H
#define LOGTALLY_COMMON_RESULT_SHAPE_H

#include "common/result/result.h"

typedef enum {
    SHAPE_NONE,    // the table alone
    SHAPE_FIGURES, // one row of numbers
    SHAPE_TIME,    // over the instants of x, `step` apart
    SHAPE_STEPS,   // over the numbers of x, `step` apart (0: not known)
    SHAPE_HEAT,    // hour of the day by day of the week
    SHAPE_BARS,    // a bar for each row, in their order
    SHAPE_COUNT_
} shape_kind_t;

typedef struct shape {
    shape_kind_t kind;
    size_t n_keys; // the columns of the keys come first
    size_t x;      // TIME, STEPS, HEAT (hours)
    size_t y;      // HEAT (days)
    dec_t step;
    // Each key that has lines has its row: what is not there is zero.
    bool whole;
} shape_t;

const char *shape_name(shape_kind_t kind); // "time", "bars", ...
// NONE for a text that is no query of these columns.
void shape_of(const result_t *result, shape_t *out);
// Whether the values of a column of this query add up: counts and sums. false
// for its keys.
bool shape_adds(const query_t *query, size_t column);
// The query of a result, NULL if its text is none; to be destroyed.
query_t *shape_query(const result_t *result);

#endif
