// SPDX-License-Identifier: Apache-2.0
// numbers: what the lines of a batch have in a field of numbers, read once for
// all queries that ask for it.
#ifndef LOGTALLY_WORKER_SCAN_NUMBERS_H
#define LOGTALLY_WORKER_SCAN_NUMBERS_H

#include "common/base/dec.h"
#include "worker/scan/batch.h"

typedef enum { NUMBER_MISSING, NUMBER_BAD, NUMBER_THERE } number_kind_t;

// By line of the batch.
typedef struct field_numbers {
    bool known;
    uint8_t kinds[BATCH_LINES];
    dec_t values[BATCH_LINES];
} field_numbers_t;

typedef struct numbers {
    field_numbers_t *columns[FIELD_COUNT]; // those that were asked for
} numbers_t;

void numbers_fini(numbers_t *self);
void numbers_forget(numbers_t *self); // another batch comes
// Lent until then; `of` is how the lines are written. NULL for a field of no
// numbers, and for times, whose reading is noted (line_fields_t.guessed) and so
// is for lines alone that somebody wants the time of.
const field_numbers_t *numbers_of(numbers_t *self, const batch_t *batch,
    const line_fields_t *of, field_t field);

#endif
