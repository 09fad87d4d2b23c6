// SPDX-License-Identifier: Apache-2.0
#include "common/base/bytes.h"

#include "common/base/xalloc.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARINT128_MAX 19

span_t
span_str(const char *s)
{
    return (span_t){(const uint8_t *)s, strlen(s)};
}

bool
span_eq(span_t a, span_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool
span_is(span_t a, const char *s)
{
    return span_eq(a, span_str(s));
}

int
span_cmp(span_t a, span_t b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

    if (c != 0) {
        return c;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

void
buf_fini(buf_t *self)
{
    free(self->p);
    *self = (buf_t){0};
}

void
buf_clear(buf_t *self)
{
    self->len = 0;
}

uint8_t *
buf_grow(buf_t *self, size_t more)
{
    assert(more <= SIZE_MAX - self->len);
    self->p = xgrow(self->p, &self->cap, self->len + more, 1);
    // Nothing reserved in an empty buffer: NULL, to which not even 0 is added.
    return self->len > 0 ? self->p + self->len : self->p;
}

void
buf_put(buf_t *self, const void *p, size_t len)
{
    if (len > 0) {
        memcpy(buf_reserve(self, len), p, len);
        self->len += len;
    }
}

void
buf_put_span(buf_t *self, span_t s)
{
    buf_put(self, s.p, s.len);
}

void
buf_put_str(buf_t *self, const char *s)
{
    buf_put(self, s, strlen(s));
}

void
buf_printf(buf_t *self, const char *fmt, ...)
{
    size_t room = 64; // for most of them

    for (;;) {
        va_list args;
        uint8_t *at = buf_reserve(self, room);
        size_t left = self->cap - self->len;

        va_start(args, fmt);
        int n = vsnprintf((char *)at, left, fmt, args);
        va_end(args);
        assert(n >= 0);
        if ((size_t)n < left) {
            self->len += (size_t)n;
            return;
        }
        room = (size_t)n + 1; // and the zero, which is not kept
    }
}

static void
put_le(buf_t *self, uint64_t v, size_t n)
{
    uint8_t *p = buf_reserve(self, n);

    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
    self->len += n;
}

void
buf_put_u8(buf_t *self, uint8_t v)
{
    *buf_reserve(self, 1) = v;
    self->len++;
}

void
buf_put_u16(buf_t *self, uint16_t v)
{
    put_le(self, v, 2);
}

void
buf_put_u32(buf_t *self, uint32_t v)
{
    put_le(self, v, 4);
}

void
buf_put_u64(buf_t *self, uint64_t v)
{
    put_le(self, v, 8);
}

void
buf_put_varint(buf_t *self, uint64_t v)
{
    uint8_t *p = buf_reserve(self, VARINT_MAX);

    self->len += (size_t)(varint_put(p, v) - p);
}

void
buf_put_varint128(buf_t *self, u128_t v)
{
    uint8_t *p = buf_reserve(self, VARINT128_MAX);
    size_t n = 0;

    while (v >= 0x80) {
        p[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    p[n++] = (uint8_t)v;
    self->len += n;
}

void
buf_put_zigzag(buf_t *self, i128_t v)
{
    u128_t u = (u128_t)v << 1;

    buf_put_varint128(self, v < 0 ? ~u : u);
}

void
buf_put_block(buf_t *self, span_t s)
{
    buf_put_varint(self, s.len);
    buf_put_span(self, s);
}

span_t
buf_span(const buf_t *self)
{
    return (span_t){self->p, self->len};
}

rd_t
rd_init(span_t s)
{
    static const uint8_t none[1];
    const uint8_t *p = s.p != NULL ? s.p : none;

    return (rd_t){p, p + s.len};
}

size_t
rd_left(const rd_t *r)
{
    return (size_t)(r->end - r->p);
}

static errcode_t
read_le(rd_t *r, size_t n, uint64_t *out)
{
    uint64_t v = 0;

    if (rd_left(r) < n) {
        return ERR_TRUNCATED;
    }
    for (size_t i = 0; i < n; i++) {
        v |= (uint64_t)r->p[i] << (8 * i);
    }
    r->p += n;
    *out = v;
    return ERR_OK;
}

errcode_t
rd_u8(rd_t *r, uint8_t *out)
{
    uint64_t v;
    errcode_t rc = read_le(r, 1, &v);

    if (rc == ERR_OK) {
        *out = (uint8_t)v;
    }
    return rc;
}

errcode_t
rd_u16(rd_t *r, uint16_t *out)
{
    uint64_t v;
    errcode_t rc = read_le(r, 2, &v);

    if (rc == ERR_OK) {
        *out = (uint16_t)v;
    }
    return rc;
}

errcode_t
rd_u32(rd_t *r, uint32_t *out)
{
    uint64_t v;
    errcode_t rc = read_le(r, 4, &v);

    if (rc == ERR_OK) {
        *out = (uint32_t)v;
    }
    return rc;
}

errcode_t
rd_u64(rd_t *r, uint64_t *out)
{
    return read_le(r, 8, out);
}

// The last byte of a longer-than-needed varint is 0; of one that leaves its
// width it has bits above `top`, which are those that still fit.
static errcode_t
read_varint(rd_t *r, size_t max, uint8_t top, u128_t *out)
{
    u128_t v = 0;

    for (size_t i = 0; i < max; i++) {
        if (i >= rd_left(r)) {
            return ERR_TRUNCATED;
        }
        uint8_t b = r->p[i];
        v |= (u128_t)(b & 0x7f) << (7 * i);
        if ((b & 0x80) != 0) {
            continue;
        }
        if ((b == 0 && i > 0) || (i == max - 1 && b > top)) {
            return ERR_MALFORMED;
        }
        r->p += i + 1;
        *out = v;
        return ERR_OK;
    }
    return ERR_MALFORMED;
}

errcode_t
rd_varint_long(rd_t *r, uint64_t *out)
{
    u128_t v;
    errcode_t rc = read_varint(r, VARINT_MAX, 0x01, &v);

    if (rc == ERR_OK) {
        *out = (uint64_t)v;
    }
    return rc;
}

errcode_t
rd_varint128(rd_t *r, u128_t *out)
{
    return read_varint(r, VARINT128_MAX, 0x03, out);
}

errcode_t
rd_zigzag(rd_t *r, i128_t *out)
{
    u128_t u;
    errcode_t rc = rd_varint128(r, &u);

    if (rc == ERR_OK) {
        *out = (i128_t)((u & 1) != 0 ? ~(u >> 1) : u >> 1);
    }
    return rc;
}

errcode_t
rd_bytes(rd_t *r, size_t len, span_t *out)
{
    if (rd_left(r) < len) {
        return ERR_TRUNCATED;
    }
    *out = (span_t){r->p, len};
    r->p += len;
    return ERR_OK;
}

errcode_t
rd_block(rd_t *r, size_t max, span_t *out)
{
    rd_t at = *r;
    uint64_t len;
    errcode_t rc = rd_varint(&at, &len);

    if (rc != ERR_OK) {
        return rc;
    }
    if (len > max) {
        return ERR_TOO_LARGE;
    }
    if ((rc = rd_bytes(&at, (size_t)len, out)) == ERR_OK) {
        *r = at;
    }
    return rc;
}

errcode_t
rd_end(const rd_t *r)
{
    return rd_left(r) == 0 ? ERR_OK : ERR_MALFORMED;
}
