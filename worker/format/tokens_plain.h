// SPDX-License-Identifier: Apache-2.0
// Parts of tokens_block.h in plain C.

static inline uint64_t
pairs(uint64_t q)
{
    q ^= q << 1;
    q ^= q << 2;
    q ^= q << 4;
    q ^= q << 8;
    q ^= q << 16;
    return q ^ q << 32;
}

// The builtin is undefined for zero.
static inline unsigned
first_one(uint64_t m)
{
    return (unsigned)__builtin_ctzll(m | (uint64_t)1 << 63);
}
