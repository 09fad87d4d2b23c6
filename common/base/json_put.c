// SPDX-License-Identifier: Apache-2.0
#include "common/base/json_put.h"

#include "common/base/utf8.h"

static void
put_quoted(buf_t *out, const char *text)
{
    buf_t safe = {0};

    utf8_put_safe(span_str(text), "", &safe);
    buf_put_u8(out, '"');
    for (size_t i = 0; i < safe.len; i++) {
        if (safe.p[i] == '"' || safe.p[i] == '\\') {
            buf_put_u8(out, '\\');
        }
        buf_put_u8(out, safe.p[i]);
    }
    buf_put_u8(out, '"');
    buf_fini(&safe);
}

static void
put_key(buf_t *out, const char *key)
{
    uint8_t last = out->len > 0 ? out->p[out->len - 1] : '[';

    if (last != '{' && last != '[' && last != '\n') {
        buf_put_u8(out, ',');
    }
    if (key != NULL) {
        put_quoted(out, key);
        buf_put_u8(out, ':');
    }
}

void
json_open(buf_t *out, const char *key, char bracket)
{
    put_key(out, key);
    buf_put_u8(out, (uint8_t)bracket);
}

void
json_close(buf_t *out, char bracket)
{
    buf_put_u8(out, (uint8_t)bracket);
}

void
json_text(buf_t *out, const char *key, const char *value)
{
    put_key(out, key);
    put_quoted(out, value);
}

void
json_number(buf_t *out, const char *key, uint64_t value)
{
    put_key(out, key);
    buf_printf(out, "%llu", (unsigned long long)value);
}

void
json_flag(buf_t *out, const char *key, bool value)
{
    put_key(out, key);
    buf_put_str(out, value ? "true" : "false");
}

void
json_signed(buf_t *out, const char *key, int64_t value)
{
    put_key(out, key);
    buf_printf(out, "%lld", (long long)value);
}
