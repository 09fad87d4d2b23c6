// SPDX-License-Identifier: Apache-2.0
// Rows for a page that draws them itself, as they stand: what the HTML of a
// report holds, as JSON.
#include "common/base/xalloc.h"
#include "common/result/output_inside.h"
#include "common/result/shape.h"

static void
put_cells(const result_t *r, size_t row, size_t n_keys, buf_t *out)
{
    buf_t text = {0};

    for (size_t i = 0; i < r->n_columns; i++) {
        buf_put_str(out, i > 0 ? "," : "");
        if (cell_at(r, row, i)->kind == CELL_MISSING) {
            buf_put_str(out, "null");
        } else {
            html_cell_text(r, row, i, i < n_keys, &text);
            html_json(buf_span(&text), out);
            buf_clear(&text);
        }
    }
    buf_fini(&text);
}

static void
put_rows(const result_t *r, size_t most, buf_t *out)
{
    shape_t shape;
    size_t n = r->n_rows < most ? r->n_rows : most;

    shape_of(r, &shape);
    buf_put_str(out, "{\"name\":");
    html_json(span_str(r->name != NULL ? r->name : "Result"), out);
    buf_put_str(out, ",\"query\":");
    html_json(span_str(r->query), out);
    buf_put_str(out, ",\"shape\":");
    html_shape(r, &shape, out);
    buf_printf(out, ",\"all\":%zu,\"rows\":[", r->n_rows);
    for (size_t row = 0; row < n; row++) {
        buf_put_str(out, row > 0 ? ",\n[" : "\n[");
        put_cells(r, row, shape.n_keys, out);
        buf_put_u8(out, ']');
    }
    buf_put_str(out, "]}");
}

void
output_rows(const result_t *result, size_t most, buf_t *out)
{
    buf_put_str(out, "{\"results\":[");
    for (const result_t *r = result; r != NULL; r = r->next) {
        put_rows(r, most, out);
        buf_put_str(out, r->next != NULL ? ",\n" : "");
    }
    buf_put_str(out, "],\n\"receipt\":");
    json_receipt(result, out);
    buf_put_u8(out, '}');
}
