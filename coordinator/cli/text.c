// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/text.h"

#include "common/base/xalloc.h"
#include "common/result/output.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define GAP 2 // spaces between columns

void
text_bytes(uint64_t n, buf_t *out)
{
    static const char *const units[] = {"KB", "MB", "GB", "TB", "PB", "EB"};
    double v = (double)n / 1000;
    size_t unit = 0;

    if (n < 1000) {
        buf_printf(out, "%llu B", (unsigned long long)n);
        return;
    }
    // 999.95 would be printed as 1000.
    while (v >= 999.5 && unit < sizeof units / sizeof *units - 1) {
        v /= 1000;
        unit++;
    }
    buf_printf(out, v < 99.95 ? "%.1f %s" : "%.0f %s", v, units[unit]);
}

void
text_duration(uint64_t ms, buf_t *out)
{
    unsigned long long s = (ms + 500) / 1000;

    if (ms < 1000) {
        buf_printf(out, "%llu ms", (unsigned long long)ms);
    } else if (ms < 59950) {
        buf_printf(out, "%.1f s", (double)ms / 1000);
    } else if (s < 3600) {
        buf_printf(out, "%llu min %llu s", s / 60, s % 60);
    } else if (s < 86400) {
        buf_printf(out, "%llu h %llu min", s / 3600, s / 60 % 60);
    } else {
        buf_printf(out, "%llu d %llu h", s / 86400, s / 3600 % 24);
    }
}

void
text_plural(uint64_t n, const char *noun, buf_t *out)
{
    buf_printf(
        out, "%llu %s%s", (unsigned long long)n, noun, n == 1 ? "" : "s");
}

void
text_safe(const char *text, buf_t *out)
{
    output_safe_text(span_str(text), out);
}

static bool
begins_character(uint8_t c)
{
    return (c & 0xc0) != 0x80;
}

size_t
text_width(span_t text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        n += begins_character(text.p[i]);
    }
    return n;
}

void
text_cut(buf_t *buf, size_t begin, size_t width)
{
    span_t text = {buf->len > begin ? buf->p + begin : NULL, buf->len - begin};
    const char *dots = width >= 3 ? "..." : "";
    size_t room = width - strlen(dots);
    size_t n = 0;
    size_t i = 0;

    if (buf->len == begin || text_width(text) <= width) {
        return;
    }
    while (i < text.len && (n < room || !begins_character(text.p[i]))) {
        i++;
        n += i < text.len && begins_character(text.p[i]);
    }
    buf->len = begin + i;
    buf_put_str(buf, dots);
}

struct table {
    const table_column_t *columns;
    size_t n_columns;
    buf_t *cells; // row by row
    size_t n_cells;
    size_t cap_cells;
};

table_t *
table_new(const table_column_t *columns, size_t n)
{
    table_t *self = xcalloc(1, sizeof *self);

    assert(n > 0);
    self->columns = columns;
    self->n_columns = n;
    return self;
}

void
table_destroy(table_t **self_p)
{
    table_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    for (size_t i = 0; i < self->n_cells; i++) {
        buf_fini(&self->cells[i]);
    }
    free(self->cells);
    free(self);
    *self_p = NULL;
}

void
table_buf(table_t *self, buf_t *text)
{
    self->cells = xgrow(
        self->cells, &self->cap_cells, self->n_cells + 1, sizeof *self->cells);
    self->cells[self->n_cells++] = *text;
    *text = (buf_t){0};
}

void
table_text(table_t *self, const char *text)
{
    buf_t cell = {0};

    text_safe(text[0] != '\0' ? text : "-", &cell);
    table_buf(self, &cell);
}

void
table_number(table_t *self, uint64_t n)
{
    buf_t cell = {0};

    buf_printf(&cell, "%llu", (unsigned long long)n);
    table_buf(self, &cell);
}

size_t
table_rows(const table_t *self)
{
    return self->n_cells / self->n_columns;
}

static size_t
column_width(const table_t *self, size_t column)
{
    size_t width = strlen(self->columns[column].head);

    for (size_t i = column; i < self->n_cells; i += self->n_columns) {
        size_t w = text_width(buf_span(&self->cells[i]));
        width = w > width ? w : width;
    }
    return width;
}

static void
put_spaces(buf_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_put_u8(out, ' ');
    }
}

// Nothing stands behind the last cell, so that lines have no trailing space.
static void
put_row(const table_t *self, const size_t *widths, const buf_t *row,
    size_t width, buf_t *out)
{
    size_t begin = out->len;

    for (size_t c = 0; c < self->n_columns; c++) {
        span_t cell =
            row != NULL ? buf_span(&row[c]) : span_str(self->columns[c].head);
        size_t pad = widths[c] - text_width(cell);
        bool last = c + 1 == self->n_columns;
        put_spaces(out, c > 0 ? GAP : 0);
        put_spaces(out, self->columns[c].right ? pad : 0);
        buf_put_span(out, cell);
        put_spaces(out, self->columns[c].right || last ? 0 : pad);
    }
    if (width > 0) {
        text_cut(out, begin, width);
    }
    buf_put_u8(out, '\n');
}

void
table_print(const table_t *self, size_t width, buf_t *out)
{
    size_t *widths = xcalloc(self->n_columns, sizeof *widths);

    assert(self->n_cells % self->n_columns == 0);
    for (size_t c = 0; c < self->n_columns; c++) {
        widths[c] = column_width(self, c);
    }
    put_row(self, widths, NULL, width, out);
    for (size_t i = 0; i < self->n_cells; i += self->n_columns) {
        put_row(self, widths, self->cells + i, width, out);
    }
    free(widths);
}
