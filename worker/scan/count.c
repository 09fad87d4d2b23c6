// SPDX-License-Identifier: Apache-2.0
// The lines of one range, whose format is known.
#include "worker/scan/by_time.h"
#include "worker/scan/scan_inside.h"

#include "common/base/limits.h"

#include <string.h>

static void
reject_line(
    scan_t *self, const scan_range_t *range, const line_t *line, reject_t why)
{
    self->totals.rejected[why]++;
    totals_sample(&self->totals, range->file, line->offset - scan_origin(range),
        why, line->text);
}

static errcode_t
explain_rows(
    scan_t *self, const scan_range_t *range, uint64_t offset, errcode_t rc)
{
    uint64_t origin = scan_origin(range);

    if (rc != ERR_OK && origin > 0) {
        scan_explain(self, range->file,
            "%s, at byte %llu of what is packed behind byte %llu: %s",
            range->path, (unsigned long long)(offset - origin),
            (unsigned long long)range->begin, err_text(rc));
    } else if (rc != ERR_OK) {
        scan_explain(self, range->file, "%s, at byte %llu: %s", range->path,
            (unsigned long long)offset, err_text(rc));
    }
    return rc;
}

// A header that is too long is one without names.
static bool
is_header(scan_t *self, const line_t *line)
{
    span_t text = line->too_long ? (span_t){0} : line->text;

    return self->reading != NULL &&
           reading_header(self->reading, text, line->offset) && !line->too_long;
}

// Where a part of the file was left out by its times.
static void
watch_time(scan_t *self, const line_fields_t *fields)
{
    cell_t time;
    bool bad;

    format_field(fields, FIELD_TIME, &time, &bad);
    if (time.kind == CELL_NUMBER &&
        !by_time_keeps(&self->latest, time.number)) {
        self->totals.disorder++;
    }
}

static void
watch_batch(scan_t *self)
{
    const batch_t *batch = &self->batch;
    line_fields_t fields = {
        .format = self->matched, .written = self->fields.written};

    for (size_t i = 0; i < batch->n_spans; i++) {
        for (size_t row = 0; batch->fields[i] == FIELD_TIME && row < batch->n;
             row++) {
            fields.fields[FIELD_TIME] = batch->spans[i][row];
            watch_time(self, &fields);
        }
    }
}

static errcode_t
count_line(scan_t *self, const scan_range_t *range, const format_t *format,
    const line_t *line, uint64_t *accepted)
{
    reject_t why;

    if (line->text.len == 0) {
        self->totals.blank++;
        return ERR_OK;
    }
    if (format == NULL) {
        scan_explain(self, range->file,
            "%s: no line in its first 1 MiB shows a format; name one with -f",
            range->path);
        return ERR_FORMAT;
    }
    if (is_header(self, line)) {
        self->totals.blank++;
        return ERR_OK;
    }
    if (line->too_long) {
        reject_line(self, range, line, REJECT_TOO_LONG);
        return ERR_OK;
    }
    if (!format_match_next(format, line->text, &self->fields, &why)) {
        reject_line(self, range, line, why);
        return ERR_OK;
    }
    ++*accepted;
    if (self->watches) {
        watch_time(self, &self->fields);
    }
    errcode_t rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < self->queries->n; i++) {
        rc = rows_add(self->rows[i], &self->fields, &self->totals.bad_values);
    }
    return explain_rows(self, range, line->offset, rc);
}

// A line of a block, without its newline; offset is the block's.
static errcode_t
count_odd(scan_t *self, const scan_range_t *range, const format_t *format,
    const uint8_t *block, uint64_t offset, span_t text, uint64_t *accepted)
{
    line_t line = {.text = text, .offset = offset + (size_t)(text.p - block)};

    if (text.len > 0 && text.p[text.len - 1] == '\r') {
        line.text.len--;
    }
    line.too_long = line.text.len > LIMIT_LINE;
    return count_line(self, range, format, &line, accepted);
}

// All lines of a block: the usual ones together, the others one by one.
static errcode_t
count_block(scan_t *self, const scan_range_t *range, const format_t *format,
    const text_block_t *block, uint64_t offset, uint64_t *n, uint64_t *accepted)
{
    batch_t *batch = &self->batch;
    errcode_t rc = ERR_OK;

    matcher_begin(self->matcher, block);
    while (rc == ERR_OK && matcher_next(self->matcher, batch)) {
        *n += batch->n + batch->n_odd;
        *accepted += batch->n;
        if (self->watches) {
            watch_batch(self);
        }
        size_t at = 0;
        numbers_forget(&self->numbers);
        for (size_t i = 0; rc == ERR_OK && i < self->queries->n; i++) {
            rc = rows_add_batch(self->rows[i], batch, &self->numbers,
                &self->totals.bad_values, &at);
        }
        rc = explain_rows(self, range, offset + batch->begins[at], rc);
        for (size_t i = 0; rc == ERR_OK && i < batch->n_odd; i++) {
            rc = count_odd(
                self, range, format, block->p, offset, batch->odd[i], accepted);
        }
    }
    return rc;
}

// Bytes of the range that are done, as progress shows them.
static uint64_t
range_bytes(const scan_range_t *range, const source_t *source)
{
    uint64_t taken = source_taken(source);

    if (range->stream) {
        return taken;
    }
    uint64_t len = range->end - range->begin;
    return taken < len ? taken : len;
}

// Lines without the needle, up to one that has it.
static errcode_t
skip_lines(scan_t *self, const scan_range_t *range, const source_t *source,
    lines_t *lines, uint64_t *n)
{
    bool paused = self->needle.text.p != NULL;
    errcode_t rc = ERR_OK;

    while (rc == ERR_OK && paused) {
        uint64_t skipped = 0;
        rc = lines_skip(lines, &self->needle, &skipped, &paused);
        self->totals.skipped += skipped;
        *n += skipped;
        scan_tell(self, self->done + range_bytes(range, source), false);
    }
    return scan_explain_file(self, range, rc);
}

// The lines that are at hand, where there is a matcher for them.
static errcode_t
count_blocks(scan_t *self, const scan_range_t *range, const source_t *source,
    lines_t *lines, const format_t *format, uint64_t *n, uint64_t *accepted)
{
    errcode_t rc = ERR_OK;
    text_block_t block = {.len = 1};

    while (rc == ERR_OK && block.len > 0 && self->matcher != NULL &&
           self->needle.text.p == NULL) {
        uint64_t offset;
        rc =
            scan_explain_file(self, range, lines_block(lines, &block, &offset));
        if (rc == ERR_OK && block.len > 0) {
            rc = count_block(self, range, format, &block, offset, n, accepted);
            scan_tell(self, self->done + range_bytes(range, source), false);
        }
    }
    return rc;
}

static errcode_t
count_next(scan_t *self, const scan_range_t *range, lines_t *lines,
    const format_t *format, uint64_t *n, uint64_t *accepted, bool *more)
{
    line_t line;
    errcode_t rc =
        scan_explain_file(self, range, lines_next(lines, &line, more));

    if (rc != ERR_OK || !*more) {
        return rc;
    }
    ++*n;
    return count_line(self, range, format, &line, accepted);
}

errcode_t
scan_count_lines(scan_t *self, const scan_range_t *range, source_t *source,
    lines_t *lines, const format_t *format)
{
    uint64_t n = 0;
    uint64_t accepted = 0;
    bool more = true;
    errcode_t rc = ERR_OK;

    while (rc == ERR_OK && more) {
        rc = skip_lines(self, range, source, lines, &n);
        rc = rc != ERR_OK ? rc
                          : count_blocks(self, range, source, lines, format, &n,
                                &accepted);
        rc = rc != ERR_OK
                 ? rc
                 : count_next(self, range, lines, format, &n, &accepted, &more);
        if ((n & 1023) == 0) {
            scan_tell(self, self->done + range_bytes(range, source), false);
        }
    }
    self->totals.lines += n;
    self->totals.accepted += accepted;
    file_total_t *file = totals_file(&self->totals, range->file);
    file->lines += n;
    file->accepted += accepted;
    return rc;
}
