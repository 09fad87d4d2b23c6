// SPDX-License-Identifier: Apache-2.0
// needle: a text in a block of log, and how many lines a block has; sixteen
// bytes at a time.
#ifndef LOGTALLY_WORKER_SCAN_NEEDLE_H
#define LOGTALLY_WORKER_SCAN_NEEDLE_H

#include "common/base/bytes.h"

// The first place in [p, end) where needle (not empty) stands, or NULL.
const uint8_t *needle_find(span_t needle, const uint8_t *p, const uint8_t *end);
// How many '\n' there are in [p, end).
uint64_t needle_lines(const uint8_t *p, const uint8_t *end);

#endif
