// SPDX-License-Identifier: Apache-2.0
#include "coordinator/audit.h"

#include "certs/expiry.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define HEX (2 * AUDIT_HASH)

static void
next_hash(const audit_chain_t *self, span_t rest, uint8_t out[AUDIT_HASH])
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, NULL, 0, AUDIT_HASH);
    crypto_generichash_update(&state, self->hash, AUDIT_HASH);
    crypto_generichash_update(&state, rest.p, rest.len);
    crypto_generichash_final(&state, out, AUDIT_HASH);
}

// What a client wrote must not end the line, or a terminal's good manners.
static void
put_value(buf_t *out, const char *value)
{
    size_t len = strnlen(value, AUDIT_VALUE);

    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)value[i];
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
            buf_printf(out, "\\x%02x", c);
        } else {
            buf_put_u8(out, c);
        }
    }
    if (value[len] != '\0') {
        buf_put_str(out, "...");
    }
}

void
audit_put(audit_chain_t *self, int64_t wall_s, const char *event,
    const audit_pair_t *pairs, buf_t *out)
{
    char time[EXPIRY_TEXT];
    char hex[HEX + 1];
    buf_t rest = {0};

    expiry_print(wall_s, time);
    buf_printf(
        &rest, "%llu %s %s", (unsigned long long)self->n + 1, time, event);
    for (; pairs->key != NULL; pairs++) {
        buf_printf(&rest, " %s=\"", pairs->key);
        put_value(&rest, pairs->value);
        buf_put_u8(&rest, '"');
    }
    next_hash(self, buf_span(&rest), self->hash);
    self->n++;
    sodium_bin2hex(hex, sizeof hex, self->hash, AUDIT_HASH);
    buf_printf(out, "%s ", hex);
    buf_put_span(out, buf_span(&rest));
    buf_put_u8(out, '\n');
    buf_fini(&rest);
}

errcode_t
audit_take(audit_chain_t *self, span_t line)
{
    uint8_t is[AUDIT_HASH];
    char hex[HEX + 1];
    char seq[24];

    if (line.len <= HEX + 1 || line.len > AUDIT_LINE_MAX ||
        line.p[HEX] != ' ') {
        return ERR_CORRUPT;
    }
    span_t rest = {line.p + HEX + 1, line.len - HEX - 1};
    int len =
        snprintf(seq, sizeof seq, "%llu ", (unsigned long long)self->n + 1);
    if (rest.len < (size_t)len || memcmp(rest.p, seq, (size_t)len) != 0) {
        return ERR_CORRUPT;
    }
    next_hash(self, rest, is);
    sodium_bin2hex(hex, sizeof hex, is, AUDIT_HASH);
    if (sodium_memcmp(hex, line.p, HEX) != 0) { // capitals are others
        return ERR_CORRUPT;
    }
    memcpy(self->hash, is, AUDIT_HASH);
    self->n++;
    return ERR_OK;
}

errcode_t
audit_take_all(audit_chain_t *self, span_t bytes, size_t *good)
{
    *good = 0;
    while (*good < bytes.len) {
        const uint8_t *p = bytes.p + *good;
        const uint8_t *end = memchr(p, '\n', bytes.len - *good);
        if (end == NULL) {
            return ERR_TRUNCATED;
        }
        errcode_t rc = audit_take(self, (span_t){p, (size_t)(end - p)});
        if (rc != ERR_OK) {
            return rc;
        }
        *good += (size_t)(end - p) + 1;
    }
    return ERR_OK;
}
