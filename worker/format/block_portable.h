// SPDX-License-Identifier: Apache-2.0
// As block_avx512.h. Eight bytes in a word, for every processor.
#include <endian.h>
#include <stdint.h>
#include <string.h>

#define BLOCK_TARGET

#define EACH_BYTE 0x0101010101010101u
#define LOW_BITS  0x7f7f7f7f7f7f7f7fu
// Times a word with ones in the lowest bits of its bytes: these, side by
// side, in its highest byte.
#define GATHER 0x0102040810204080u

typedef struct block {
    uint64_t word[8];
} block_t;

static inline block_t
block_load(const uint8_t *p)
{
    block_t b;

    memcpy(&b, p, sizeof b);
    for (unsigned i = 0; i < 8; i++) {
        b.word[i] = le64toh(b.word[i]);
    }
    return b;
}

static inline void
block_store(uint8_t *p, const block_t *b)
{
    for (unsigned i = 0; i < 8; i++) {
        uint64_t word = htole64(b->word[i]);
        memcpy(p + 8 * (size_t)i, &word, sizeof word);
    }
}

static inline uint64_t
block_is(const block_t *b, uint8_t c)
{
    uint64_t ones = 0;

    for (unsigned i = 0; i < 8; i++) {
        uint64_t x = b->word[i] ^ c * EACH_BYTE; // a byte is zero where it is c
        uint64_t set = ((x & LOW_BITS) + LOW_BITS) | x | LOW_BITS;
        ones |= ((~set >> 7) * GATHER >> 56) << (8 * i);
    }
    return ones;
}
