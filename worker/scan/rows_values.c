// SPDX-License-Identifier: Apache-2.0
// The lines of a batch to the states of their groups. Nearly every aggregate
// is a count, or of a field as it is logged: those need no evaluator.
#include "worker/scan/places.h"
#include "worker/scan/rows_inside.h"

#include <string.h>

#define FEW 64u // groups

static void
add_lines(rows_t *self, uint32_t number, uint64_t n)
{
    agg_state_t *states = tally_states(self->tally, number);

    for (size_t a = 0; a < self->query->n_aggs; a++) {
        agg_add_lines(tally_state(self->tally, states, a), n);
    }
}

// Lines of few groups are counted beside the tally. In turn in two places:
// the next line, which is often of the same group, need not wait.
static void
count_few(rows_t *self, size_t n)
{
    uint32_t counts[2][FEW + 1] = {0}; // the last: of no group

    for (size_t i = 0; i < n; i++) {
        uint32_t number = self->numbers[i];
        counts[i & 1][number < FEW ? number : FEW]++;
    }
    for (uint32_t g = 0; g < FEW; g++) {
        if ((counts[0][g] | counts[1][g]) > 0) {
            add_lines(self, g, (uint64_t)counts[0][g] + counts[1][g]);
        }
    }
}

// Neighbours of the same group are counted at once.
static void
count_plainly(rows_t *self, size_t n)
{
    const uint32_t *numbers = self->numbers;

    if (tally_groups(self->tally) <= FEW) {
        count_few(self, n);
        return;
    }
    for (size_t i = 0; i < n;) {
        size_t same = 1;
        while (i + same < n && numbers[i + same] == numbers[i]) {
            same++;
        }
        if (numbers[i] != ROWS_NO_GROUP) {
            add_lines(self, numbers[i], same);
        }
        i += same;
    }
}

// An aggregate of a batch: its condition, and its values.
typedef struct value {
    size_t condition; // slot of what decides it, or NO_SLOT
    place_t place;
    bool lines; // all count, whatever they say
    bool plain; // no evaluator is needed
    const field_numbers_t
        *column; // its values, where they are read for all lines
    bool done;   // it was added as a column
} value_t;

static value_t
value_of(const rows_t *self, const batch_t *batch, size_t i)
{
    const query_agg_t *agg = &self->query->aggs[i];
    value_t c = {.condition = slot_of(batch, self->conditions[i].decides),
        .place = {FIELD_COUNT, NO_SLOT},
        .lines = agg->arg == NULL};

    c.plain =
        c.lines || (agg->arg->kind == EXPR_FIELD && agg->func != AGG_FIRST &&
                       agg->func != AGG_LAST && agg->arg->field != FIELD_HOST &&
                       agg->arg->field != FIELD_FILE);
    if (c.plain && !c.lines) {
        c.place = place_of(batch, agg->arg->field);
    }
    return c;
}

// Values of few lines are not worth those of all.
static bool
is_column(const rows_t *self, const batch_t *batch, const value_t *c, size_t n,
    size_t i)
{
    const query_agg_t *agg = &self->query->aggs[i];

    return c->plain && agg->filter == NULL && !agg_is_wide(agg->func) &&
           n >= batch->n / 2;
}

// Nothing of it can fail, and no line has to be loaded for it.
static void
add_column(rows_t *self, const value_t *c, size_t n, size_t agg)
{
    agg_func_t func = self->query->aggs[agg].func;

    for (size_t i = 0; i < n; i++) {
        uint8_t kind =
            c->lines ? NUMBER_THERE : c->column->kinds[self->selected[i]];
        if (self->numbers[i] == ROWS_NO_GROUP || kind != NUMBER_THERE) {
            self->bad_values +=
                self->numbers[i] != ROWS_NO_GROUP && kind == NUMBER_BAD;
            continue;
        }
        agg_state_t *state = tally_state(
            self->tally, tally_states(self->tally, self->numbers[i]), agg);
        if (func == AGG_COUNT) {
            agg_add_lines(state, 1);
        } else {
            agg_add(func, state, c->column->values[self->selected[i]]);
        }
    }
}

static void
add_columns(rows_t *self, const batch_t *batch, numbers_t *numbers, size_t n,
    value_t *values)
{
    for (size_t i = 0; i < self->query->n_aggs; i++) {
        value_t *c = &values[i];
        if (!is_column(self, batch, c, n, i)) {
            continue;
        }
        if (!c->lines) {
            c->column =
                numbers_of(numbers, batch, &self->of_batch, c->place.field);
        }
        c->done = c->lines || c->column != NULL;
        if (c->done) {
            add_column(self, c, n, i);
        }
    }
}

static void
load(rows_t *self, const batch_t *batch, size_t row)
{
    if (self->loaded != row) {
        rows_load(self, batch, row);
    }
}

// By the bytes of the field that decides, where there is one.
static errcode_t
meets(rows_t *self, const batch_t *batch, const value_t *c, size_t row,
    size_t agg, bool *met)
{
    size_t first = self->query->aggs[agg].condition;
    short_entry_t *entry = NULL;
    bool known = false;

    if (c->condition != NO_SLOT && self->met[first] == MET_UNKNOWN) {
        entry = shorts_find(self->conditions[first].verdicts,
            batch->spans[c->condition][row], &known);
    }
    if (known) {
        self->bad_values += entry->bad;
        self->met[first] = entry->found != 0 ? MET : MET_NOT;
    }
    uint64_t bad_before = self->bad_values;
    if (self->met[first] == MET_UNKNOWN) {
        load(self, batch, row);
    }
    errcode_t rc = rows_meets(self, agg, met);
    if (rc == ERR_OK && entry != NULL && !known) {
        shorts_put(entry, batch->spans[c->condition][row], *met,
            (uint32_t)(self->bad_values - bad_before));
    }
    return rc;
}

static errcode_t
add_plain(rows_t *self, const batch_t *batch, const value_t *c, size_t row,
    agg_state_t *states, size_t agg)
{
    cell_t cell = {.kind = CELL_MISSING};
    bool bad;

    if (c->lines) {
        agg_add_lines(tally_state(self->tally, states, agg), 1);
        return ERR_OK;
    }
    format_value(&self->of_batch, c->place.field,
        text_at(batch, &c->place, row), &cell, &bad);
    self->bad_values += bad ? 1 : 0;
    return cell.kind == CELL_MISSING ? ERR_OK
                                     : rows_add_value(self, states, agg, &cell);
}

static errcode_t
count_row(rows_t *self, const batch_t *batch, const value_t *values, size_t row,
    agg_state_t *states)
{
    errcode_t rc = ERR_OK;

    memset(self->met, MET_UNKNOWN, self->query->n_aggs);
    for (size_t a = 0; rc == ERR_OK && a < self->query->n_aggs; a++) {
        bool met = !values[a].done;
        if (self->query->aggs[a].filter != NULL) {
            rc = meets(self, batch, &values[a], row, a, &met);
        }
        if (rc != ERR_OK || !met) {
            continue;
        }
        if (values[a].plain) {
            rc = add_plain(self, batch, &values[a], row, states, a);
        } else {
            load(self, batch, row);
            rc = rows_add_agg(self, states, a);
        }
    }
    return rc;
}

static errcode_t
count_columns(rows_t *self, const batch_t *batch, numbers_t *numbers, size_t n)
{
    value_t values[LIMIT_QUERY_COLUMNS];
    errcode_t rc = ERR_OK;
    bool all = true;

    for (size_t a = 0; a < self->query->n_aggs; a++) {
        values[a] = value_of(self, batch, a);
    }
    add_columns(self, batch, numbers, n, values);
    for (size_t a = 0; a < self->query->n_aggs; a++) {
        all = all && values[a].done;
    }
    for (size_t i = 0; rc == ERR_OK && !all && i < n; i++) {
        size_t row = self->selected[i];
        self->looked_at = row;
        if (self->numbers[i] != ROWS_NO_GROUP) {
            rc = count_row(self, batch, values, row,
                tally_states(self->tally, self->numbers[i]));
        }
    }
    return rc;
}

errcode_t
rows_count_batch(
    rows_t *self, const batch_t *batch, numbers_t *numbers, size_t n)
{
    if (self->counts) {
        count_plainly(self, n);
        return ERR_OK;
    }
    errcode_t rc = count_columns(self, batch, numbers, n);
    errcode_t settled = tally_settle(self->tally); // nothing waits any more
    return rc != ERR_OK ? rc : settled;
}
