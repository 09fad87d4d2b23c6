// SPDX-License-Identifier: Apache-2.0
// bytes: spans, a growable buffer, and a bounded reader.
//
// A span lends bytes. A buf owns its bytes. A reader lends the bytes it
// walks over; every rd_ call leaves the cursor alone when it fails, with
// ERR_TRUNCATED (bytes ended) or ERR_MALFORMED. Integers are little-endian;
// varints are LEB128 of at most 10 (64 bits) or 19 (128 bits) bytes and must
// be the shortest form.
#ifndef LOGTALLY_COMMON_BASE_BYTES_H
#define LOGTALLY_COMMON_BASE_BYTES_H

#include "common/base/errcode.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef __int128 i128_t;
typedef unsigned __int128 u128_t;

typedef struct span {
    const uint8_t *p;
    size_t len;
} span_t;

#define SPAN_LIT(s) ((span_t){(const uint8_t *)(s), sizeof(s) - 1})
span_t span_str(const char *s);
bool span_eq(span_t a, span_t b);
bool span_is(span_t a, const char *s);
int span_cmp(span_t a, span_t b); // by bytes, shorter first

typedef struct buf {
    uint8_t *p;
    size_t len;
    size_t cap;
} buf_t;

// A zeroed buf_t is empty and ready.
void buf_fini(buf_t *self); // frees; self is empty afterwards
void buf_clear(buf_t *self);
uint8_t *buf_grow(buf_t *self, size_t more); // of buf_reserve

// Room behind len.
static inline uint8_t *
buf_reserve(buf_t *self, size_t more)
{
    bool there = self->p != NULL && more <= self->cap - self->len;

    return there ? self->p + self->len : buf_grow(self, more);
}

#define VARINT_MAX 10u // bytes
// Returns the place behind what it writes, VARINT_MAX bytes at most.
static inline uint8_t *
varint_put(uint8_t *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

void buf_put(buf_t *self, const void *p, size_t len);
void buf_put_span(buf_t *self, span_t s);
void buf_put_str(buf_t *self, const char *s); // without its NUL
void buf_printf(buf_t *self, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_put_u8(buf_t *self, uint8_t v);
void buf_put_u16(buf_t *self, uint16_t v);
void buf_put_u32(buf_t *self, uint32_t v);
void buf_put_u64(buf_t *self, uint64_t v);
void buf_put_varint(buf_t *self, uint64_t v);
void buf_put_varint128(buf_t *self, u128_t v);
void buf_put_zigzag(buf_t *self, i128_t v); // zigzag, then varint128
void buf_put_block(buf_t *self, span_t s);  // varint length, bytes
span_t buf_span(const buf_t *self);

typedef struct rd {
    const uint8_t *p;
    const uint8_t *end;
} rd_t;

rd_t rd_init(span_t s);
size_t rd_left(const rd_t *r);
MUST_CHECK errcode_t rd_u8(rd_t *r, uint8_t *out);
MUST_CHECK errcode_t rd_u16(rd_t *r, uint16_t *out);
MUST_CHECK errcode_t rd_u32(rd_t *r, uint32_t *out);
MUST_CHECK errcode_t rd_u64(rd_t *r, uint64_t *out);
MUST_CHECK errcode_t rd_varint_long(rd_t *r, uint64_t *out); // of rd_varint

// Most are one byte.
MUST_CHECK static inline errcode_t
rd_varint(rd_t *r, uint64_t *out)
{
    if (r->p < r->end && *r->p < 0x80) {
        *out = *r->p++;
        return ERR_OK;
    }
    return rd_varint_long(r, out);
}

MUST_CHECK errcode_t rd_varint128(rd_t *r, u128_t *out);
MUST_CHECK errcode_t rd_zigzag(rd_t *r, i128_t *out);
MUST_CHECK errcode_t rd_bytes(rd_t *r, size_t len, span_t *out);
// A varint length of at most `max` (else ERR_TOO_LARGE), then the bytes.
MUST_CHECK errcode_t rd_block(rd_t *r, size_t max, span_t *out);
// ERR_MALFORMED when bytes are left.
MUST_CHECK errcode_t rd_end(const rd_t *r);

#endif
