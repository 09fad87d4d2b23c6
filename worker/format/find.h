// SPDX-License-Identifier: Apache-2.0
// find: the next delimiter in a line, sixteen bytes at a time. Fields are
// short: a call into libc for each costs more than the search.
//
// Nothing outside [line, end) is read.
#ifndef LOGTALLY_WORKER_FORMAT_FIND_H
#define LOGTALLY_WORKER_FORMAT_FIND_H

#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>

// The bytes of a block that are a or b, one bit each.
static inline unsigned
find_mask(const uint8_t *block, uint8_t a, uint8_t b)
{
    __m128i v = _mm_loadu_si128((const __m128i_u *)(const void *)block);
    __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8((char)a)),
        _mm_cmpeq_epi8(v, _mm_set1_epi8((char)b)));

    return (unsigned)_mm_movemask_epi8(hits);
}

#define FIND_BLOCK 16
#endif

// The first a or b in [p, end), or end. line <= p: where readable bytes
// begin, so that the last block may overlap the one before.
static inline const uint8_t *
find_either(const uint8_t *line, const uint8_t *p, const uint8_t *end,
    uint8_t a, uint8_t b)
{
#ifdef FIND_BLOCK
    while (end - p >= FIND_BLOCK) {
        unsigned mask = find_mask(p, a, b);
        if (mask != 0) {
            return p + __builtin_ctz(mask);
        }
        p += FIND_BLOCK;
    }
    if (p < end && end - line >= FIND_BLOCK) {
        size_t done = (size_t)(FIND_BLOCK - (end - p)); // of the last block
        unsigned mask = find_mask(end - FIND_BLOCK, a, b) >> done;
        return mask != 0 ? p + __builtin_ctz(mask) : end;
    }
#else
    (void)line;
#endif
    while (p < end && *p != a && *p != b) {
        p++;
    }
    return p;
}

static inline const uint8_t *
find_one(const uint8_t *line, const uint8_t *p, const uint8_t *end, uint8_t a)
{
    return find_either(line, p, end, a, a);
}

// Behind the last a in [begin, end), or begin. Where it is near the end, as
// the last space of a request is, one block tells.
static inline const uint8_t *
find_behind_last(const uint8_t *begin, const uint8_t *end, uint8_t a)
{
#ifdef FIND_BLOCK
    if (end - begin >= FIND_BLOCK) {
        unsigned mask = find_mask(end - FIND_BLOCK, a, a);
        if (mask != 0) {
            return end + FIND_BLOCK - __builtin_clz(mask);
        }
    }
#endif
    while (end > begin && end[-1] != a) {
        end--;
    }
    return end;
}

#endif
