// SPDX-License-Identifier: Apache-2.0
// ahead: what a range of a plain file has to know of the bytes before it.
#ifndef LOGTALLY_WORKER_SCAN_AHEAD_H
#define LOGTALLY_WORKER_SCAN_AHEAD_H

#include "worker/format/reading.h"
#include "worker/scan/scan.h"

// Appends the first LIMIT_LINE + 2 bytes, or all there are.
MUST_CHECK errcode_t ahead_head(const scan_range_t *range, buf_t *head);
// So many bytes from that offset on, or all there are; not those that *out had.
MUST_CHECK errcode_t ahead_piece(
    const scan_range_t *range, uint64_t from, size_t want, buf_t *out);
// A range begins: tells the reading the header that holds where it does.
MUST_CHECK errcode_t ahead_tell(const scan_range_t *range, reading_t *reading);

#endif
