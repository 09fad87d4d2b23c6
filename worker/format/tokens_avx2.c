// SPDX-License-Identifier: Apache-2.0
#include "worker/format/tokens_kinds.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define TOKENS_NAME   tokens_find_avx2
#define TOKENS_TARGET __attribute__((target("avx2,bmi,pclmul,popcnt")))

typedef struct block {
    __m256i low;
    __m256i high;
} block_t;

static inline TOKENS_TARGET block_t
block_load(const uint8_t *p)
{
    const __m256i_u *from = (const __m256i_u *)(const void *)p;

    return (block_t){_mm256_loadu_si256(from), _mm256_loadu_si256(from + 1)};
}

static inline TOKENS_TARGET uint64_t
block_is(const block_t *b, uint8_t c)
{
    __m256i all = _mm256_set1_epi8((char)c);
    uint32_t low =
        (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b->low, all));
    uint32_t high =
        (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b->high, all));

    return (uint64_t)high << 32 | low;
}

static inline TOKENS_TARGET unsigned
first_one(uint64_t m)
{
    return (unsigned)_tzcnt_u64(m);
}

#include "worker/format/tokens_clmul.h"

#include "worker/format/tokens_put.h"

#include "worker/format/tokens_block.h"
#endif
