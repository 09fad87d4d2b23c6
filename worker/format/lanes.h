// SPDX-License-Identifier: Apache-2.0
// lanes: the tokens of a line beside those of its shape, all of them at once,
// a lane for each; on processors that can. The same is asked as by shape_fits:
// what stands at a token, and that the byte behind is none of the structural
// ones. What does not fit into a lane is left to the caller.
#ifndef LOGTALLY_WORKER_FORMAT_LANES_H
#define LOGTALLY_WORKER_FORMAT_LANES_H

#include "worker/format/shape.h"

#define LANES_MAX 64u // a multiple of all that is done at once
#define LANES_PAD 16u // words behind those of the last line that are read

// Lane 0 is for token 0, the byte before the line, and the last one for the
// newline.
typedef struct lanes {
    uint32_t n;               // tokens of a line, the newline with them
    uint32_t want[LANES_MAX]; // of the four bytes from the token on
    uint32_t mask[LANES_MAX];
    uint32_t shift[LANES_MAX];   // to the byte behind what is wanted
    uint32_t content[LANES_MAX]; // 0xff: which is not structural; or 0
    // A bit for each structural byte: in the halves that it has.
    uint8_t low[16];
    uint8_t high[16];
    // What has no room in a lane.
    shape_check_t others[SHAPE_TOKENS + SHAPE_CHECKS];
    size_t n_others;
} lanes_t;

// False: not for this shape.
bool lanes_make(const shape_t *shape, lanes_t *out);

typedef struct lanes_kind {
    // The four bytes at each of n tokens. Those behind a line's newline do not
    // matter, but for the first of the next line in lane 0.
    void (*load)(
        const uint8_t *text, const uint32_t *tokens, size_t n, uint32_t *out);
    // How many lines fit, of n that follow each other: words[0] is what load
    // gave, or would give, for token 0 of the first one.
    size_t (*fit)(const lanes_t *self, const uint32_t *words, size_t n);
} lanes_kind_t;

// As shape_fits, of what the lanes do not have.
static inline bool
lanes_others_fit(const lanes_t *self, const shape_t *shape, const uint8_t *text,
    const uint32_t *t)
{
    uint64_t wrong = (t[1] - t[0] - 1) & shape->first;

    for (size_t i = 0; i < self->n_others; i++) {
        wrong |= shape_check_differs(shape, &self->others[i], text, t);
    }
    return wrong == 0;
}

// The fastest that this processor has; NULL: none.
const lanes_kind_t *lanes_kind(void);

// Each of them, for the tests; NULL where it cannot run. i < LANES_KINDS.
#define LANES_KINDS 2u
const lanes_kind_t *lanes_kind_at(size_t i);

#endif
