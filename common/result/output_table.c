// SPDX-License-Identifier: Apache-2.0
// table: columns for the eye. Where they do not fit the terminal texts are
// cut; numbers and times are not, since a number cut is a wrong number.
#include "common/base/utf8.h"
#include "common/base/xalloc.h"
#include "common/result/output_inside.h"

#include <stdlib.h>

#define GAP        2u
#define NARROWEST  8u
#define CELL_WIDTH 120u // of a text when no terminal limits it

typedef struct layout {
    size_t width; // characters
    size_t least; // no narrower than this
} layout_t;

static void
put_plain(span_t text, buf_t *out)
{
    utf8_put_safe(text, "", out);
}

static size_t
line_width(const layout_t *columns, size_t n)
{
    size_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum += columns[i].width + (i + 1 < n ? GAP : 0);
    }
    return sum;
}

// The widest columns give way until the line fits or none can.
static void
narrow(layout_t *columns, size_t n, size_t width)
{
    size_t sum = line_width(columns, n);

    for (; sum > width; sum--) {
        layout_t *widest = NULL;
        for (size_t i = 0; i < n; i++) {
            if (columns[i].width > columns[i].least &&
                (widest == NULL || columns[i].width > widest->width)) {
                widest = &columns[i];
            }
        }
        if (widest == NULL) {
            return;
        }
        widest->width--;
    }
}

static size_t
widest_cell(const result_t *result, size_t column, buf_t *text)
{
    size_t widest = 0;

    for (size_t row = 0; row < result->n_rows; row++) {
        buf_clear(text);
        put_cell(result, row, column, put_plain, text);
        size_t count = utf8_count(buf_span(text));
        widest = count > widest ? count : widest;
    }
    return widest;
}

static size_t
least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

static layout_t
measure(const result_t *result, size_t column, size_t width)
{
    size_t most = width > 0 ? width : CELL_WIDTH;
    layout_t self;
    buf_t text = {0};

    self.width = widest_cell(result, column, &text);
    if (type_is_number(result->columns[column].type)) {
        self.least = self.width;
    } else {
        self.width = least_of(self.width, most);
        self.least = least_of(self.width, NARROWEST);
    }
    buf_clear(&text);
    put_plain(span_str(result->columns[column].name), &text);
    size_t name = least_of(utf8_count(buf_span(&text)), most);
    self.width = name > self.width ? name : self.width;
    buf_fini(&text);
    return self;
}

// Cut to `width` characters, the last one an ellipsis.
static void
put_cut(span_t text, size_t width, buf_t *out)
{
    size_t at = 0;
    uint32_t code;

    for (size_t i = 0; i + 1 < width && at < text.len; i++) {
        at += utf8_next(text.p + at, text.len - at, &code);
    }
    buf_put(out, text.p, at);
    buf_put_str(out, width > 0 ? "…" : "");
}

static void
put_field(span_t text, size_t width, bool right, bool last, buf_t *out)
{
    size_t count = utf8_count(text);
    size_t pad = count < width ? width - count : 0;

    for (size_t i = 0; i < pad && right; i++) {
        buf_put_u8(out, ' ');
    }
    if (count > width) {
        put_cut(text, width, out);
    } else {
        buf_put_span(out, text);
    }
    for (size_t i = 0; i < pad && !right && !last; i++) {
        buf_put_u8(out, ' ');
    }
    buf_put_str(out, last ? "\n" : "  ");
}

void
output_table(const result_t *result, size_t width, buf_t *out)
{
    size_t n = result->n_columns;
    layout_t *columns = xcalloc(n, sizeof *columns);
    buf_t text = {0};

    for (size_t i = 0; i < n; i++) {
        columns[i] = measure(result, i, width);
    }
    if (width > 0) {
        narrow(columns, n, width);
    }
    for (size_t line = 0; line < result->n_rows + 1; line++) {
        for (size_t i = 0; i < n; i++) {
            buf_clear(&text);
            if (line == 0) {
                put_plain(span_str(result->columns[i].name), &text);
            } else {
                put_cell(result, line - 1, i, put_plain, &text);
            }
            put_field(buf_span(&text), columns[i].width,
                goes_right(result->columns[i].type), i + 1 == n, out);
        }
    }
    free(columns);
    buf_fini(&text);
}
