// SPDX-License-Identifier: Apache-2.0
#include "common/result/output.h"

#include "common/base/utf8.h"
#include "common/query/time_text.h"
#include "common/result/output_inside.h"

#include <string.h>

static const char *const kinds[OUTPUT_KIND_COUNT] = {
    [OUTPUT_TABLE] = "table",
    [OUTPUT_TSV] = "tsv",
    [OUTPUT_CSV] = "csv",
    [OUTPUT_JSON] = "json",
    [OUTPUT_JSONL] = "jsonl",
    [OUTPUT_MD] = "md",
    [OUTPUT_HTML] = "html",
};

errcode_t
output_kind_parse(const char *name, output_kind_t *out)
{
    for (size_t i = 0; i < OUTPUT_KIND_COUNT; i++) {
        if (strcmp(kinds[i], name) == 0) {
            *out = (output_kind_t)i;
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

void
output_safe_text(span_t text, buf_t *out)
{
    utf8_put_safe(text, "", out);
}

void
output_number(type_t type, dec_t v, buf_t *out)
{
    char text[DEC_TEXT_MAX];

    if (type == TYPE_TIME) {
        time_print(v, out);
    } else {
        buf_put(out, text, dec_format(v, text));
    }
}

const cell_t *
cell_at(const result_t *result, size_t row, size_t column)
{
    return &result->cells[row * result->n_columns + column];
}

void
put_number(const result_t *result, size_t row, size_t column, buf_t *out)
{
    dec_t v = cell_at(result, row, column)->number;
    type_t type = result->columns[column].type;
    dec_t seconds = v / DEC_ONE - (v % DEC_ONE < 0);

    if (type == TYPE_TIME && result->zone != NULL && seconds >= INT64_MIN &&
        seconds <= INT64_MAX) {
        time_print_at(v, result->zone((int64_t)seconds), out);
    } else {
        output_number(type, v, out);
    }
}

void
put_cell(const result_t *result, size_t row, size_t column,
    void (*put_text)(span_t, buf_t *), buf_t *out)
{
    const cell_t *cell = cell_at(result, row, column);

    if (cell->kind == CELL_MISSING) {
        buf_put_u8(out, '-');
    } else if (cell->kind == CELL_NUMBER) {
        put_number(result, row, column, out);
    } else {
        put_text(cell->text, out);
    }
}

bool
goes_right(type_t type)
{
    return type_is_number(type) && type != TYPE_TIME;
}

static void
put_one(const result_t *result, const output_options_t *options, buf_t *out)
{
    switch (options->kind) {
    case OUTPUT_TABLE:
        output_table(result, options->width, out);
        return;
    case OUTPUT_TSV:
    case OUTPUT_CSV:
        output_delimited(
            result, options->kind == OUTPUT_CSV, options->header, out);
        return;
    case OUTPUT_JSON:
    case OUTPUT_JSONL:
    case OUTPUT_HTML:
        return;
    case OUTPUT_MD:
        output_markdown(result, out);
        return;
    case OUTPUT_KIND_COUNT:
        return;
    }
}

// Names are letters and digits: harmless everywhere.
static void
put_heading(const result_t *result, output_kind_t kind, bool first, buf_t *out)
{
    const char *end = kind == OUTPUT_CSV ? "\r\n" : "\n";

    if (result->name != NULL) {
        buf_put_str(out, first ? "" : end);
        buf_printf(
            out, "%s%s%s", kind == OUTPUT_MD ? "## " : "", result->name, end);
        buf_put_str(out, kind == OUTPUT_MD ? end : "");
    }
}

void
output_result(
    const result_t *result, const output_options_t *options, buf_t *out)
{
    if (options->kind == OUTPUT_JSON) {
        output_json(result, out);
        return;
    }
    if (options->kind == OUTPUT_JSONL) {
        output_jsonl(result, out);
        return;
    }
    if (options->kind == OUTPUT_HTML) {
        output_html(result, out);
        return;
    }
    for (const result_t *r = result; r != NULL; r = r->next) {
        put_heading(r, options->kind, r == result, out);
        put_one(r, options, out);
    }
}
