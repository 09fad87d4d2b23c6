// SPDX-License-Identifier: Apache-2.0
#include "common/base/utf8.h"

#include <string.h>

size_t
utf8_next(const uint8_t *p, size_t len, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

    if (p[0] < 0x80) {
        *code = p[0];
        return 1;
    }
    size_t n = p[0] < 0xc2   ? 0
               : p[0] < 0xe0 ? 2
               : p[0] < 0xf0 ? 3
               : p[0] < 0xf5 ? 4
                             : 0;
    if (n == 0 || n > len) {
        return 0;
    }
    uint32_t v = p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        v = v << 6 | (p[i] & 0x3fu);
    }
    if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff)) {
        return 0;
    }
    *code = v;
    return n;
}

bool
utf8_is_valid(span_t text)
{
    uint32_t code;

    for (size_t i = 0; i < text.len;) {
        size_t n = utf8_next(text.p + i, text.len - i, &code);
        if (n == 0) {
            return false;
        }
        i += n;
    }
    return true;
}

bool
utf8_is_harmful(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0xad ||
           code == 0x61c || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
           (code >= 0xfff9 && code <= 0xfffb) ||
           (code >= 0xe0000 && code <= 0xe007f);
}

size_t
utf8_count(span_t text)
{
    uint32_t code;
    size_t count = 0;

    for (size_t i = 0; i < text.len; count++) {
        size_t n = utf8_next(text.p + i, text.len - i, &code);
        i += n > 0 ? n : 1;
    }
    return count;
}

// Bytes of text from `i` on that stand for themselves: most of any text.
static size_t
plain_run(span_t text, size_t i, const char *also)
{
    size_t n = i;

    while (n < text.len && text.p[n] >= ' ' && text.p[n] < 0x7f &&
           (*also == '\0' || strchr(also, text.p[n]) == NULL)) {
        n++;
    }
    return n - i;
}

void
utf8_put_safe(span_t text, const char *also, buf_t *out)
{
    for (size_t i = 0; i < text.len;) {
        uint32_t code = 0;
        size_t run = plain_run(text, i, also);
        if (run > 0) {
            buf_put(out, text.p + i, run);
            i += run;
            continue;
        }
        size_t n = utf8_next(text.p + i, text.len - i, &code);
        if (n == 0 || utf8_is_harmful(code)) {
            n = n == 0 ? 1 : n;
            for (size_t k = 0; k < n; k++) {
                buf_printf(out, "\\x%02x", text.p[i + k]);
            }
        } else {
            if (n == 1 && strchr(also, (char)code) != NULL) {
                buf_put_u8(out, '\\');
            }
            buf_put(out, text.p + i, n);
        }
        i += n;
    }
}
