// SPDX-License-Identifier: Apache-2.0
// Parts of tokens_block.h for processors that multiply without carry.

// A product without carries by all ones is the running parity.
static inline TOKENS_TARGET uint64_t
pairs(uint64_t q)
{
    return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(
        _mm_set_epi64x(0, (int64_t)q), _mm_set1_epi8((char)0xff), 0));
}
