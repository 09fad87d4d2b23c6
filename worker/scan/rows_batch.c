// SPDX-License-Identifier: Apache-2.0
// A batch goes through filter, keys and counting one after the other, so that
// each works on many lines at a time. What was said lately is known by its
// bytes (shorts.h, memo.h).
#include "worker/scan/rows_inside.h"

#include <string.h>

#define NO_SLOT SIZE_MAX

static size_t
slot_of(const batch_t *batch, field_t field)
{
    for (size_t i = 0; i < batch->n_spans; i++) {
        if (batch->fields[i] == field) {
            return i;
        }
    }
    return NO_SLOT;
}

// Makes a line of the batch the one that is looked at.
static void
load(rows_t *self, const batch_t *batch, size_t row)
{
    for (size_t i = 0; i < batch->n_spans; i++) {
        span_t *to = batch->fields[i] == FIELD_LINE
                         ? &self->of_batch.line
                         : &self->of_batch.fields[batch->fields[i]];
        *to = batch->spans[i][row];
    }
    self->line = &self->of_batch;
    self->looked_at = row;
    eval_next_row(self->eval);
}

static errcode_t
pass_by_bytes(
    rows_t *self, const batch_t *batch, size_t slot, size_t row, bool *pass)
{
    span_t text = batch->spans[slot][row];
    short_entry_t *entry = NULL;
    uint64_t word = 0;

    if (text.len <= SHORTS_LEN) {
        word = shorts_word(text);
        entry = shorts_at(&self->verdicts, word);
        if (shorts_is(entry, word, text.len)) {
            self->bad_values += entry->bad;
            *pass = entry->found != 0;
            return ERR_OK;
        }
    }
    uint64_t bad_before = self->bad_values;
    load(self, batch, row);
    errcode_t rc = rows_pass(self, pass);
    if (rc == ERR_OK && entry != NULL) {
        *entry = (short_entry_t){word, (uint32_t)text.len + 1,
            (uint32_t)(self->bad_values - bad_before), *pass};
    }
    return rc;
}

// The lines that pass the filter, into self->selected.
static errcode_t
select_lines(rows_t *self, const batch_t *batch, size_t *n)
{
    size_t slot = slot_of(batch, self->decides);
    errcode_t rc = ERR_OK;

    *n = 0;
    for (size_t row = 0; rc == ERR_OK && row < batch->n; row++) {
        bool pass = true;
        if (slot != NO_SLOT) {
            rc = pass_by_bytes(self, batch, slot, row, &pass);
        } else if (self->query->filter != NULL) {
            load(self, batch, row);
            rc = rows_pass(self, &pass);
        }
        self->selected[*n] = (uint16_t)row;
        *n += pass;
    }
    return rc;
}

static errcode_t
group_by_bytes(rows_t *self, const batch_t *batch, size_t slot, size_t row,
    uint32_t *number)
{
    span_t text = batch->spans[slot][row];
    short_entry_t *entry = NULL;
    uint64_t word = 0;

    if (text.len <= SHORTS_LEN) {
        word = shorts_word(text);
        entry = shorts_at(&self->groups, word);
        if (shorts_is(entry, word, text.len)) {
            self->bad_values += entry->bad;
            *number = entry->found;
            return ERR_OK;
        }
    }
    uint64_t bad_before = self->bad_values;
    load(self, batch, row);
    errcode_t rc = rows_group(self, number);
    if (rc == ERR_OK && entry != NULL) {
        *entry = (short_entry_t){word, (uint32_t)text.len + 1,
            (uint32_t)(self->bad_values - bad_before), *number};
    }
    return rc;
}

// Keys that are texts need no parsing: they are made and looked up together.
static errcode_t
group_texts(rows_t *self, const batch_t *batch, size_t n)
{
    errcode_t rc = ERR_OK;

    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        load(self, batch, self->selected[i]);
        rc = rows_group(self, &self->numbers[i]);
    }
    return rc;
}

// The groups of the selected lines, into self->numbers.
static errcode_t
find_groups(rows_t *self, const batch_t *batch, size_t n)
{
    const query_t *query = self->query;
    bool one = query->n_keys == 1 && self->plain;
    size_t slot = one ? slot_of(batch, query->keys[0].expr->field) : NO_SLOT;
    errcode_t rc = ERR_OK;

    if (slot == NO_SLOT && self->text) {
        return group_texts(self, batch, n);
    }
    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        if (slot != NO_SLOT) {
            rc = group_by_bytes(
                self, batch, slot, self->selected[i], &self->numbers[i]);
        } else if (i == 0 || query->n_keys > 0) {
            load(self, batch, self->selected[i]);
            rc = rows_group(self, &self->numbers[i]);
        } else {
            self->numbers[i] = self->numbers[0];
        }
    }
    return rc;
}

static errcode_t
count_lines(rows_t *self, const batch_t *batch, size_t n)
{
    size_t n_aggs = self->query->n_aggs;
    errcode_t rc = ERR_OK;

    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        if (self->counts) {
            agg_state_t *states = tally_states(self->tally, self->numbers[i]);
            for (size_t a = 0; a < n_aggs; a++) {
                agg_add_lines(&states[a], 1);
            }
        } else {
            load(self, batch, self->selected[i]);
            rc = rows_count(self, self->numbers[i]);
        }
    }
    return rc;
}

errcode_t
rows_add_batch(
    rows_t *self, const batch_t *batch, uint64_t *bad_values, size_t *failed)
{
    size_t n;

    self->bad_values = 0;
    errcode_t rc = select_lines(self, batch, &n);
    rc = rc != ERR_OK ? rc : find_groups(self, batch, n);
    rc = rc != ERR_OK ? rc : count_lines(self, batch, n);
    *bad_values += self->bad_values;
    *failed = self->looked_at;
    return rc;
}
