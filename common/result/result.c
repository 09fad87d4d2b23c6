// SPDX-License-Identifier: Apache-2.0
// The merged table to rows and the rows to a result.
//
// All groups are in memory at 48 bytes a cell, once: while they are sorted
// and cut their texts are those of the table, and only rows that are left
// get their own. Thirty million groups of two columns are 3 GB here; beyond
// that a sort on disk would have to come. Where the first stages keep few
// rows, no others are kept to begin with (rows_begin).
#include "common/result/result.h"

#include "common/base/xalloc.h"
#include "common/result/facet.h"
#include "common/result/memory.h"
#include "common/result/rows.h"

#include <stdlib.h>
#include <string.h>

// Most groups are told by their aggregates to be behind those that are kept,
// which takes no look at the key. Numbers that cannot be one are an error of
// every group, kept or not.
static errcode_t
fill_row(rows_t *self, facet_t *facet, const tally_t *tally,
    const tally_entry_t *entry)
{
    cell_t *row = rows_next(self);
    bool ours;
    errcode_t wrong = facet_aggs(facet, tally, entry, row);

    if (wrong == ERR_OK && facet->sure && rows_is_behind(self, row)) {
        return ERR_OK;
    }
    errcode_t rc = facet_look(facet, tally, entry, &ours);
    if (rc != ERR_OK || !ours) {
        return rc;
    }
    if (wrong == ERR_OK) {
        facet_keys(facet, row);
        rows_put(self);
    }
    return wrong;
}

static errcode_t
fill_part(rows_t *self, facet_t *facet, tally_t *tally)
{
    errcode_t rc = ERR_OK;

    if (facet->own) {
        tally_list_values(tally);
    }
    for (size_t i = 0; i < tally_groups(tally) && rc == ERR_OK; i++) {
        tally_entry_t entry = tally_entry(tally, i);
        rc = fill_row(self, facet, tally, &entry);
    }
    return rc;
}

static errcode_t
fill_rows(rows_t *self, facet_t *facet, tally_t *const *parts, size_t n_parts)
{
    size_t n = 0;
    errcode_t rc = ERR_OK;

    for (size_t i = 0; i < n_parts; i++) {
        n += tally_groups(parts[i]);
    }
    rows_begin(self, n);
    for (size_t i = 0; i < n_parts && rc == ERR_OK; i++) {
        rc = fill_part(self, facet, parts[i]);
    }
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

// From a table with the query's keys. *all of the rows, `most` of which are
// wanted.
static errcode_t
build(facet_t *facet, tally_t *const *parts, size_t n_parts, size_t most,
    size_t *all, result_t **out)
{
    rows_t rows = {
        .query = facet->query, .memory = result_memory_new(), .most = most};
    errcode_t rc = fill_rows(&rows, facet, parts, n_parts);

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

static errcode_t
build_rolled(facet_t *facet, tally_t *const *parts, size_t n_parts, size_t most,
    size_t *all, result_t **out)
{
    tally_t *tally;
    facet_t own = {0};
    errcode_t rc = facet_roll(facet, parts, n_parts, &tally);

    if (rc == ERR_OK) {
        rc = facet_init(&own, facet->query, NULL, facet->query);
    }
    if (rc == ERR_OK) {
        rc = build(&own, &tally, 1, most, all, out);
    }
    facet_fini(&own);
    tally_destroy(&tally);
    return rc;
}

errcode_t
result_build_first(const query_t *query, const share_t *share,
    tally_t *const *parts, size_t n_parts, size_t most, size_t *all,
    result_t **out)
{
    facet_t *facet = xcalloc(1, sizeof *facet);
    errcode_t rc = facet_init(facet, query, share, tally_query(parts[0]));

    *out = NULL;
    *all = 0;
    if (rc == ERR_OK) {
        rc = share != NULL && share->rolls
                 ? build_rolled(facet, parts, n_parts, most, all, out)
                 : build(facet, parts, n_parts, most, all, out);
    }
    facet_fini(facet);
    free(facet);
    return rc;
}

errcode_t
result_build(
    const query_t *query, tally_t *const *parts, size_t n_parts, result_t **out)
{
    size_t all;

    return result_build_first(query, NULL, parts, n_parts, 0, &all, out);
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
