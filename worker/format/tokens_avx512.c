// SPDX-License-Identifier: Apache-2.0
#include "worker/format/tokens_kinds.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define TOKENS_NAME tokens_find_avx512
#define TOKENS_TARGET                                                          \
    __attribute__((target("avx512f,avx512bw,bmi,pclmul,popcnt")))

typedef __m512i block_t;

static inline TOKENS_TARGET block_t
block_load(const uint8_t *p)
{
    return _mm512_loadu_si512(p);
}

static inline TOKENS_TARGET uint64_t
block_is(const block_t *b, uint8_t c)
{
    return _mm512_cmpeq_epi8_mask(*b, _mm512_set1_epi8((char)c));
}

#include "worker/format/tokens_clmul.h"

#include "worker/format/tokens_block.h"
#endif
