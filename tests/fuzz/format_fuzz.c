// SPDX-License-Identifier: Apache-2.0
// Fields of an accepted line lie inside it, and every one has a value or
// none.
#include "worker/format/format.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_fields(const line_fields_t *line, span_t text)
{
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        span_t field = line->fields[i];
        cell_t cell;
        bool bad = false;
        assert(field.p == NULL ||
               (field.p >= text.p && field.p + field.len <= text.p + text.len));
        format_field(line, (field_t)i, &cell, &bad);
        assert(cell.kind <= CELL_TEXT);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t none;
    span_t text = {len > 0 ? data : &none, len};
    const format_t *chosen;
    buf_t why = {0};

    for (size_t i = 0; i < format_count(); i++) {
        line_fields_t line;
        reject_t reject = REJECT_COUNT;
        if (format_match(format_at(i), text, &line, &reject)) {
            check_fields(&line, text);
        } else {
            assert(reject < REJECT_COUNT);
        }
    }
    if (format_detect(text, true, &chosen, &why) == ERR_OK) {
        assert(why.len == 0);
    }
    buf_fini(&why);
    return 0;
}
