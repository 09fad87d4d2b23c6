// SPDX-License-Identifier: Apache-2.0
// canvas: a screen as cells of text, before it is on a terminal. All that is
// put on it is made harmless, cut to its place, and never wraps.
#ifndef LOGTALLY_COORDINATOR_CLI_CANVAS_H
#define LOGTALLY_COORDINATOR_CLI_CANVAS_H

#include "common/base/bytes.h"

typedef enum {
    STYLE_PLAIN,
    STYLE_HEAD,
    STYLE_SELECTED,
    STYLE_GOOD,
    STYLE_WARN,
    STYLE_BAD,
} style_t;

typedef struct canvas_cell {
    char text[5];  // one character; "": the right half of a wide one
    uint8_t style; // style_t
} canvas_cell_t;

// What the terminal can show.
typedef struct canvas_charset {
    bool utf8; // else ASCII alone, with '?' for others
    // Columns of a character, as wcwidth; NULL: one each.
    int (*width)(wchar_t code);
} canvas_charset_t;

typedef struct canvas {
    size_t columns, lines;
    canvas_charset_t charset;
    canvas_cell_t *cells; // line by line
} canvas_t;

// All blank; sizes of 0 are 1.
void canvas_init(canvas_t *self, size_t columns, size_t lines,
    const canvas_charset_t *charset);
void canvas_fini(canvas_t *self);
const canvas_cell_t *canvas_cell(
    const canvas_t *self, size_t line, size_t column);

// Puts text at a place, at most `width` columns of it: one that is longer ends
// with '~'. Outside of the canvas nothing is put. Returns the columns it took.
size_t canvas_put(canvas_t *self, size_t line, size_t column, size_t width,
    span_t text, style_t style);
// So that it ends where the width does.
void canvas_put_right(canvas_t *self, size_t line, size_t column, size_t width,
    span_t text, style_t style);
// The style of a whole line.
void canvas_style(canvas_t *self, size_t line, style_t style);
// A line as text, without blanks at its end.
void canvas_line(const canvas_t *self, size_t line, buf_t *out);

#endif
