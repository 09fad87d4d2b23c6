// SPDX-License-Identifier: Apache-2.0
// 64 bytes of text, and where in them a byte stands: the same names in each
// of block_*.h. Included by the one file that is for such processors.
#include <immintrin.h>
#include <stdint.h>

#define BLOCK_TARGET __attribute__((target("avx512f,avx512bw")))

typedef __m512i block_t;

static inline BLOCK_TARGET block_t
block_load(const uint8_t *p)
{
    return _mm512_loadu_si512(p);
}

static inline BLOCK_TARGET void
block_store(uint8_t *p, const block_t *b)
{
    _mm512_storeu_si512(p, *b);
}

// One bit for each byte that is c, the first one lowest.
static inline BLOCK_TARGET uint64_t
block_is(const block_t *b, uint8_t c)
{
    return _mm512_cmpeq_epi8_mask(*b, _mm512_set1_epi8((char)c));
}
