// SPDX-License-Identifier: Apache-2.0
// tsv and csv. In tsv a backslash begins an escape, so every text can be had
// back; in csv what is harmful is shown the same way, but a backslash is one.
#include "common/base/utf8.h"
#include "common/result/output_inside.h"

#include <string.h>

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

// A spreadsheet must not take a text for a formula, nor split it.
static void
put_csv(span_t text, buf_t *out)
{
    bool formula = text.len > 0 && text.p[0] != '\0' &&
                   strchr("=+-@\t\r", (char)text.p[0]) != NULL;
    buf_t safe = {0};

    buf_put_str(&safe, formula ? "'" : "");
    utf8_put_safe(text, "", &safe);
    buf_put_u8(&safe, 0);
    size_t len = safe.len - 1; // a zero byte is never safe
    if (safe.p[strcspn((char *)safe.p, ",;\" '")] == '\0') {
        buf_put(out, safe.p, len);
    } else {
        buf_put_u8(out, '"');
        for (size_t i = 0; i < len; i++) {
            buf_put_str(out, safe.p[i] == '"' ? "\"" : "");
            buf_put_u8(out, safe.p[i]);
        }
        buf_put_u8(out, '"');
    }
    buf_fini(&safe);
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
            put_cell(result, row, i, put, out);
        }
        buf_put_str(out, end);
    }
}
