// SPDX-License-Identifier: Apache-2.0
// As block_avx512.h.
#include <immintrin.h>
#include <stdint.h>

#define BLOCK_TARGET __attribute__((target("avx2")))

typedef struct block {
    __m256i low;
    __m256i high;
} block_t;

static inline BLOCK_TARGET block_t
block_load(const uint8_t *p)
{
    const __m256i_u *from = (const __m256i_u *)(const void *)p;

    return (block_t){_mm256_loadu_si256(from), _mm256_loadu_si256(from + 1)};
}

static inline BLOCK_TARGET void
block_store(uint8_t *p, const block_t *b)
{
    __m256i_u *to = (__m256i_u *)(void *)p;

    _mm256_storeu_si256(to, b->low);
    _mm256_storeu_si256(to + 1, b->high);
}

static inline BLOCK_TARGET uint64_t
block_is(const block_t *b, uint8_t c)
{
    __m256i all = _mm256_set1_epi8((char)c);
    uint32_t low =
        (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b->low, all));
    uint32_t high =
        (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b->high, all));

    return (uint64_t)high << 32 | low;
}
