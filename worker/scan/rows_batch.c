// SPDX-License-Identifier: Apache-2.0
// A batch goes through filter, keys and counting one after the other, so that
// each works on many lines at a time. What was said lately is known by its
// bytes (shorts.h, memo.h).
#include "worker/scan/places.h"
#include "worker/scan/rows_inside.h"

#include "common/base/limits.h"

#include <string.h>

// The spans that the query reads: a batch has those of all queries.
static void
choose_slots(rows_t *self, const batch_t *batch)
{
    uint64_t wanted = self->query->fields;

    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        if ((wanted >> f & 1) != 0 && format_is_of_request((field_t)f)) {
            wanted |= 1u << FIELD_URL | 1u << FIELD_REQUEST;
        }
    }
    self->n_slots = 0;
    for (size_t i = 0; i < batch->n_spans; i++) {
        field_t field = batch->fields[i];
        if (field > FIELD_COUNT || (wanted >> field & 1) != 0) {
            self->slots[self->n_slots++] = (uint8_t)i;
        }
    }
}

void
rows_load(rows_t *self, const batch_t *batch, size_t row)
{
    for (size_t k = 0; k < self->n_slots; k++) {
        size_t i = self->slots[k];
        span_t *to = batch->fields[i] == FIELD_LINE
                         ? &self->of_batch.line
                         : &self->of_batch.fields[batch->fields[i]];
        *to = batch->spans[i][row];
    }
    self->line = &self->of_batch;
    self->looked_at = row;
    self->loaded = row;
    eval_next_row(self->eval);
}

// What a line is found to be: whether it passes (0, 1), or its group.
typedef errcode_t (*find_t)(rows_t *, uint32_t *found);

// By the bytes of the one field it depends on, or by the line.
static inline errcode_t
find_by_bytes(rows_t *self, const batch_t *batch, size_t slot, size_t row,
    shorts_t *shorts, find_t find, uint32_t *found)
{
    span_t text = batch->spans[slot][row];
    bool known = false;
    short_entry_t *entry = shorts_find(shorts, text, &known);

    if (known) {
        self->bad_values += entry->bad;
        *found = entry->found;
        return ERR_OK;
    }
    uint64_t bad_before = self->bad_values;
    rows_load(self, batch, row);
    errcode_t rc = find(self, found);
    if (rc == ERR_OK && entry != NULL) {
        shorts_put(
            entry, text, *found, (uint32_t)(self->bad_values - bad_before));
    }
    return rc;
}

static errcode_t
find_verdict(rows_t *self, uint32_t *found)
{
    bool pass;
    errcode_t rc = rows_pass(self, &pass);

    *found = pass;
    return rc;
}

// The lines that pass the filter, into self->selected; without one that says
// "all" from the beginning.
static errcode_t
select_lines(rows_t *self, const batch_t *batch, size_t *n)
{
    size_t slot = slot_of(batch, self->decides);
    errcode_t rc = ERR_OK;

    if (self->query->filter == NULL) {
        *n = batch->n;
        return ERR_OK;
    }
    *n = 0;
    for (size_t row = 0; rc == ERR_OK && row < batch->n; row++) {
        uint32_t pass = 1;
        if (slot != NO_SLOT) {
            rc = find_by_bytes(
                self, batch, slot, row, &self->verdicts, find_verdict, &pass);
        } else {
            rows_load(self, batch, row);
            rc = find_verdict(self, &pass);
        }
        self->selected[*n] = (uint16_t)row;
        *n += pass;
    }
    return rc;
}

static inline void
put_key(rows_t *self, const batch_t *batch, const place_t *at, size_t row)
{
    // Host and file are not logged: what they are is never missing.
    if (at->field == FIELD_HOST || at->field == FIELD_FILE) {
        cell_encode_text(
            at->field == FIELD_HOST ? self->host : self->path, &self->keys);
        return;
    }
    span_t text = text_at(batch, at, row);
    if (format_is_missing(text)) {
        cell_encode_missing(&self->keys);
    } else {
        cell_encode_text(text, &self->keys);
    }
}

// Keys of up to TALLY_BATCH lines, made and looked up together.
static errcode_t
group_some(rows_t *self, const batch_t *batch, const place_t *places,
    const uint16_t *selected, size_t n, uint32_t *numbers)
{
    size_t ends[TALLY_BATCH];
    span_t keys[TALLY_BATCH];

    buf_clear(&self->keys);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < self->query->n_keys; k++) {
            put_key(self, batch, &places[k], selected[i]);
        }
        ends[i] = self->keys.len;
    }
    for (size_t i = 0; i < n; i++) {
        size_t begin = i > 0 ? ends[i - 1] : 0;
        keys[i] = (span_t){self->keys.p + begin, ends[i] - begin};
    }
    return tally_groups_find(self->tally, keys, n, numbers);
}

// Keys that are texts need no parsing, and no memo.
static errcode_t
group_texts(rows_t *self, const batch_t *batch, size_t n)
{
    place_t places[LIMIT_QUERY_COLUMNS];
    errcode_t rc = ERR_OK;

    for (size_t k = 0; k < self->query->n_keys; k++) {
        places[k] = place_of(batch, self->query->keys[k].expr->field);
    }
    for (size_t i = 0; rc == ERR_OK && i < n; i += TALLY_BATCH) {
        size_t some = n - i < TALLY_BATCH ? n - i : TALLY_BATCH;
        rc = group_some(
            self, batch, places, self->selected + i, some, self->numbers + i);
    }
    return rc;
}

// Keys that the memo seldom knows are looked up many at a time.
static bool
is_long_tailed(rows_t *self)
{
    if (self->asked >= MEMO_TRIAL) {
        self->long_tail = self->unknown > self->asked / 4;
        self->asked = self->unknown = 0;
    }
    return self->long_tail;
}

// The lines in front whose text is short and known: how many they are.
static size_t
group_shorts(rows_t *self, const span_t *texts, const uint16_t *rows, size_t n,
    uint32_t *numbers)
{
    uint64_t bad = 0;
    size_t i = 0;

    for (; i < n; i++) {
        bool known = false;
        const short_entry_t *entry =
            shorts_find(&self->groups, texts[rows[i]], &known);
        if (!known) {
            break;
        }
        bad += entry->bad;
        numbers[i] = entry->found;
    }
    self->bad_values += bad;
    return i;
}

// Logs are written as time goes on: lines that follow each other often have
// the same time. Short texts are found as fast as they are compared.
static errcode_t
group_by_bytes(rows_t *self, const batch_t *batch, size_t slot, size_t n)
{
    span_t last = {0};
    uint32_t number = ROWS_NO_GROUP; // of it
    uint64_t bad = 0;
    errcode_t rc = ERR_OK;

    for (size_t i = 0; rc == ERR_OK; i++) {
        i += group_shorts(self, batch->spans[slot], self->selected + i, n - i,
            self->numbers + i);
        if (i == n) {
            break;
        }
        span_t text = batch->spans[slot][self->selected[i]];
        bool is_short = text.len <= SHORTS_LEN;
        if (!is_short && span_eq(text, last)) {
            self->numbers[i] = number;
            self->bad_values += bad;
            continue;
        }
        uint64_t before = self->bad_values;
        if (is_short || !rows_recalls(self, text, &self->numbers[i])) {
            rc = find_by_bytes(self, batch, slot, self->selected[i],
                &self->groups, rows_group, &self->numbers[i]);
        }
        if (!is_short) {
            last = text;
            number = self->numbers[i];
            bad = self->bad_values - before;
        }
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

    if (self->text && (slot == NO_SLOT || is_long_tailed(self))) {
        return group_texts(self, batch, n);
    }
    if (slot != NO_SLOT) {
        return group_by_bytes(self, batch, slot, n);
    }
    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        if (i == 0 || query->n_keys > 0) {
            rows_load(self, batch, self->selected[i]);
            rc = rows_group(self, &self->numbers[i]);
        } else {
            self->numbers[i] = self->numbers[0];
        }
    }
    return rc;
}

errcode_t
rows_add_batch(rows_t *self, const batch_t *batch, numbers_t *numbers,
    uint64_t *bad_values, size_t *failed)
{
    size_t n;

    self->bad_values = 0;
    self->loaded = ROWS_NONE;
    rows_ready_shorts(self);
    choose_slots(self, batch);
    errcode_t rc = select_lines(self, batch, &n);
    rc = rc != ERR_OK ? rc : find_groups(self, batch, n);
    rc = rc != ERR_OK ? rc : rows_count_batch(self, batch, numbers, n);
    *bad_values += self->bad_values;
    *failed = self->looked_at;
    return rc;
}
