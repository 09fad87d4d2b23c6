// SPDX-License-Identifier: Apache-2.0
#include "worker/format/tokens_kinds.h"

#if defined(__x86_64__)
#include "worker/format/block_avx512.h"

#include <string.h>

#define TOKENS_NAME tokens_find_avx512
// Without bmi's andn, gcc takes words back to the mask registers to combine
// them: half as fast.
#define TOKENS_TARGET                                                          \
    __attribute__((target("avx512f,avx512bw,avx512vbmi2,bmi,pclmul,popcnt")))

// Ready to be added: to copy it into a vector takes the one port of the
// processor that has most to do here.
typedef __m512i place_t;

static inline TOKENS_TARGET place_t
place_of(uint32_t at)
{
    return _mm512_set1_epi32((int)at);
}

static inline TOKENS_TARGET place_t
place_next(place_t at)
{
    return _mm512_add_epi32(at, _mm512_set1_epi32(64));
}

static inline TOKENS_TARGET void
put_16(__m128i bytes, place_t at, uint32_t *out)
{
    _mm512_storeu_si512(out, _mm512_add_epi32(_mm512_cvtepu8_epi32(bytes), at));
}

// The indexes of the ones, moved together, sixteen to a store.
static inline TOKENS_TARGET uint32_t *
put_tokens(uint64_t ones, place_t at, uint32_t *out)
{
    static const uint8_t counted[64] __attribute__((aligned(64))) = {0, 1, 2, 3,
        4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
        23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
        41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58,
        59, 60, 61, 62, 63};
    unsigned n = (unsigned)__builtin_popcountll(ones);
    __m512i indexes =
        _mm512_maskz_compress_epi8(ones, _mm512_load_si512(counted));

    put_16(_mm512_castsi512_si128(indexes), at, out);
    if (n > 16) {
        put_16(_mm512_extracti32x4_epi32(indexes, 1), at, out + 16);
        put_16(_mm512_extracti32x4_epi32(indexes, 2), at, out + 32);
        put_16(_mm512_extracti32x4_epi32(indexes, 3), at, out + 48);
    }
    return out + n;
}

#include "worker/format/tokens_clmul.h"

#include "worker/format/tokens_block.h"
#endif
