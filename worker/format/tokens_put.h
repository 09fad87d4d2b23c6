// SPDX-License-Identifier: Apache-2.0
// put_tokens of tokens_block.h, one by one. The file that includes it has
// defined first_one(m), the index of the lowest one; anything for none.

// Writes more places than there are ones: no branch on how many, up to eight.
static inline TOKENS_TARGET uint32_t *
put_tokens(uint64_t ones, uint32_t at, uint32_t *out)
{
    unsigned n = (unsigned)__builtin_popcountll(ones);

    for (unsigned i = 0; i < n; i += 8) {
        out[i] = at + (uint32_t)first_one(ones);
        ones &= ones - 1;
        out[i + 1] = at + (uint32_t)first_one(ones);
        ones &= ones - 1;
        out[i + 2] = at + (uint32_t)first_one(ones);
        ones &= ones - 1;
        out[i + 3] = at + (uint32_t)first_one(ones);
        ones &= ones - 1;
        out[i + 4] = at + (uint32_t)first_one(ones);
        ones &= ones - 1;
        out[i + 5] = at + (uint32_t)first_one(ones);
        ones &= ones - 1;
        out[i + 6] = at + (uint32_t)first_one(ones);
        ones &= ones - 1;
        out[i + 7] = at + (uint32_t)first_one(ones);
        ones &= ones - 1;
    }
    return out + n;
}
