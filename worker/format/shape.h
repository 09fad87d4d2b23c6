// SPDX-License-Identifier: Apache-2.0
// shape: the usual line of a format, told by its tokens (tokens.h): which
// come in which order, and what stands at each. A line that fits has all its
// structural bytes where the shape has them, so it is accepted, and its
// fields lie between known tokens. One that does not fit may still be
// accepted: format_match has the last word (empty or escaped values, spaces
// in a name, a line without its optional fields).
#ifndef LOGTALLY_WORKER_FORMAT_SHAPE_H
#define LOGTALLY_WORKER_FORMAT_SHAPE_H

#include "worker/format/format.h"
#include "worker/format/tokens.h"

#define SHAPE_TOKENS 48u
#define SHAPE_CHECKS 64u
#define SHAPE_SPANS  48u
#define SHAPE_LEAD   256u               // bytes of the longest lead
#define SHAPE_PAD    (SHAPE_LEAD + 16u) // readable bytes behind the text

// Up to eight bytes of a lead.
typedef struct shape_bytes {
    uint64_t want;
    uint64_t mask;
    uint32_t len;     // of what is compared
    uint32_t content; // 0xff: the byte behind it is no structural one; or 0
} shape_bytes_t;

// Those that stand `delta` behind a token.
typedef struct shape_check {
    shape_bytes_t bytes;
    uint32_t token;
    uint32_t delta;
} shape_check_t;

typedef struct shape_span {
    field_t field;
    uint16_t begin; // token
    uint16_t delta; // behind it
    uint16_t end;   // token
    // What is left to see of the usual content: whether a word can be cut
    // (into field and second, at the last or the first `cut` in it), a list
    // does not go on, so many bytes are there.
    enum { SPAN_PLAIN, SPAN_CUT, SPAN_CUT_FIRST, SPAN_LIST, SPAN_FIXED } kind;
    field_t second;
    char cut;
    uint16_t fixed;
} shape_span_t;

// Token 0 is one byte before the line; the shape's own begin at 1, and its
// last is the newline.
typedef struct shape {
    token_set_t set;
    uint8_t structural[256]; // 0xff: delimiters, quotes, backslash, newline
    size_t n_tokens;         // the newline and token 0 not counted
    uint32_t first;          // all ones: token 1 is the line's first byte; or 0
    shape_bytes_t at_token[SHAPE_TOKENS + 1];
    shape_check_t checks[SHAPE_CHECKS]; // elsewhere
    size_t n_checks;
    shape_span_t spans[SHAPE_SPANS];
    size_t n_spans;
    uint16_t tail; // bytes from the last token to the line's end, or its least
    bool exact;    // the line ends there
    bool rest;     // it may go on with a space; neither: with at least one
                   // byte of the last field
} shape_t;

// False: the format has no usual line that tokens can tell.
bool shape_make(const format_t *format, shape_t *out);

static inline uint64_t
shape_differs(const shape_t *self, const shape_bytes_t *b, const uint8_t *p)
{
    uint64_t bytes;

    __builtin_memcpy(&bytes, p, sizeof bytes);
    return ((bytes & b->mask) ^ b->want) |
           (self->structural[p[b->len]] & b->content);
}

static inline uint64_t
shape_check_differs(const shape_t *self, const shape_check_t *c,
    const uint8_t *text, const uint32_t *t)
{
    return shape_differs(
        self, &c->bytes, text + (uint32_t)(t[c->token] + c->delta));
}

// Whether the tokens at t, of which t[0] is line - 1 and n_tokens + 1 more
// are there, are those of a line up to its newline, without it. `text` has
// SHAPE_PAD more bytes.
static inline bool
shape_fits(const shape_t *self, const uint8_t *text, const uint32_t *t)
{
    uint64_t wrong = (t[1] - t[0] - 1) & self->first;

    for (size_t i = 1; i <= self->n_tokens; i++) {
        wrong |= shape_differs(self, &self->at_token[i], text + t[i]);
    }
    for (size_t i = 0; i < self->n_checks; i++) {
        wrong |= shape_check_differs(self, &self->checks[i], text, t);
    }
    return wrong == 0;
}

#endif
