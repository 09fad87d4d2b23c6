// SPDX-License-Identifier: Apache-2.0
// The lines of a batch to the states of their groups. Nearly every aggregate
// is a count, or of a field as it is logged: those need no evaluator.
#include "worker/scan/places.h"
#include "worker/scan/rows_inside.h"

// Neighbours of the same group are counted at once.
static void
count_plainly(rows_t *self, size_t n)
{
    const uint32_t *numbers = self->numbers;

    for (size_t i = 0; i < n;) {
        size_t same = 1;
        while (i + same < n && numbers[i + same] == numbers[i]) {
            same++;
        }
        if (numbers[i] != ROWS_NO_GROUP) {
            agg_state_t *states = tally_states(self->tally, numbers[i]);
            for (size_t a = 0; a < self->query->n_aggs; a++) {
                agg_add_lines(tally_state(self->tally, states, a), same);
            }
        }
        i += same;
    }
}

// The values of an aggregate in a batch.
typedef struct value {
    place_t place;
    bool lines; // all count, whatever they say
    bool plain; // no evaluator is needed
} value_t;

static value_t
value_of(const query_agg_t *agg, const batch_t *batch)
{
    value_t c = {{FIELD_COUNT, NO_SLOT}, false, false};

    if (agg->filter != NULL) {
        return c;
    }
    c.lines = agg->arg == NULL;
    c.plain =
        c.lines || (agg->arg->kind == EXPR_FIELD && agg->func != AGG_FIRST &&
                       agg->func != AGG_LAST && agg->arg->field != FIELD_HOST &&
                       agg->arg->field != FIELD_FILE);
    if (c.plain && !c.lines) {
        c.place = place_of(batch, agg->arg->field);
    }
    return c;
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

    for (size_t a = 0; rc == ERR_OK && a < self->query->n_aggs; a++) {
        rc = values[a].plain
                 ? add_plain(self, batch, &values[a], row, states, a)
                 : rows_add_agg(self, states, a);
    }
    return rc;
}

static errcode_t
count_columns(rows_t *self, const batch_t *batch, size_t n)
{
    value_t values[LIMIT_QUERY_COLUMNS];
    errcode_t rc = ERR_OK;
    bool plain = true;

    for (size_t a = 0; a < self->query->n_aggs; a++) {
        values[a] = value_of(&self->query->aggs[a], batch);
        plain = plain && values[a].plain;
    }
    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        size_t row = self->selected[i];
        if (!plain) {
            rows_load(self, batch, row);
        }
        self->looked_at = row;
        if (self->numbers[i] != ROWS_NO_GROUP) {
            rc = count_row(self, batch, values, row,
                tally_states(self->tally, self->numbers[i]));
        }
    }
    return rc;
}

errcode_t
rows_count_batch(rows_t *self, const batch_t *batch, size_t n)
{
    if (self->counts) {
        count_plainly(self, n);
        return ERR_OK;
    }
    errcode_t rc = count_columns(self, batch, n);
    errcode_t settled = tally_settle(self->tally); // nothing waits any more
    return rc != ERR_OK ? rc : settled;
}
