// SPDX-License-Identifier: Apache-2.0
// The first byte names a format. Whatever is taken by its shape, format_match
// accepts with the same fields, with every search for tokens.
#include "tests/unit/worker/scan/matcher_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    buf_t text = {0};

    if (len == 0) {
        return 0;
    }
    size_t n = data[0];
    const format_t *format = n < format_count()
                                 ? format_at(n)
                                 : check_given((n - format_count()) % 5);
    buf_put_span(&text, (span_t){data + 1, len - 1});
    buf_put_str(&text, "\n");
    buf_reserve(&text, SHAPE_PAD);
    memset(text.p + text.len, ' ', SHAPE_PAD);
    for (size_t i = 0; i < TOKENS_FINDERS; i++) {
        tokens_find_t *find = tokens_finder_at(i);
        if (find != NULL) {
            (void)check_matcher(
                format, find, buf_span(&text), (1u << FIELD_COUNT) - 1);
        }
    }
    buf_fini(&text);
    return 0;
}
