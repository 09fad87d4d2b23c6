// SPDX-License-Identifier: Apache-2.0
// What the files of scan share among themselves.
#ifndef LOGTALLY_WORKER_SCAN_SCAN_INSIDE_H
#define LOGTALLY_WORKER_SCAN_SCAN_INSIDE_H

#include "common/query/time_bounds.h"
#include "worker/format/reading.h"
#include "worker/scan/lines.h"
#include "worker/scan/matcher.h"
#include "worker/scan/rows.h"
#include "worker/scan/scan.h"

// What `auto` chose for a file; NULL when it needs no format.
typedef struct chosen {
    uint32_t file;
    const format_t *format;
} chosen_t;

typedef struct scan {
    const scan_job_t *job;
    scan_error_t *error;
    queries_t *queries;
    budget_t budget;
    tally_t **tallies;    // of each query
    rows_t **rows;        // of each query
    span_t literal;       // of lines that may pass; p == NULL: any
    needle_t needle;      // the same, where it stands in the line as it is
    reading_t *reading;   // of `matched`; NULL: it has no names
    line_fields_t fields; // of the line, in the format of its range
    matcher_t *matcher;   // of that format; NULL: it has no usual line
    const format_t *matched;
    numbers_t numbers; // of the batch
    totals_t totals;
    const format_t *named; // NULL: auto
    format_t *given;       // `named`, where it is none of the named ones
    chosen_t *chosen;      // room for one per range
    size_t n_chosen;
    uint64_t done; // bytes of ranges that are finished
    uint64_t told; // progress last given
    bool bounded;  // a line has to be within `bounds` to be counted
    time_bounds_t bounds;
    bool watches; // times of lines, for those that come late
    dec_t latest;
    bool guessed;  // years of times
    batch_t batch; // the last: a new scan leaves it as the memory was
} scan_t;

// Where lines of a range that begins inside an archive are counted from: nobody
// knows what is before it. More than the bytes of any header.
#define SCAN_ORIGIN ((uint64_t)1 << 32)
static inline uint64_t
scan_origin(const scan_range_t *range)
{
    bool plain = range->stream || range->kind == SOURCE_PLAIN;

    return !plain && range->begin > 0 ? SCAN_ORIGIN : 0;
}

// scan.c
__attribute__((format(printf, 3, 4))) void scan_explain(
    scan_t *self, uint32_t file, const char *fmt, ...);
MUST_CHECK errcode_t scan_explain_file(
    scan_t *self, const scan_range_t *range, errcode_t rc);
// Bytes that are done, `always` or when it is time.
void scan_tell(scan_t *self, uint64_t now, bool always);

// count.c
MUST_CHECK errcode_t scan_count_lines(scan_t *self, const scan_range_t *range,
    source_t *source, lines_t *lines, const format_t *format);

// narrow.c
// The part of a range that has to be read; all of it where that cannot be
// told from times. Sets `watches`.
MUST_CHECK errcode_t scan_narrow(scan_t *self, const scan_range_t *range,
    const format_t *format, scan_range_t *out);

#endif
