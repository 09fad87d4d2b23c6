// SPDX-License-Identifier: Apache-2.0
// tokens: where the bytes are that hold a line together, 64 at a time.
//
// A set names up to four delimiters. Where it has quotes, '"' opens and
// closes, and a delimiter between two of them is text. Delimiters, quotes and
// backslashes are structural; of several in a row only the first is a token.
// A newline is always a token, and never hides the byte behind it.
//
// Quotes are only paired: whoever reads the tokens has to see that a line
// with an odd number of quotes, or with backslashes, is looked at byte by
// byte, and that the search begins anew behind it.
#ifndef LOGTALLY_WORKER_FORMAT_TOKENS_H
#define LOGTALLY_WORKER_FORMAT_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKENS_DELIMITERS 4u
#define TOKENS_SLACK      64u // places behind the last token that are written

typedef struct token_set {
    uint8_t delimiters[TOKENS_DELIMITERS];
    uint8_t n; // at least 1
    bool quotes;
} token_set_t;

// Between two calls for bytes that follow each other; zeroed at the beginning
// of a line.
typedef struct token_state {
    uint64_t in_quotes; // all ones or zero
    uint64_t in_run;    // 1: the last byte was structural
} token_state_t;

// Writes the offsets in text of the tokens in [begin, end) and returns how
// many there are, at most end - begin; `out` has TOKENS_SLACK places more.
// Where `from` is not NULL, these bytes are copied from there to their place
// first; each is read once, so that it does not matter who writes to them.
typedef size_t tokens_find_t(const token_set_t *set, token_state_t *state,
    const uint8_t *from, uint8_t *text, uint32_t begin, uint32_t end,
    uint32_t *out);

// The fastest that this processor has.
tokens_find_t *tokens_finder(void);
const char *tokens_finder_name(void); // "avx2", "sse2", "portable"

// Each of them, for the tests; NULL where it cannot run. i < TOKENS_FINDERS.
#define TOKENS_FINDERS 4u
tokens_find_t *tokens_finder_at(size_t i);

#endif
