// SPDX-License-Identifier: Apache-2.0
#include "worker/format/lanes_kinds.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define LANES_NAME   lanes_avx2
#define LANES_TARGET __attribute__((target("avx2")))
#define LANES_STEP   8u

static inline LANES_TARGET __m256i
words_at(const uint32_t *p)
{
    return _mm256_loadu_si256((const __m256i_u *)(const void *)p);
}

static inline LANES_TARGET __m256i
table(const uint8_t *p)
{
    return _mm256_broadcastsi128_si256(
        _mm_loadu_si128((const __m128i_u *)(const void *)p));
}

static inline LANES_TARGET bool
is_wrong(const lanes_t *self, size_t at, const uint32_t *words)
{
    __m256i bytes = words_at(words + at);
    __m256i behind = _mm256_srlv_epi32(bytes, words_at(self->shift + at));
    __m256i half =
        _mm256_and_si256(_mm256_srli_epi32(behind, 4), _mm256_set1_epi8(0x0f));
    __m256i structural =
        _mm256_and_si256(_mm256_shuffle_epi8(table(self->low), behind),
            _mm256_and_si256(_mm256_shuffle_epi8(table(self->high), half),
                words_at(self->content + at)));
    __m256i differs =
        _mm256_xor_si256(_mm256_and_si256(bytes, words_at(self->mask + at)),
            words_at(self->want + at));
    __m256i wrong = _mm256_or_si256(differs, structural);

    return !_mm256_testz_si256(wrong, wrong);
}

#include "worker/format/lanes_block.h"
#endif
