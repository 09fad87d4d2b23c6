// SPDX-License-Identifier: Apache-2.0
// The search of tokens.h, written once. The file that includes it has defined
// for one kind of processor:
//
//   block_t             64 bytes of text
//   block_load(p)       reads them
//   block_store(p, b)   writes them
//   block_is(b, c)      one bit for each byte that is c, the first one lowest
//   pairs(q)            bit i: the number of ones in q[0..i] is odd
//   place_t             an offset, of place_of(at); place_next(p) is 64 behind
//   put_tokens(m, p, out)
//                       writes p + i for each bit i of m that is one, and
//                       perhaps more places; returns the end of the ones
//   TOKENS_TARGET       attributes of the functions
//
// Included by tokens_*.c alone, which have no other content.

// Behind what is copied, this far, the next is fetched: further than a
// processor looks ahead by itself.
#define TOKENS_AHEAD 4096u

// Of the first len bytes; the others are zeros.
static inline TOKENS_TARGET uint64_t
block_tokens(const block_t *b, unsigned len, const token_set_t *set, unsigned n,
    bool quotes, token_state_t *state)
{
    uint64_t newlines = block_is(b, '\n');
    uint64_t run = block_is(b, set->delimiters[0]);

    run |= n > 1 ? block_is(b, set->delimiters[1]) : 0;
    run |= n > 2 ? block_is(b, set->delimiters[2]) : 0;
    run |= n > 3 ? block_is(b, set->delimiters[3]) : 0;
    if (quotes) {
        uint64_t marks = block_is(b, '"');
        uint64_t inside = pairs(marks) ^ state->in_quotes;
        state->in_quotes = (uint64_t)0 - (inside >> 63);
        run = (run & ~inside) | marks | block_is(b, '\\');
    }
    uint64_t starts = run & ~(run << 1 | state->in_run);
    state->in_run = run >> (len - 1) & 1;
    return starts | newlines;
}

// What is looked at is what was written: not what another process writes to
// `from` in the meantime, which the compiler might read again.
static inline TOKENS_TARGET block_t
block_copy(const uint8_t *from, uint8_t *to)
{
    block_t b = block_load(from);

    __builtin_prefetch(from + TOKENS_AHEAD);
    block_store(to, &b);
    __asm__ volatile("" ::: "memory");
    return block_load(to);
}

static inline __attribute__((always_inline)) TOKENS_TARGET size_t
find_tokens(const token_set_t *set, unsigned n, bool quotes,
    token_state_t *state, const uint8_t *from, uint8_t *text, uint32_t at,
    uint32_t end, uint32_t *out)
{
    uint32_t *to = out;
    token_state_t s = *state;
    uint32_t begin = at;
    token_set_t own = *set; // nothing that is written can change it
    place_t place = place_of(at);
    block_t b;

    for (; end - at >= 64; at += 64, place = place_next(place)) {
        b = from != NULL ? block_copy(from + (at - begin), text + at)
                         : block_load(text + at);
        to = put_tokens(block_tokens(&b, 64, &own, n, quotes, &s), place, to);
    }
    if (at < end) {
        uint8_t last[64] = {0};
        unsigned len = end - at;
        if (from != NULL) {
            memcpy(text + at, from + (at - begin), len);
        }
        memcpy(last, text + at, len);
        b = block_load(last);
        uint64_t known = ((uint64_t)1 << len) - 1;
        uint64_t ones = block_tokens(&b, len, &own, n, quotes, &s);
        to = put_tokens(ones & known, place, to);
    }
    *state = s;
    return (size_t)(to - out);
}

TOKENS_TARGET size_t
TOKENS_NAME(const token_set_t *set, token_state_t *state, const uint8_t *from,
    uint8_t *text, uint32_t begin, uint32_t end, uint32_t *out)
{
    if (set->quotes && set->n == 2 && from != NULL) { // most web server logs
        return find_tokens(set, 2, true, state, from, text, begin, end, out);
    }
    if (set->quotes && set->n == 2) {
        return find_tokens(set, 2, true, state, NULL, text, begin, end, out);
    }
    if (set->quotes) {
        return find_tokens(
            set, set->n, true, state, from, text, begin, end, out);
    }
    return find_tokens(set, set->n, false, state, from, text, begin, end, out);
}
