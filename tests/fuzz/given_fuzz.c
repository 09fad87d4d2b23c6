// SPDX-License-Identifier: Apache-2.0
// A description up to the first zero byte, then text: the description is
// refused with a place inside it, or what its shape takes is what its matcher
// accepts, with the same fields.
#include "tests/unit/worker/scan/matcher_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_text(const format_t *format, span_t data)
{
    check_made_t made;
    buf_t text = {0};

    buf_put_span(&text, data);
    buf_put_str(&text, "\n");
    buf_reserve(&text, SHAPE_PAD);
    memset(text.p + text.len, ' ', SHAPE_PAD);
    check_make(format, (1u << FIELD_COUNT) - 1, &made);
    (void)check_finders(&made, buf_span(&text));
    check_unmake(&made);
    buf_fini(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const uint8_t *end = len > 0 ? memchr(data, 0, len) : NULL;
    const format_t *format;
    format_t *owned;
    query_error_t error;

    if (end == NULL) {
        return 0;
    }
    size_t used = (size_t)(end - data) + 1;
    span_t text = {data + used, len - used};
    line_fields_t line;
    reject_t why;
    if (format_open((const char *)data, &format, &owned, &error) == ERR_OK) {
        (void)format_match(format, text, &line, &why);
        check_text(format, text);
    } else {
        assert(error.message[0] != '\0' && error.begin <= error.end &&
               error.begin <= used);
    }
    format_destroy(&owned);
    return 0;
}
