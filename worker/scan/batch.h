// SPDX-License-Identifier: Apache-2.0
// batch: some hundred lines of one block, as the fields that a query reads.
#ifndef LOGTALLY_WORKER_SCAN_BATCH_H
#define LOGTALLY_WORKER_SCAN_BATCH_H

#include "worker/format/format.h"

#define BATCH_LINES 256u
#define BATCH_SPANS 32u

// Accepted lines, field by field, and those that have to be read byte by
// byte (format_match), each without its newline, some perhaps blank. All is
// lent from the block.
typedef struct batch {
    size_t n;
    size_t n_odd;
    size_t n_spans;
    // Which; FIELD_LINE is the line, FIELD_COUNT of no use.
    field_t fields[BATCH_SPANS];
    span_t spans[BATCH_SPANS][BATCH_LINES];
    uint32_t begins[BATCH_LINES]; // offsets in the block
    span_t odd[BATCH_LINES];
} batch_t;

#endif
