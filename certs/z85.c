// SPDX-License-Identifier: Apache-2.0
#include "certs/z85.h"

#include <assert.h>
#include <string.h>

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             ".-:+=^!/*?&<>()[]{}@%$#";

void
z85_encode(const uint8_t *p, size_t len, char *out)
{
    assert(len % 4 == 0);
    for (size_t i = 0; i < len / 4; i++) {
        uint32_t v = 0;
        for (size_t k = 0; k < 4; k++) {
            v = v << 8 | p[4 * i + k];
        }
        for (size_t k = 5; k-- > 0;) {
            out[5 * i + k] = digits[v % 85];
            v /= 85;
        }
    }
    out[len / 4 * 5] = '\0';
}

void
z85_encode_key(const uint8_t key[KEY_LEN], char out[KEY_TEXT_LEN + 1])
{
    z85_encode(key, KEY_LEN, out);
}

static errcode_t
decode_group(const uint8_t *text, uint8_t *out)
{
    uint64_t v = 0;

    for (size_t k = 0; k < 5; k++) {
        const char *at = text[k] != '\0' ? strchr(digits, (char)text[k]) : NULL;
        if (at == NULL) {
            return ERR_MALFORMED;
        }
        v = v * 85 + (uint64_t)(at - digits);
    }
    if (v > UINT32_MAX) {
        return ERR_MALFORMED;
    }
    for (size_t k = 0; k < 4; k++) {
        out[k] = (uint8_t)(v >> (24 - 8 * k));
    }
    return ERR_OK;
}

errcode_t
z85_decode(span_t text, uint8_t *out, size_t len)
{
    assert(len % 4 == 0);
    errcode_t rc = text.len == len / 4 * 5 ? ERR_OK : ERR_MALFORMED;

    for (size_t i = 0; i < len / 4 && rc == ERR_OK; i++) {
        rc = decode_group(text.p + 5 * i, out + 4 * i);
    }
    return rc;
}

errcode_t
z85_decode_key(span_t text, uint8_t out[KEY_LEN])
{
    return z85_decode(text, out, KEY_LEN);
}
