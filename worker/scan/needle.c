// SPDX-License-Identifier: Apache-2.0
// Where the first and the last byte of the needle stand at their distance,
// the rest is compared. Hostile lines can make that slow, not wrong: at worst
// each place is compared.
#include "worker/scan/needle.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>

#define BLOCK 16

static __m128i
load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i_u *)(const void *)p);
}

// Bits of the places in a block where the needle may begin.
static unsigned
candidates(span_t needle, const uint8_t *p)
{
    __m128i first = _mm_set1_epi8((char)needle.p[0]);
    __m128i last = _mm_set1_epi8((char)needle.p[needle.len - 1]);
    __m128i hits = _mm_and_si128(_mm_cmpeq_epi8(load(p), first),
        _mm_cmpeq_epi8(load(p + needle.len - 1), last));

    return (unsigned)_mm_movemask_epi8(hits);
}

const uint8_t *
needle_find(span_t needle, const uint8_t *p, const uint8_t *end)
{
    // A block of beginnings and their ends must lie inside.
    while ((size_t)(end - p) >= BLOCK + needle.len - 1) {
        for (unsigned mask = candidates(needle, p); mask != 0;
             mask &= mask - 1) {
            const uint8_t *at = p + __builtin_ctz(mask);
            if (memcmp(at, needle.p, needle.len) == 0) {
                return at;
            }
        }
        p += BLOCK;
    }
    return p < end ? memmem(p, (size_t)(end - p), needle.p, needle.len) : NULL;
}

// Up to 255 blocks are counted in bytes before they are added up.
static uint64_t
lines_in(const uint8_t *p, size_t blocks)
{
    __m128i newline = _mm_set1_epi8('\n');
    __m128i counts = _mm_setzero_si128();

    for (size_t i = 0; i < blocks; i++) {
        counts =
            _mm_sub_epi8(counts, _mm_cmpeq_epi8(load(p + i * BLOCK), newline));
    }
    __m128i sums = _mm_sad_epu8(counts, _mm_setzero_si128());
    return (uint64_t)_mm_cvtsi128_si64(sums) +
           (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums));
}
#else
#define BLOCK 1

const uint8_t *
needle_find(span_t needle, const uint8_t *p, const uint8_t *end)
{
    return p < end ? memmem(p, (size_t)(end - p), needle.p, needle.len) : NULL;
}

static uint64_t
lines_in(const uint8_t *p, size_t blocks)
{
    uint64_t n = 0;

    for (size_t i = 0; i < blocks; i++) {
        n += p[i] == '\n';
    }
    return n;
}
#endif

uint64_t
needle_lines(const uint8_t *p, const uint8_t *end)
{
    uint64_t n = 0;

    while (end - p >= BLOCK) {
        size_t blocks = (size_t)(end - p) / BLOCK;
        blocks = blocks < 255 ? blocks : 255;
        n += lines_in(p, blocks);
        p += blocks * BLOCK;
    }
    for (; p < end; p++) {
        n += *p == '\n';
    }
    return n;
}
