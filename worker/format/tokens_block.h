// SPDX-License-Identifier: Apache-2.0
// The search of tokens.h, written once. The file that includes it has defined
// for one kind of processor:
//
//   block_t             64 bytes of text
//   block_load(p)       reads them
//   block_is(b, c)      one bit for each byte that is c, the first one lowest
//   pairs(q)            bit i: the number of ones in q[0..i] is odd
//   put_tokens(m, at, out)
//                       writes at + i for each bit i of m that is one, and
//                       perhaps more places; returns the end of the ones
//   TOKENS_TARGET       attributes of the functions
//
// Included by tokens_*.c alone, which have no other content.

static inline TOKENS_TARGET uint64_t
block_tokens(const block_t *b, const token_set_t *set, unsigned n, bool quotes,
    token_state_t *state)
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
    state->in_run = run >> 63;
    return starts | newlines;
}

static inline __attribute__((always_inline)) TOKENS_TARGET size_t
find_tokens(const token_set_t *set, unsigned n, bool quotes,
    token_state_t *state, const uint8_t *text, uint32_t at, uint32_t end,
    uint32_t *out)
{
    uint32_t *to = out;
    token_state_t s = *state;
    block_t b;

    for (; end - at >= 64; at += 64) {
        b = block_load(text + at);
        to = put_tokens(block_tokens(&b, set, n, quotes, &s), at, to);
    }
    if (at < end) {
        uint8_t last[64] = {0};
        unsigned len = end - at;
        memcpy(last, text + at, len);
        b = block_load(last);
        uint64_t known = ((uint64_t)1 << len) - 1;
        uint64_t ones = block_tokens(&b, set, n, quotes, &s);
        to = put_tokens(ones & known, at, to);
        s.in_run = 0; // unknown; a caller goes on only behind a newline
    }
    *state = s;
    return (size_t)(to - out);
}

TOKENS_TARGET size_t
TOKENS_NAME(const token_set_t *set, token_state_t *state, const uint8_t *text,
    uint32_t begin, uint32_t end, uint32_t *out)
{
    if (set->quotes && set->n == 2) { // most web server logs
        return find_tokens(set, 2, true, state, text, begin, end, out);
    }
    if (set->quotes) {
        return find_tokens(set, set->n, true, state, text, begin, end, out);
    }
    return find_tokens(set, set->n, false, state, text, begin, end, out);
}
