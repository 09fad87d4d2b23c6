// SPDX-License-Identifier: Apache-2.0
// put_tokens of tokens_block.h, one by one. The file that includes it has
// defined first_one(m), the index of the lowest one; anything for none.

typedef uint32_t place_t;

static inline TOKENS_TARGET place_t
place_of(uint32_t at)
{
    return at;
}

static inline TOKENS_TARGET place_t
place_next(place_t at)
{
    return at + 64;
}

// Writes more places than there are ones: no branch on how many, up to eight.
static inline TOKENS_TARGET uint32_t *
put_tokens(uint64_t ones, place_t at, uint32_t *out)
{
    unsigned n = (unsigned)__builtin_popcountll(ones);

    for (uint32_t *to = out; to < out + n; to += 8) {
#pragma GCC unroll 8
        for (unsigned k = 0; k < 8; k++) {
            to[k] = at + (uint32_t)first_one(ones);
            ones &= ones - 1;
        }
    }
    return out + n;
}
