// SPDX-License-Identifier: Apache-2.0
// What rows.c, a line at a time, and rows_batch.c share.
#ifndef LOGTALLY_WORKER_SCAN_ROWS_INSIDE_H
#define LOGTALLY_WORKER_SCAN_ROWS_INSIDE_H

#include "common/base/limits.h"
#include "common/query/eval.h"
#include "worker/scan/memo.h"
#include "worker/scan/rows.h"
#include "worker/scan/shorts.h"

#define MEMO_TRIAL    4096u      // questions, before it is judged
#define ROWS_NO_GROUP UINT32_MAX // of a line that lacks a key it must have

// The if(...) of aggregates, which several may have.
typedef struct condition {
    field_t decides;    // the one field that it reads, or FIELD_COUNT
    shorts_t *verdicts; // by the bytes of that field, or NULL
} condition_t;

typedef enum { MET_UNKNOWN, MET_NOT, MET } met_t;

struct rows {
    const query_t *query;
    tally_t *tally;
    eval_t *eval;
    eval_row_t row;
    const line_fields_t *line;
    line_fields_t of_batch; // `line`, while a batch is added
    span_t host;
    span_t path;
    uint64_t bad_values;
    buf_t key;  // reused
    buf_t keys; // of up to TALLY_BATCH lines
    memo_t *memo;
    bool plain; // every key is a field, with or without a bucket
    // Where they are not: what their expressions read, if that is all.
    field_t derived[FIELD_COUNT];
    size_t n_derived;
    bool text;      // every key is a text as it was logged
    bool long_tail; // of so many that the memo is of no use
    uint32_t asked; // the memo, of late; and what it did not know
    uint32_t unknown;
    bool counts;      // every aggregate counts lines, all of them
    field_t decides;  // the one field that the filter reads, or FIELD_COUNT
    size_t looked_at; // line of the batch
    size_t loaded;    // it, when its fields are those of of_batch
    condition_t *conditions;          // of each aggregate that has it first
    uint8_t met[LIMIT_QUERY_COLUMNS]; // whether the line meets each
    uint8_t slots[BATCH_SPANS];       // spans of the batch that the query reads
    size_t n_slots;
    uint8_t own[LIMIT_FREE_NAMES]; // places in line_fields_t
    uint8_t raw[MEMO_RAW_MAX];
    uint16_t selected[BATCH_LINES];
    uint32_t numbers[BATCH_LINES]; // groups of the selected lines
    bool shorts_hold;  // else these, and of the conditions, hold anything
    shorts_t verdicts; // of the filter, by the bytes of the field that decides
    shorts_t groups;   // of the tally, by the bytes of the only key
};

// Each for the line that self->line is.
MUST_CHECK errcode_t rows_pass(rows_t *self, bool *pass);
// Appends the encoded key.
MUST_CHECK errcode_t rows_key(rows_t *self, buf_t *out, bool *has_group);
// By the memo where there can be one. *number is the group's in the tally, or
// ROWS_NO_GROUP.
MUST_CHECK errcode_t rows_group(rows_t *self, uint32_t *number);
// Whether the memo knows the group by the bytes of the only key.
bool rows_recalls(rows_t *self, span_t key, uint32_t *number);
MUST_CHECK errcode_t rows_count(rows_t *self, uint32_t number);
// Whether the condition of the aggregate is met; said once for all that have
// it.
MUST_CHECK errcode_t rows_meets(rows_t *self, size_t agg, bool *met);
// Of a line that meets it.
MUST_CHECK errcode_t rows_add_agg(
    rows_t *self, agg_state_t *states, size_t agg);
// A value that is not missing.
MUST_CHECK errcode_t rows_add_value(
    rows_t *self, agg_state_t *states, size_t agg, const cell_t *value);

// Empties what is known of short values, unless it holds.
void rows_ready_shorts(rows_t *self);
// The one field that a filter reads, or FIELD_COUNT.
field_t rows_decides(const filter_t *filter);
// Makes a line of the batch the one that is looked at.
void rows_load(rows_t *self, const batch_t *batch, size_t row);
#define ROWS_NONE SIZE_MAX // no line is loaded
// The selected lines, n of them, to the groups of self->numbers.
MUST_CHECK errcode_t rows_count_batch(
    rows_t *self, const batch_t *batch, numbers_t *numbers, size_t n);

#endif
