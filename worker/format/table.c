// SPDX-License-Identifier: Apache-2.0
// Lines whose fields are named once, by a header: csv and tsv by the first
// line of a file, w3c by directives, which may come again.
#include "worker/format/reading_inside.h"

#include "worker/format/find.h"

#include <string.h>

typedef struct cells {
    const uint8_t *line;
    const uint8_t *p; // behind `end`: no more
    const uint8_t *end;
    uint8_t separator;
    bool quotes;
    buf_t *scratch;
} cells_t;

// The text between quotes, a doubled one being one.
static bool
read_quoted(cells_t *c, span_t *out)
{
    const uint8_t *begin = ++c->p;
    size_t doubled = 0;

    for (;;) {
        c->p = find_one(c->line, c->p, c->end, '"');
        if (c->p == c->end) {
            return false;
        }
        if (c->end - c->p < 2 || c->p[1] != '"') {
            break;
        }
        doubled++;
        c->p += 2;
    }
    *out = (span_t){begin, (size_t)(c->p - begin)};
    if (doubled > 0) {
        uint8_t *to = c->scratch->p + c->scratch->len;
        size_t n = 0;
        for (size_t i = 0; i < out->len; i++) {
            to[n++] = out->p[i];
            i += out->p[i] == '"';
        }
        c->scratch->len += n;
        *out = (span_t){to, n};
    }
    c->p++;
    return true;
}

// *more is false behind the last cell. An empty one without quotes has p ==
// NULL where cells may be quoted.
static bool
next_cell(cells_t *c, span_t *out, bool *more, reject_t *why)
{
    *more = c->p <= c->end;
    if (!*more) {
        return true;
    }
    if (c->quotes && c->p < c->end && *c->p == '"') {
        *why = REJECT_UNCLOSED;
        if (!read_quoted(c, out)) {
            return false;
        }
        *why = REJECT_STRUCTURE;
        bool ends = c->p == c->end || *c->p == c->separator;
        c->p++;
        return ends;
    }
    const uint8_t *stop = find_one(c->line, c->p, c->end, c->separator);
    *out = (span_t){c->p, (size_t)(stop - c->p)};
    out->p = out->len == 0 ? NULL : out->p;
    c->p = stop + 1;
    return true;
}

// The line has no more cells than bytes, and one text more.
static cells_t
cells_of(reading_t *self, span_t line)
{
    bool w3c = self->format->reads == READ_W3C;
    bool tabs = self->format->reads == READ_TSV ||
                (w3c && memchr(line.p, '\t', line.len) != NULL);

    buf_clear(&self->scratch);
    buf_reserve(&self->scratch, 2 * line.len + 1);
    return (cells_t){line.p, line.p, line.p + line.len,
        tabs  ? '\t'
        : w3c ? ' '
              : ',',
        self->format->reads != READ_TSV, &self->scratch};
}

// The names that the format itself says come before the language's.
static void
find_field(const reading_t *self, span_t name, header_column_t *out)
{
    const format_t *format = self->format;
    field_t field;

    for (size_t i = 0; i < format->n_names; i++) {
        if (span_eq(format->names[i].name, name)) {
            out->field = (uint8_t)format->names[i].field;
            out->rank = (uint8_t)i;
            return;
        }
    }
    if (field_find(name, &field) && field > FIELD_LINE) {
        out->field = (uint8_t)field;
        out->rank = SOURCE_NAMES_MAX;
    }
}

static header_column_t
column_of(const reading_t *self, span_t name)
{
    header_column_t out = {TO_NOWHERE, UINT8_MAX, TO_NOWHERE};
    const query_t *q = self->query;

    find_field(self, name, &out);
    if (out.field != TO_NOWHERE && (self->fields >> out.field & 1u) == 0) {
        out.field = TO_NOWHERE;
    }
    for (size_t i = 0; q != NULL && i < q->n_names; i++) {
        if (span_eq(q->names[i], name)) {
            out.own = (uint8_t)FIELD_OWN(i);
        }
    }
    return out;
}

// One column a field: of two with one name the last, else the first of the
// names that the field has.
static void
add_column(reading_t *self, span_t name)
{
    header_column_t new = column_of(self, name);

    for (size_t i = 0; i < self->n_columns; i++) {
        header_column_t *c = &self->columns[i];
        if (c->field == new.field &&new.field != TO_NOWHERE) {
            bool better = new.rank <= c->rank;
            c->field = better ? TO_NOWHERE : c->field;
            new.field = better ? new.field : TO_NOWHERE;
        }
        if (c->own == new.own) {
            c->own = TO_NOWHERE;
        }
    }
    if (self->n_columns < LIMIT_TABLE_COLUMNS) {
        self->columns[self->n_columns++] = new;
    }
}

static bool
starts_with(span_t s, const char *text)
{
    size_t len = strlen(text);

    return s.len >= len && memcmp(s.p, text, len) == 0;
}

static void
csv_header(reading_t *self, span_t line)
{
    reject_t why;
    span_t cell;
    bool more;

    if (starts_with(line, "\xef\xbb\xbf")) {
        line = (span_t){line.p + 3, line.len - 3};
    }
    cells_t cells = cells_of(self, line);
    while (line.len > 0 && next_cell(&cells, &cell, &more, &why) && more) {
        add_column(self, cell);
    }
}

// A w3c time is in two columns.
static void
w3c_columns(reading_t *self, span_t names)
{
    const uint8_t *end = names.p + names.len;

    self->n_columns = 0;
    self->cleared = false;
    self->date = self->clock = LIMIT_TABLE_COLUMNS;
    for (const uint8_t *p = names.p; p < end;) {
        const uint8_t *begin = p;
        while (p < end && *p != ' ' && *p != '\t') {
            p++;
        }
        span_t name = {begin, (size_t)(p - begin)};
        p++;
        if (name.len == 0) {
            continue;
        }
        bool wanted = (self->fields >> FIELD_TIME & 1u) != 0;
        self->date =
            wanted && span_is(name, "date") ? self->n_columns : self->date;
        self->clock =
            wanted && span_is(name, "time") ? self->n_columns : self->clock;
        add_column(self, name);
    }
    if (self->clock < LIMIT_TABLE_COLUMNS) {
        self->columns[self->clock].field = TO_NOWHERE;
    }
}

bool
table_header(reading_t *self, span_t line, uint64_t offset)
{
    if (self->format->reads == READ_W3C) {
        if (starts_with(line, READING_MARK)) {
            size_t n = sizeof READING_MARK - 1;
            w3c_columns(self, (span_t){line.p + n, line.len - n});
        }
        return starts_with(line, "#");
    }
    if (self->has_header) {
        return offset == self->header_at;
    }
    self->has_header = true;
    self->date = self->clock = LIMIT_TABLE_COLUMNS;
    self->header_at = offset;
    csv_header(self, line);
    return true;
}

static void
put_time(reading_t *self, span_t date, span_t clock, line_fields_t *out)
{
    buf_t *scratch = &self->scratch;
    span_t *to = &out->fields[FIELD_TIME];

    *to = (span_t){0};
    if (format_is_missing(date) || format_is_missing(clock)) {
        return;
    }
    uint8_t *text = scratch->p + scratch->len; // has room: see cells_of
    memcpy(text, date.p, date.len);
    text[date.len] = ' ';
    memcpy(text + date.len + 1, clock.p, clock.len);
    *to = (span_t){text, date.len + 1 + clock.len};
    scratch->len += to->len;
}

bool
table_match(
    const format_t *format, span_t line, line_fields_t *out, reject_t *why)
{
    reading_t *self = out->reading;
    span_t date = {0};
    span_t clock = {0};
    bool more = true;

    (void)format;
    *why = REJECT_STRUCTURE;
    if (self == NULL || self->n_columns == 0) {
        return false; // no header: nothing tells what this is
    }
    if (!self->cleared) { // another header had other columns
        memset(out->fields, 0, sizeof out->fields);
        self->cleared = true;
    }
    cells_t cells = cells_of(self, line);
    for (size_t i = 0; i < self->n_columns; i++) {
        const header_column_t *column = &self->columns[i];
        span_t cell;
        if (!next_cell(&cells, &cell, &more, why) || !more) {
            return false;
        }
        out->fields[column->field] = cell;
        out->fields[column->own] = cell;
        date = i == self->date ? cell : date;
        clock = i == self->clock ? cell : clock;
    }
    if (self->clock < self->n_columns) {
        put_time(self, date, clock, out);
    }
    *why = REJECT_TRAILING;
    return cells.p > cells.end;
}
