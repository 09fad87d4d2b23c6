// SPDX-License-Identifier: Apache-2.0
// What lines.c and lines_skip.c share.
#ifndef LOGTALLY_WORKER_SCAN_LINES_INSIDE_H
#define LOGTALLY_WORKER_SCAN_LINES_INSIDE_H

#include "common/base/limits.h"
#include "worker/scan/lines.h"

#define LINE_RAW   (LIMIT_LINE + 2u)   // with "\r\n"; one more is too long
#define READ_STEP  (512u << 10)        // one read: half of a second-level cache
#define REST_MAX   (16u << 10)         // moved to the front before each read
#define READ_TAIL  (64u << 10)         // one read behind the end of the range
#define LOOK_PAUSE ((uint64_t)4 << 20) // no other look for so many bytes

struct lines {
    source_t *source;
    uint64_t origin; // offset of the first byte that the source gives
    uint64_t end;
    uint64_t offset; // of bytes[at]
    size_t at;
    size_t fill;
    size_t searched; // no '\n' in [at, searched)
    bool skipping;   // to the next '\n': the line there is not ours or done
    bool at_end;
    size_t step;         // of one read
    uint64_t look_from;  // before this offset it is not worth to map the file
    uint64_t window_at;  // what lines_fetch has mapped
    size_t window_len;   // 0: nothing
    span_t mapped;       // what is left of it
    const uint8_t *from; // of bytes[late..late_end), not in their place yet
    size_t late;
    size_t late_end;
    uint8_t bytes[LINE_RAW + READ_STEP];
    uint8_t pad[LINES_PAD];
};

// Takes n bytes as done.
void lines_pass(lines_t *self, size_t n);
// One more read. Inside the range at most up to its end; then in small steps.
MUST_CHECK errcode_t lines_read(lines_t *self);
// Goes behind the next '\n', or to a place from where no owned line begins.
MUST_CHECK errcode_t lines_skip_line(lines_t *self);
// Bytes that come next are moved to the front, where that makes room.
void lines_make_room(lines_t *self);
// As lines_read, but that bytes may be late: of the mapped file, where that is
// worth it.
MUST_CHECK errcode_t lines_fetch(lines_t *self);
// Closes the window that lines_fetch may have opened. On error some bytes of
// it could not be had, and nothing more can be read.
MUST_CHECK errcode_t lines_fetched(lines_t *self);
// The lines of the buffer before `stop` that are whole and owned.
span_t lines_whole(const lines_t *self, const uint8_t *stop);

#endif
