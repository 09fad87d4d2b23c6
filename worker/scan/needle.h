// SPDX-License-Identifier: Apache-2.0
// needle: a text in a block of log, and how many lines are before it; 64
// bytes at a time, in one go.
#ifndef LOGTALLY_WORKER_SCAN_NEEDLE_H
#define LOGTALLY_WORKER_SCAN_NEEDLE_H

#include "common/base/bytes.h"

typedef struct needle {
    span_t text; // lent; p == NULL: there is none
    size_t a;    // places in it of the two bytes that are looked for first
    size_t b;
    bool learned;
} needle_t;

needle_t needle_new(span_t text);
// From now on looks first for the two bytes that are rarest in such a log.
void needle_learn(needle_t *self, span_t sample);

// The first place in [p, end) where the text (not empty) stands, or NULL, and
// how many '\n' are before it, or in all. Another process may change the
// bytes meanwhile: then both may be wrong, but no other byte is touched.
typedef const uint8_t *needle_find_t(const needle_t *self, const uint8_t *p,
    const uint8_t *end, uint64_t *newlines);
needle_find_t needle_find;

// Each kind of search, for the tests; NULL where it cannot run. The first
// that can is the one above. i < NEEDLE_FINDERS.
#define NEEDLE_FINDERS 4u
needle_find_t *needle_finder_at(size_t i);

#endif
