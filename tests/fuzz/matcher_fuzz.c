// SPDX-License-Identifier: Apache-2.0
// The first byte names a format and a search for tokens. Whatever is taken by
// its shape, format_match accepts with the same fields.
#include "tests/unit/worker/scan/matcher_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { N_FORMATS = 64 };

// Matchers are made once for a format, as for a shard of many blocks.
static const check_made_t *
made(size_t n)
{
    static check_made_t all[N_FORMATS];
    const format_t *format = n < format_count()
                                 ? format_at(n)
                                 : check_given((n - format_count()) % 5);

    if (all[n].format == NULL) {
        check_make(format, (1u << FIELD_COUNT) - 1, &all[n]);
    }
    return &all[n];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    buf_t text = {0};

    if (len == 0) {
        return 0;
    }
    tokens_find_t *find =
        tokens_finder_at(data[0] / N_FORMATS % TOKENS_FINDERS);
    buf_put_span(&text, (span_t){data + 1, len - 1});
    buf_put_str(&text, "\n");
    buf_reserve(&text, SHAPE_PAD);
    memset(text.p + text.len, ' ', SHAPE_PAD);
    (void)check_made(made(data[0] % N_FORMATS),
        find != NULL ? find : tokens_finder(), buf_span(&text));
    buf_fini(&text);
    return 0;
}
