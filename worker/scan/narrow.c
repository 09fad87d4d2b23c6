// SPDX-License-Identifier: Apache-2.0
// Which part of a range has lines within the bounds of time that the queries
// set. Only plain files can be looked into, and only lines that can be read
// without those before them; a time without a year says too little.
#include "worker/scan/ahead.h"
#include "worker/scan/by_time.h"
#include "worker/scan/scan_inside.h"

#include <string.h>

#define LOOK_BYTES ((size_t)64 << 10)
#define LOOK_LINES 64u

typedef struct looker {
    scan_t *scan;
    const scan_range_t *range;
    const format_t *format;
    buf_t piece;
} looker_t;

static bool
time_of(looker_t *self, span_t line, dec_t *out)
{
    line_fields_t fields = {.reading = self->scan->reading};
    cell_t cell = {.kind = CELL_MISSING};
    reject_t why;
    bool bad;

    line.len -= line.len > 0 && line.p[line.len - 1] == '\r' ? 1 : 0;
    if (line.len > 0 && format_match(self->format, line, &fields, &why)) {
        format_field(&fields, FIELD_TIME, &cell, &bad);
    }
    *out = cell.number;
    return cell.kind == CELL_NUMBER;
}

// Lines that are whole in the piece.
static void
look_through(looker_t *self, size_t at, uint64_t offset, by_time_line_t *out)
{
    const buf_t *piece = &self->piece;

    for (unsigned n = 0; n < LOOK_LINES && at < piece->len; n++) {
        const uint8_t *p = piece->p + at;
        const uint8_t *nl = memchr(p, '\n', piece->len - at);
        if (nl == NULL) {
            return;
        }
        size_t len = (size_t)(nl - p);
        if (time_of(self, (span_t){p, len}, &out->time)) {
            out->found = true;
            out->begin = offset + at;
            return;
        }
        at += len + 1;
    }
}

// A line begins behind a newline, which may be the byte before the offset.
static errcode_t
look(void *ctx, uint64_t offset, by_time_line_t *out)
{
    looker_t *self = ctx;
    uint64_t from = offset > 0 ? offset - 1 : 0;
    uint64_t left = self->range->size - from;
    size_t want = left < LOOK_BYTES ? (size_t)left : LOOK_BYTES;
    errcode_t rc = ahead_piece(self->range, from, want, &self->piece);
    const uint8_t *nl;
    size_t at = 0;

    *out = (by_time_line_t){0};
    if (rc == ERR_OK && offset > 0) {
        nl = memchr(self->piece.p, '\n', self->piece.len);
        at = nl != NULL ? (size_t)(nl - self->piece.p) + 1 : self->piece.len;
    }
    if (rc == ERR_OK) {
        look_through(self, at, from, out);
    }
    return rc;
}

static bool
can_look(const scan_t *self, const scan_range_t *range, const format_t *format)
{
    return self->bounded && format != NULL && !range->stream &&
           range->kind == SOURCE_PLAIN && range->size >= BY_TIME_LEAST &&
           !format_lacks_years(format) &&
           (format_fields(format) >> FIELD_TIME & 1u) != 0 &&
           (self->reading == NULL ||
               reading_needs(self->reading) == READING_ALONE);
}

errcode_t
scan_narrow(scan_t *self, const scan_range_t *range, const format_t *format,
    scan_range_t *out)
{
    looker_t looker = {self, range, format, {0}};
    by_time_t found;

    *out = *range;
    self->watches = can_look(self, range, format);
    if (!self->watches) {
        return ERR_OK;
    }
    self->latest = TIME_LEAST;
    errcode_t rc = by_time_find(
        &self->bounds, range->begin, range->end, look, &looker, &found);
    buf_fini(&looker.piece);
    if (rc == ERR_OK) {
        out->begin = found.begin;
        out->end = found.end;
        self->totals.disorder += found.disorder;
        self->totals.unread +=
            (range->end - range->begin) - (found.end - found.begin);
    }
    return rc;
}
