// SPDX-License-Identifier: Apache-2.0
// md: a table as GitHub and others draw it.
#include "common/base/utf8.h"
#include "common/result/output_inside.h"

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
        buf_put_str(out, i == 0 ? "|" : "");
        buf_put_str(
            out, goes_right(result->columns[i].type) ? " ---: |" : " --- |");
    }
    buf_put_u8(out, '\n');
    for (size_t row = 0; row < result->n_rows; row++) {
        for (size_t i = 0; i < result->n_columns; i++) {
            buf_put_str(out, i == 0 ? "| " : " | ");
            put_cell(result, row, i, put_md, out);
        }
        buf_put_str(out, " |\n");
    }
}
