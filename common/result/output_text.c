// SPDX-License-Identifier: Apache-2.0
// Tables for people (table, md) and for other programs (tsv, csv).
#include "common/base/utf8.h"
#include "common/result/output_inside.h"

#include "common/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

#define GAP        2u
#define NARROWEST  8u
#define CELL_WIDTH 120u // of a table that goes to no terminal

// Tabs and line ends by name, what is harmful as \xHH.
static void
put_tsv(span_t text, buf_t *out)
{
    static const char from[] = "\t\n\r", to[] = "tnr";
    size_t begin = 0;

    for (size_t i = 0; i <= text.len; i++) {
        const char *at = i < text.len && text.p[i] != '\0'
                             ? strchr(from, (char)text.p[i])
                             : NULL;
        if (i < text.len && at == NULL) {
            continue;
        }
        utf8_put_safe((span_t){text.p + begin, i - begin}, "\\", out);
        if (at != NULL) {
            buf_put_u8(out, '\\');
            buf_put_u8(out, (uint8_t)to[at - from]);
        }
        begin = i + 1;
    }
}

// A spreadsheet must not take a text for a formula.
static void
put_csv(span_t text, buf_t *out)
{
    buf_t safe = {0};
    bool formula = text.len > 0 && text.p[0] != '\0' &&
                   strchr("=+-@\t\r", (char)text.p[0]) != NULL;

    if (formula) {
        buf_put_u8(&safe, '\'');
    }
    utf8_put_safe(text, "", &safe);
    bool quote = memchr(safe.p, ',', safe.len) != NULL ||
                 memchr(safe.p, '"', safe.len) != NULL ||
                 memchr(safe.p, ' ', safe.len) != NULL;
    if (safe.len == 0 || !quote) {
        buf_put_span(out, buf_span(&safe));
    } else {
        buf_put_u8(out, '"');
        for (size_t i = 0; i < safe.len; i++) {
            buf_put(out, safe.p[i] == '"' ? "\"\"" : (char *)&safe.p[i],
                safe.p[i] == '"' ? 2 : 1);
        }
        buf_put_u8(out, '"');
    }
    buf_fini(&safe);
}

static void
put_cell(
    const cell_t *cell, type_t type, void (*put)(span_t, buf_t *), buf_t *out)
{
    if (cell->kind == CELL_MISSING) {
        buf_put_u8(out, '-');
    } else if (cell->kind == CELL_NUMBER) {
        output_number(type, cell->number, out);
    } else {
        put(cell->text, out);
    }
}

void
output_delimited(const result_t *result, bool csv, bool header, buf_t *out)
{
    void (*put)(span_t, buf_t *) = csv ? put_csv : put_tsv;
    const char *gap = csv ? "," : "\t";
    const char *end = csv ? "\r\n" : "\n";

    for (size_t i = 0; i < result->n_columns && header; i++) {
        buf_put_str(out, i > 0 ? gap : "");
        put(span_str(result->columns[i].name), out);
    }
    buf_put_str(out, header ? end : "");
    for (size_t row = 0; row < result->n_rows; row++) {
        for (size_t i = 0; i < result->n_columns; i++) {
            buf_put_str(out, i > 0 ? gap : "");
            put_cell(
                cell_at(result, row, i), result->columns[i].type, put, out);
        }
        buf_put_str(out, end);
    }
}

// ---- md

static void
put_md(span_t text, buf_t *out)
{
    size_t begin = out->len;
    buf_t plain = {0};

    utf8_put_safe(text, "\\|`*_[]", &plain);
    for (size_t i = 0; i < plain.len; i++) {
        if (plain.p[i] == '<') {
            buf_put_str(out, "&lt;");
        } else if (plain.p[i] == '&') {
            buf_put_str(out, "&amp;");
        } else {
            buf_put_u8(out, plain.p[i]);
        }
    }
    if (out->len == begin) {
        buf_put_u8(out, ' ');
    }
    buf_fini(&plain);
}

void
output_markdown(const result_t *result, buf_t *out)
{
    for (size_t i = 0; i < result->n_columns; i++) {
        buf_put_str(out, i == 0 ? "| " : " | ");
        put_md(span_str(result->columns[i].name), out);
    }
    buf_put_str(out, " |\n");
    for (size_t i = 0; i < result->n_columns; i++) {
        bool right = type_is_number(result->columns[i].type) &&
                     result->columns[i].type != TYPE_TIME;
        buf_put_str(out, i == 0 ? "|" : "");
        buf_put_str(out, right ? " ---: |" : " --- |");
    }
    buf_put_u8(out, '\n');
    for (size_t row = 0; row < result->n_rows; row++) {
        for (size_t i = 0; i < result->n_columns; i++) {
            buf_put_str(out, i == 0 ? "| " : " | ");
            put_cell(
                cell_at(result, row, i), result->columns[i].type, put_md, out);
        }
        buf_put_str(out, " |\n");
    }
}

// ---- table

static void
put_plain(span_t text, buf_t *out)
{
    utf8_put_safe(text, "", out);
}

static size_t
sum_of(const size_t *widths, size_t n)
{
    size_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum += widths[i] + (i + 1 < n ? GAP : 0);
    }
    return sum;
}

// The widest columns give way until the line fits, or all are narrow.
static void
narrow(size_t *widths, size_t n, size_t width)
{
    while (sum_of(widths, n) > width) {
        size_t widest = 0;
        for (size_t i = 1; i < n; i++) {
            widest = widths[i] > widths[widest] ? i : widest;
        }
        if (widths[widest] <= NARROWEST) {
            return;
        }
        widths[widest]--;
    }
}

static size_t *
measure(const result_t *result, size_t width)
{
    size_t n = result->n_columns;
    size_t *widths = xcalloc(n, sizeof *widths);
    buf_t text = {0};

    for (size_t i = 0; i < n; i++) {
        put_plain(span_str(result->columns[i].name), &text);
        widths[i] = utf8_count(buf_span(&text));
        buf_clear(&text);
    }
    for (size_t row = 0; row < result->n_rows; row++) {
        for (size_t i = 0; i < n; i++) {
            put_cell(cell_at(result, row, i), result->columns[i].type,
                put_plain, &text);
            size_t count = utf8_count(buf_span(&text));
            widths[i] = count > widths[i] ? count : widths[i];
            buf_clear(&text);
        }
    }
    for (size_t i = 0; i < n && width == 0; i++) {
        widths[i] = widths[i] > CELL_WIDTH ? CELL_WIDTH : widths[i];
    }
    if (width > 0) {
        narrow(widths, n, width);
    }
    buf_fini(&text);
    return widths;
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
    buf_put_str(out, "…");
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
    size_t *widths = measure(result, width);
    size_t n = result->n_columns;
    buf_t text = {0};

    for (size_t line = 0; line < result->n_rows + 1; line++) {
        for (size_t i = 0; i < n; i++) {
            type_t type = result->columns[i].type;
            bool right = type_is_number(type) && type != TYPE_TIME;
            if (line == 0) {
                put_plain(span_str(result->columns[i].name), &text);
            } else {
                put_cell(cell_at(result, line - 1, i), type, put_plain, &text);
            }
            put_field(buf_span(&text), widths[i], right, i + 1 == n, out);
            buf_clear(&text);
        }
    }
    free(widths);
    buf_fini(&text);
}
