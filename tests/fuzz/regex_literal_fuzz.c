// SPDX-License-Identifier: Apache-2.0
// A pattern up to the first NUL, and a text: where PCRE2 finds the one in the
// other, the text has what regex_literal says that it must have. The pattern
// is looked for in itself too, without its marks.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "common/query/regex_literal.h"

#include <assert.h>
#include <pcre2.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(const pcre2_code *re, span_t literal, span_t text)
{
    static pcre2_match_data *match;
    static pcre2_match_context *limits;

    if (match == NULL) {
        match = pcre2_match_data_create(1, NULL);
        limits = pcre2_match_context_create(NULL);
        pcre2_set_match_limit(limits, 10000);
    }
    if (pcre2_match(re, text.p, text.len, 0, 0, match, limits) >= 0) {
        assert(memmem(text.p, text.len, literal.p, literal.len) != NULL);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const uint8_t *nul = len > 0 ? memchr(data, '\0', len) : NULL;
    size_t n = nul != NULL ? (size_t)(nul - data) : len;
    buf_t literal = {0}, bare = {0};
    PCRE2_SIZE where;
    int code;

    buf_reserve(&bare, 1);
    regex_literal((span_t){data, n}, &literal);
    pcre2_code *re = pcre2_compile(data, n, 0, &code, &where, NULL);
    if (re != NULL && literal.len > 0) {
        for (size_t i = 0; i < n; i++) {
            if (strchr("\\()[]{}*+?.^$|", data[i]) == NULL) {
                buf_put_u8(&bare, data[i]);
            }
        }
        check(re, buf_span(&literal), buf_span(&bare));
        if (nul != NULL) {
            check(re, buf_span(&literal), (span_t){nul + 1, len - n - 1});
        }
    }
    pcre2_code_free(re);
    buf_fini(&literal);
    buf_fini(&bare);
    return 0;
}
