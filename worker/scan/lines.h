// SPDX-License-Identifier: Apache-2.0
// lines: the lines that one range owns, one after the other.
//
// A line begins at byte 0 and behind every '\n', before the end of the file.
// A range [begin, end) owns the lines that begin in it, whole. Not
// thread-safe; a line is lent until the next call.
//
// Where a source has a cut, `end` is not known before that is reached: it is
// UINT64_MAX, and becomes the byte behind the first one that comes after the
// cut. What is before the cut cannot be seen from behind it, so that the line
// that begins right there belongs to the range that ends there.
#ifndef LOGTALLY_WORKER_SCAN_LINES_H
#define LOGTALLY_WORKER_SCAN_LINES_H

#include "worker/scan/needle.h"
#include "worker/scan/text_block.h"
#include "worker/source/source.h"

#define LINES_PAD 512u

typedef struct lines lines_t;

typedef struct line {
    span_t text;     // without its ending; the first bytes of a long one
    uint64_t offset; // of its first byte
    bool too_long;   // over LIMIT_LINE
} line_t;

// The source is lent and stands at byte 0, or at begin - 1 where begin > 0.
lines_t *lines_new(source_t *source, uint64_t begin, uint64_t end);
void lines_destroy(lines_t **self_p);

// The first LIMIT_LINE + 2 bytes, or all there are (*at_end), lent until the
// next call. Only before the first lines_next of a range that begins at 0.
MUST_CHECK errcode_t lines_head(lines_t *self, span_t *head, bool *at_end);

// *more is false when the range owns no more lines.
MUST_CHECK errcode_t lines_next(lines_t *self, line_t *out, bool *more);

// The owned lines that are wholly at hand, lent until the next call and passed;
// LINES_PAD more bytes are readable behind them. Whoever gets them has to fetch
// what is late before that call. *offset is that of their first byte. None
// (p == NULL): lines_next has to get the next one. On error, what was late of
// those given before may be wrong, as well.
MUST_CHECK errcode_t lines_block(
    lines_t *self, text_block_t *out, uint64_t *offset);

// Passes owned lines whose first LIMIT_LINE bytes do not contain the needle,
// and counts them; stops before one that does, at the end of the range, or
// after a block (*paused: call again). The needle learns from the first block.
MUST_CHECK errcode_t lines_skip(
    lines_t *self, needle_t *needle, uint64_t *skipped, bool *paused);

#endif
