// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/canvas.h"

#include "common/base/utf8.h"
#include "common/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

#define ELLIPSIS 0x2026u

void
canvas_init(canvas_t *self, size_t columns, size_t lines,
    const canvas_charset_t *charset)
{
    self->columns = columns > 0 ? columns : 1;
    self->lines = lines > 0 ? lines : 1;
    self->charset = *charset;
    self->cells = xcalloc(self->columns * self->lines, sizeof *self->cells);
    for (size_t i = 0; i < self->columns * self->lines; i++) {
        self->cells[i].text[0] = ' ';
    }
}

void
canvas_fini(canvas_t *self)
{
    free(self->cells);
    *self = (canvas_t){0};
}

const canvas_cell_t *
canvas_cell(const canvas_t *self, size_t line, size_t column)
{
    return &self->cells[line * self->columns + column];
}

// One character as the terminal can show it, and the columns that it takes; 0:
// it is shown with the one before, which is left out.
static size_t
shown(const canvas_t *self, uint32_t code, span_t bytes, char out[5])
{
    int width = 1;

    if (code < 0x80 || !self->charset.utf8) {
        out[0] = code < 0x80 ? (char)code : code == ELLIPSIS ? '~' : '?';
        out[1] = '\0';
        return 1;
    }
    if (self->charset.width != NULL) {
        width = self->charset.width((wchar_t)code);
    }
    if (width < 0) { // it is no character here
        memcpy(out, "?", 2);
        return 1;
    }
    memcpy(out, bytes.p, bytes.len);
    out[bytes.len] = '\0';
    return (size_t)width;
}

// Columns of a harmless text.
static size_t
columns_of(const canvas_t *self, span_t text)
{
    size_t n = 0;
    char out[5];

    for (size_t at = 0, len; at < text.len; at += len) {
        uint32_t code = 0;
        len = utf8_next(text.p + at, text.len - at, &code);
        n += shown(self, code, (span_t){text.p + at, len}, out);
    }
    return n;
}

static void
set(canvas_t *self, size_t line, size_t column, const char *text, size_t width,
    style_t style)
{
    for (size_t i = 0; i < width; i++) {
        canvas_cell_t *c = &self->cells[line * self->columns + column + i];
        memcpy(c->text, i == 0 ? text : "", i == 0 ? strlen(text) + 1 : 1);
        c->style = (uint8_t)style;
    }
}

// As much of it as has room before the last column of the width, where it is
// longer.
static size_t
put_safe(canvas_t *self, size_t line, size_t column, size_t width, span_t text,
    style_t style)
{
    size_t all = columns_of(self, text);
    size_t room = all > width ? width - 1 : width;
    size_t used = 0;
    char out[5];

    for (size_t at = 0, len; at < text.len; at += len) {
        uint32_t code = 0;
        len = utf8_next(text.p + at, text.len - at, &code);
        size_t n = shown(self, code, (span_t){text.p + at, len}, out);
        if (used + n > room) {
            break;
        }
        set(self, line, column + used, out, n, style);
        used += n;
    }
    if (all > width) {
        set(self, line, column + used, "~", 1, style);
        used++;
    }
    return used;
}

// What is left of the width on this canvas.
static size_t
clip(const canvas_t *self, size_t line, size_t column, size_t width)
{
    size_t left = column < self->columns ? self->columns - column : 0;

    return line >= self->lines ? 0 : width < left ? width : left;
}

size_t
canvas_put(canvas_t *self, size_t line, size_t column, size_t width,
    span_t text, style_t style)
{
    size_t used = 0;
    buf_t safe = {0};

    width = clip(self, line, column, width);
    utf8_put_safe(text, "", &safe);
    if (width > 0 && safe.len > 0) {
        used = put_safe(self, line, column, width, buf_span(&safe), style);
    }
    buf_fini(&safe);
    return used;
}

void
canvas_put_right(canvas_t *self, size_t line, size_t column, size_t width,
    span_t text, style_t style)
{
    buf_t safe = {0};

    width = clip(self, line, column, width);
    utf8_put_safe(text, "", &safe);
    size_t all = columns_of(self, buf_span(&safe));
    size_t pad = all < width ? width - all : 0;
    (void)canvas_put(self, line, column + pad, width - pad, text, style);
    buf_fini(&safe);
}

void
canvas_style(canvas_t *self, size_t line, style_t style)
{
    for (size_t i = 0; line < self->lines && i < self->columns; i++) {
        self->cells[line * self->columns + i].style = (uint8_t)style;
    }
}

void
canvas_line(const canvas_t *self, size_t line, buf_t *out)
{
    size_t begin = out->len;

    for (size_t i = 0; i < self->columns; i++) {
        buf_put_str(out, canvas_cell(self, line, i)->text);
    }
    while (out->len > begin && out->p[out->len - 1] == ' ') {
        out->len--;
    }
}
