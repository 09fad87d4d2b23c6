// SPDX-License-Identifier: Apache-2.0
// The merged table to rows and the rows to a result.
//
// All groups are in memory at 48 bytes a cell, once: while they are sorted
// and cut their texts are those of the table, and only rows that are left
// get their own. Thirty million groups of two columns are 3 GB here; beyond
// that a sort on disk would have to come.
#include "common/result/result.h"

#include "common/base/xalloc.h"
#include "common/result/memory.h"
#include "common/result/rows.h"

#include <stdlib.h>
#include <string.h>

static errcode_t
fill_row(const tally_t *tally, const tally_entry_t *entry, cell_t *row)
{
    const query_t *q = tally_query(tally);
    rd_t r = rd_init(entry->key);
    errcode_t rc = ERR_OK;

    for (size_t i = 0; i < q->n_keys && rc == ERR_OK; i++) {
        rc = cell_decode(&r, &row[i]);
        if (rc == ERR_OK && !cell_fits(&row[i], q->columns[i].type)) {
            rc = ERR_MALFORMED; // only a worker that lies says so
        }
    }
    for (size_t i = q->n_keys; i < q->n_keys + q->n_aggs && rc == ERR_OK; i++) {
        rc = tally_value(tally, entry->states, i - q->n_keys, &row[i]);
        if (rc == ERR_OK && !cell_fits(&row[i], q->columns[i].type)) {
            rc = ERR_MALFORMED;
        }
    }
    return rc;
}

static errcode_t
fill_part(rows_t *self, tally_t *tally)
{
    size_t n = tally_groups(tally), columns = self->query->n_columns;
    errcode_t rc = ERR_OK;

    tally_list(tally);
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        tally_entry_t entry = tally_entry(tally, i);
        cell_t *row = self->cells + self->n * columns;
        self->list[self->n++] = row;
        rc = fill_row(tally, &entry, row);
    }
    return rc;
}

static errcode_t
fill_rows(rows_t *self, tally_t *const *parts, size_t n_parts)
{
    size_t n = 0;
    errcode_t rc = ERR_OK;

    for (size_t i = 0; i < n_parts; i++) {
        n += tally_groups(parts[i]);
    }
    self->cells = xcalloc(n * self->query->n_columns + 1, sizeof(cell_t));
    self->list = xcalloc(n + 1, sizeof(cell_t *));
    for (size_t i = 0; i < n_parts && rc == ERR_OK; i++) {
        rc = fill_part(self, parts[i]);
    }
    self->n_all = self->n;
    return rc;
}

// Moves every row to its place in the list, along the cycles of that
// permutation; the list is used up.
static void
move_rows(rows_t *self)
{
    size_t columns = self->query->n_columns, len = columns * sizeof(cell_t);
    cell_t *aside = xmalloc(len);

    for (size_t i = 0; i < self->n_all; i++) {
        cell_t *first = self->cells + i * columns, *to = first;
        size_t at = i;
        if (self->list[i] == NULL) {
            continue;
        }
        memcpy(aside, first, len);
        while (self->list[at] != first) {
            cell_t *from = self->list[at];
            memcpy(to, from, len);
            self->list[at] = NULL;
            to = from;
            at = (size_t)(from - self->cells) / columns;
        }
        memcpy(to, aside, len);
        self->list[at] = NULL;
    }
    free(aside);
}

// The cells of the rows that are left. Few are copied; many stay in place, so
// that they need no second room.
static cell_t *
take_cells(rows_t *self)
{
    size_t columns = self->query->n_columns;
    cell_t *cells;

    if (self->n > self->n_all / 4) {
        move_rows(self);
        cells = xrealloc(self->cells, (self->n * columns + 1) * sizeof *cells);
        self->cells = NULL;
        return cells;
    }
    cells = xcalloc(self->n * columns + 1, sizeof *cells);
    for (size_t i = 0; i < self->n; i++) {
        memcpy(cells + i * columns, self->list[i], columns * sizeof *cells);
    }
    return cells;
}

// At most `most` bytes, and whole characters.
static size_t
cut_text(span_t text, size_t most)
{
    size_t len = text.len < most ? text.len : most;

    while (len < text.len && len > 0 && (text.p[len] & 0xc0) == 0x80) {
        len--;
    }
    return len;
}

void
result_cut(result_t *self, size_t rows, size_t text)
{
    self->n_rows = rows < self->n_rows ? rows : self->n_rows;
    for (size_t i = 0; i < self->n_rows * self->n_columns; i++) {
        cell_t *cell = &self->cells[i];
        if (cell->kind == CELL_TEXT) {
            cell->text.len = cut_text(cell->text, text);
        }
    }
    result_fingerprint(self, self->receipt.fingerprint);
}

static result_t *
make_result(rows_t *rows)
{
    const query_t *q = rows->query;
    result_t *self = xcalloc(1, sizeof *self);

    self->query = xstrdup(q->canonical);
    self->n_columns = q->n_columns;
    self->columns = xcalloc(q->n_columns, sizeof *self->columns);
    for (size_t i = 0; i < q->n_columns; i++) {
        self->columns[i].name = xstrdup(q->columns[i].name);
        self->columns[i].type = q->columns[i].type;
    }
    self->n_rows = rows->n;
    self->cells = take_cells(rows);
    self->memory = result_memory_new();
    for (size_t i = 0; i < self->n_rows * self->n_columns; i++) {
        cell_t *cell = &self->cells[i];
        if (cell->kind == CELL_TEXT) {
            cell->text = result_keep(self->memory, cell->text);
        }
    }
    result_fingerprint(self, self->receipt.fingerprint);
    return self;
}

errcode_t
result_build(
    const query_t *query, tally_t *const *parts, size_t n_parts, result_t **out)
{
    size_t all;

    return result_build_first(query, parts, n_parts, 0, &all, out);
}

errcode_t
result_build_first(const query_t *query, tally_t *const *parts, size_t n_parts,
    size_t most, size_t *all, result_t **out)
{
    rows_t rows = {.query = query, .memory = result_memory_new(), .most = most};
    errcode_t rc = fill_rows(&rows, parts, n_parts);

    *out = NULL;
    if (rc == ERR_OK) {
        rc = rows_run(&rows);
    }
    if (rc == ERR_OK) {
        *out = make_result(&rows);
    }
    *all = rows.total;
    result_memory_destroy(&rows.memory);
    free(rows.list);
    free(rows.cells);
    return rc;
}

static void
destroy_one(result_t *self)
{
    for (size_t i = 0; i < self->n_columns; i++) {
        free(self->columns[i].name);
    }
    free(self->columns);
    free(self->cells);
    free(self->name);
    free(self->query);
    receipt_fini(&self->receipt);
    result_memory_destroy(&self->memory);
    free(self);
}

void
result_destroy(result_t **self_p)
{
    result_t *next;

    for (result_t *self = *self_p; self != NULL; self = next) {
        next = self->next;
        destroy_one(self);
    }
    *self_p = NULL;
}
