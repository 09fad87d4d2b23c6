// SPDX-License-Identifier: Apache-2.0
// rising: byte strings that rise, each without what it shares with the one
// before: shared varint (bytes) | block (the rest).
#ifndef LOGTALLY_COMMON_TALLY_RISING_H
#define LOGTALLY_COMMON_TALLY_RISING_H

#include "common/base/bytes.h"
#include "common/base/limits.h"

#include <endian.h>
#include <string.h>

#define RISING_ROOM 16u // of two lengths

static inline size_t
rising_shared(span_t a, span_t b)
{
    size_t n = 0, shorter = a.len < b.len ? a.len : b.len;
    uint64_t x, y;

    for (; shorter - n >= sizeof x; n += sizeof x) {
        memcpy(&x, a.p + n, sizeof x);
        memcpy(&y, b.p + n, sizeof y);
        if (x != y) {
            return n + (size_t)__builtin_ctzll(le64toh(x ^ y)) / 8;
        }
    }
    while (n < shorter && a.p[n] == b.p[n]) {
        n++;
    }
    return n;
}

static inline void
rising_put(span_t previous, span_t key, buf_t *out)
{
    size_t shared = rising_shared(previous, key);
    size_t rest = key.len - shared;
    uint8_t *p = buf_reserve(out, RISING_ROOM + rest);

    p = varint_put(p, shared);
    p = varint_put(p, rest);
    if (rest > 0) {
        memcpy(p, key.p + shared, rest);
        p += rest;
    }
    out->len = (size_t)(p - out->p);
}

// What the next key shares with the `previous` one, and the rest of it, lent.
// ERR_MALFORMED unless keys rise, share all they can and fit LIMIT_KEY;
// ERR_TRUNCATED.
MUST_CHECK static inline errcode_t
rising_get(rd_t *r, span_t previous, bool first, size_t *shared, span_t *rest)
{
    uint64_t same = 0, more = 0;
    errcode_t rc = rd_varint(r, &same);

    rc = rc != ERR_OK ? rc : rd_varint(r, &more);
    if (rc != ERR_OK) {
        return rc;
    }
    if (same > previous.len || more > LIMIT_KEY || same + more > LIMIT_KEY) {
        return ERR_MALFORMED;
    }
    if ((rc = rd_bytes(r, (size_t)more, rest)) != ERR_OK) {
        return rc;
    }
    if (!first && (more == 0 || (same < previous.len &&
                                    rest->p[0] <= previous.p[same]))) {
        return ERR_MALFORMED;
    }
    *shared = (size_t)same;
    return ERR_OK;
}

#endif
