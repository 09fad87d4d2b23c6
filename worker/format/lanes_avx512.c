// SPDX-License-Identifier: Apache-2.0
#include "worker/format/lanes_kinds.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define LANES_NAME   lanes_avx512
#define LANES_TARGET __attribute__((target("avx512f,avx512bw")))
#define LANES_STEP   16u

// All ones and zeros of what is wrong in LANES_STEP lanes.
static inline LANES_TARGET bool
is_wrong(const lanes_t *self, size_t at, const uint32_t *words)
{
    __m512i low = _mm512_broadcast_i32x4(
        _mm_loadu_si128((const __m128i_u *)(const void *)self->low));
    __m512i high = _mm512_broadcast_i32x4(
        _mm_loadu_si128((const __m128i_u *)(const void *)self->high));
    __m512i bytes = _mm512_loadu_si512(words + at);
    __m512i behind =
        _mm512_srlv_epi32(bytes, _mm512_loadu_si512(self->shift + at));
    __m512i half =
        _mm512_and_si512(_mm512_srli_epi32(behind, 4), _mm512_set1_epi8(0x0f));
    __m512i structural = _mm512_and_si512(_mm512_shuffle_epi8(low, behind),
        _mm512_and_si512(_mm512_shuffle_epi8(high, half),
            _mm512_loadu_si512(self->content + at)));
    __m512i differs = _mm512_xor_si512(
        _mm512_and_si512(bytes, _mm512_loadu_si512(self->mask + at)),
        _mm512_loadu_si512(self->want + at));
    __m512i wrong = _mm512_or_si512(differs, structural);

    return _mm512_test_epi32_mask(wrong, wrong) != 0;
}

#include "worker/format/lanes_block.h"
#endif
