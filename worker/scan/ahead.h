// SPDX-License-Identifier: Apache-2.0
// ahead: what a range that begins inside a file has to know of what is before
// it.
#ifndef LOGTALLY_WORKER_SCAN_AHEAD_H
#define LOGTALLY_WORKER_SCAN_AHEAD_H

#include "worker/format/reading.h"
#include "worker/scan/scan.h"

// What the file begins with, unpacked.
typedef struct ahead_head {
    buf_t bytes;     // LIMIT_LINE + 2, or all there are; the caller frees them
    bool at_end;     // all there are
    uint64_t begins; // where the range begins in it; UINT64_MAX: behind it
} ahead_head_t;
MUST_CHECK errcode_t ahead_head(const scan_range_t *range, ahead_head_t *out);
// So many bytes of a plain file from that offset on, or all there are; not
// those that *out had.
MUST_CHECK errcode_t ahead_piece(
    const scan_range_t *range, uint64_t from, size_t want, buf_t *out);
// A range begins: tells the reading the header that holds where it does.
// ERR_UNSUPPORTED: that is not worth it for a range that is a guess.
MUST_CHECK errcode_t ahead_tell(const scan_range_t *range, reading_t *reading);

#endif
