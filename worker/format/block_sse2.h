// SPDX-License-Identifier: Apache-2.0
// As block_avx512.h.
#include <emmintrin.h>
#include <stdint.h>

#define BLOCK_TARGET

typedef struct block {
    __m128i part[4];
} block_t;

static inline block_t
block_load(const uint8_t *p)
{
    const __m128i_u *from = (const __m128i_u *)(const void *)p;

    return (block_t){{_mm_loadu_si128(from), _mm_loadu_si128(from + 1),
        _mm_loadu_si128(from + 2), _mm_loadu_si128(from + 3)}};
}

static inline BLOCK_TARGET void
block_store(uint8_t *p, const block_t *b)
{
    __m128i_u *to = (__m128i_u *)(void *)p;

    for (unsigned i = 0; i < 4; i++) {
        _mm_storeu_si128(to + i, b->part[i]);
    }
}

static inline uint64_t
block_is(const block_t *b, uint8_t c)
{
    __m128i all = _mm_set1_epi8((char)c);
    uint64_t ones = 0;

    for (unsigned i = 0; i < 4; i++) {
        __m128i hits = _mm_cmpeq_epi8(b->part[i], all);
        ones |= (uint64_t)(uint32_t)_mm_movemask_epi8(hits) << (16 * i);
    }
    return ones;
}
