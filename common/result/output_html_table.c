// SPDX-License-Identifier: Apache-2.0
// The rows of a page, and its figures: as every other kind has them, but that
// the digits of what is not a key stand in groups of three.
#include "common/result/output_inside.h"

#include <string.h>

// -1234567.5 as -1,234,567.5.
static void
put_digits(span_t number, buf_t *out)
{
    const uint8_t *point = memchr(number.p, '.', number.len);
    size_t whole = point != NULL ? (size_t)(point - number.p) : number.len;
    size_t sign = number.len > 0 && number.p[0] == '-';

    for (size_t i = 0; i < number.len; i++) {
        bool group = i > sign && i < whole && (whole - i) % 3 == 0;
        buf_put_str(out, group ? "," : "");
        buf_put_u8(out, number.p[i]);
    }
}

void
html_figure(const result_t *result, size_t column, buf_t *out)
{
    const cell_t *cell = cell_at(result, 0, column);
    buf_t plain = {0};

    if (cell->kind == CELL_NUMBER && goes_right(result->columns[column].type)) {
        put_number(result, 0, column, &plain);
        put_digits(buf_span(&plain), out);
    } else {
        put_cell(result, 0, column, output_safe_text, out);
    }
    buf_fini(&plain);
}

void
html_cell_text(
    const result_t *result, size_t row, size_t column, bool key, buf_t *out)
{
    const cell_t *cell = cell_at(result, row, column);
    buf_t plain = {0};

    if (cell->kind == CELL_TEXT) {
        buf_put_span(out, cell->text);
        return;
    }
    put_number(result, row, column, &plain);
    if (goes_right(result->columns[column].type) && !key) {
        put_digits(buf_span(&plain), out);
    } else {
        buf_put_span(out, buf_span(&plain));
    }
    buf_fini(&plain);
}

static void
put_cell_of(
    const result_t *result, size_t row, size_t column, bool key, buf_t *out)
{
    const cell_t *cell = cell_at(result, row, column);
    bool number = goes_right(result->columns[column].type);

    if (cell->kind == CELL_MISSING) {
        buf_put_str(
            out, number ? "<td class=\"n none\">-" : "<td class=none>-");
    } else if (cell->kind == CELL_TEXT) {
        buf_put_str(out, "<td>");
        html_text(cell->text, out);
    } else {
        buf_put_str(out, number ? "<td class=n>" : "<td class=t>");
        html_cell_text(result, row, column, key, out);
    }
    buf_put_str(out, "</td>");
}

void
html_table(const result_t *result, size_t n_keys, buf_t *out)
{
    buf_put_str(out, "<table>\n<thead><tr>");
    for (size_t i = 0; i < result->n_columns; i++) {
        buf_put_str(out, goes_right(result->columns[i].type)
                             ? "<th scope=col class=n>"
                             : "<th scope=col>");
        html_text(span_str(result->columns[i].name), out);
        buf_put_str(out, "</th>");
    }
    buf_put_str(out, "</tr></thead>\n<tbody>\n");
    for (size_t row = 0; row < result->n_rows; row++) {
        buf_put_str(out, "<tr>");
        for (size_t i = 0; i < result->n_columns; i++) {
            put_cell_of(result, row, i, i < n_keys, out);
        }
        buf_put_str(out, "</tr>\n");
    }
    buf_put_str(out, "</tbody>\n</table>\n");
    buf_put_str(out, result->n_rows == 0 ? "<p>No row.</p>\n" : "");
}
