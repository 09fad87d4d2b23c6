// SPDX-License-Identifier: Apache-2.0
// by_time: the part of a range whose lines can be within bounds of time, by
// bisection.
//
// What it takes for granted: of any two lines of the file, the later one's
// time is no more than BY_TIME_WINDOW before the earlier one's. Then a line
// that is more than the window before `since` has only such lines before it,
// and one that is the window or more behind `until` only such lines behind
// it. The window has room for requests that are logged when they end with the
// time they began at, and for clocks that are set back by an hour.
//
// What was not read cannot be known to keep to it. What is read is looked at:
// here the lines at BY_TIME_LOOKS places, spread evenly, and by the scan every
// line it counts. One that breaks it makes the whole answer void; see
// totals_t.disorder.
#ifndef LOGTALLY_WORKER_SCAN_BY_TIME_H
#define LOGTALLY_WORKER_SCAN_BY_TIME_H

#include "common/query/time_bounds.h"

#define BY_TIME_WINDOW (7200 * DEC_ONE)
#define BY_TIME_LOOKS  16u
#define BY_TIME_LEAST  ((uint64_t)1 << 20) // bytes of a range that is searched
#define BY_TIME_GRAIN  ((uint64_t)128 << 10) // bytes where it ends

// The first line that begins at or behind an offset and has a time.
typedef struct by_time_line {
    bool found; // false: there is none near
    uint64_t begin;
    dec_t time;
} by_time_line_t;

typedef errcode_t (*by_time_look_t)(
    void *ctx, uint64_t offset, by_time_line_t *out);

typedef struct by_time {
    uint64_t begin; // of what is to be read
    uint64_t end;
    bool disorder; // the lines that were looked at do not keep to the window
} by_time_t;

// Of the range [begin, end). Errors of `look`.
MUST_CHECK errcode_t by_time_find(const time_bounds_t *bounds, uint64_t begin,
    uint64_t end, by_time_look_t look, void *ctx, by_time_t *out);

// The latest time of lines that come one by one. false: this one comes too
// late.
bool by_time_keeps(dec_t *latest, dec_t time);

#endif
