// SPDX-License-Identifier: Apache-2.0
// A line as JSON: accepted where a naive reader accepts it; what is found of
// it lies in it.
#include "tests/unit/worker/format/json_naive.h"
#include "worker/format/json.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_value(span_t line, const json_value_t *value)
{
    if (value->kind == JSON_ABSENT || value->kind == JSON_NESTED) {
        return;
    }
    assert(value->raw.p >= line.p &&
           value->raw.len <= (size_t)(line.p + line.len - value->raw.p));
    if (value->kind == JSON_TEXT) {
        uint8_t *out = malloc(value->raw.len + 1);
        size_t n = json_unescape(value->raw, out);
        assert(n <= value->raw.len && (value->escaped || n == value->raw.len));
        free(out);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    json_names_t names = {
        .names = {SPAN_LIT("a"), SPAN_LIT("a.b"), SPAN_LIT("a.0")}, .n = 3};
    json_value_t values[3];
    span_t line = {data, len};
    bool ours = json_read(line, &names, values);

    assert(ours == naive_object(line));
    for (size_t i = 0; ours && i < names.n; i++) {
        check_value(line, &values[i]);
    }
    return 0;
}
