// SPDX-License-Identifier: Apache-2.0
// Ranges one after the other: find the format, walk the lines, count. The
// format of a file under `auto` comes from its head, whichever range of the
// file is read, so that no cutting changes it.
#include "worker/scan/scan.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "common/tally/partial.h"
#include "worker/format/format.h"
#include "worker/format/reading.h"
#include "worker/scan/ahead.h"
#include "worker/scan/lines.h"
#include "worker/scan/matcher.h"
#include "worker/scan/rows.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PROGRESS_BYTES (4u << 20)

_Static_assert(LINES_PAD >= SHAPE_PAD, "the matcher gets the blocks of lines");

// What `auto` chose for a file; NULL when it needs no format.
typedef struct chosen {
    uint32_t file;
    const format_t *format;
} chosen_t;

typedef struct scan {
    const scan_job_t *job;
    scan_error_t *error;
    queries_t *queries;
    tally_budget_t budget;
    tally_t **tallies;    // of each query
    rows_t **rows;        // of each query
    span_t literal;       // of lines that may pass; p == NULL: any
    span_t needle;        // the same, where it stands in the line as it is
    reading_t *reading;   // of `matched`; NULL: it has no names
    line_fields_t fields; // of the line, in the format of its range
    matcher_t *matcher;   // of that format; NULL: it has no usual line
    const format_t *matched;
    batch_t batch;
    totals_t totals;
    const format_t *named; // NULL: auto
    format_t *given;       // `named`, where it is none of the named ones
    chosen_t *chosen;      // room for one per range
    size_t n_chosen;
    uint64_t done; // bytes of ranges that are finished
    uint64_t told; // progress last given
} scan_t;

__attribute__((format(printf, 3, 4))) static void
explain(scan_t *self, uint32_t file, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    self->error->file = file;
    vsnprintf(self->error->text, sizeof self->error->text, fmt, args);
    va_end(args);
}

// Lines of a format without names of its own cannot answer such a query.
static errcode_t
check_names(
    scan_t *self, uint32_t file, const char *where, const format_t *format)
{
    for (size_t i = 0; format != NULL && i < self->queries->reads.n_names;
         i++) {
        span_t name = self->queries->reads.names[i];
        if (!format_has_name(format, name)) {
            explain(self, file, "%s: the format %s has no field '%.*s'", where,
                format_name(format), (int)name.len, (const char *)name.p);
            return ERR_QUERY;
        }
    }
    return ERR_OK;
}

static errcode_t
explain_file(scan_t *self, const scan_range_t *range, errcode_t rc)
{
    if (rc == ERR_IO) {
        explain(self, range->file, "%s: %s", range->path, strerror(errno));
    } else if (rc != ERR_OK) {
        explain(self, range->file, "%s: %s", range->path, err_text(rc));
    }
    return rc;
}

static void
tell(scan_t *self, uint64_t now, bool always)
{
    if (self->job->progress != NULL &&
        (always || now - self->told >= PROGRESS_BYTES)) {
        self->told = now;
        self->job->progress(self->job->ctx, now);
    }
}

static errcode_t
open_range(const scan_range_t *range, source_t **out)
{
    bool plain = range->kind == SOURCE_PLAIN;

    if (range->stream) {
        return source_open_stream(range->fd, out);
    }
    return source_open_file(range->fd, range->kind,
        plain && range->begin > 0 ? range->begin - 1 : 0, range->size, out);
}

static errcode_t
detect(scan_t *self, const scan_range_t *range, span_t head, bool at_end,
    const format_t **out)
{
    buf_t why = {0};
    errcode_t rc = format_detect(head, at_end, out, &why);

    if (rc != ERR_OK) {
        explain(self, range->file, "%s: %.*s", range->path, (int)why.len,
            (const char *)why.p);
    }
    buf_fini(&why);
    return rc;
}

static errcode_t
detect_plain(scan_t *self, const scan_range_t *range, const format_t **out)
{
    buf_t head = {0};
    errcode_t rc = ahead_head(range, &head);

    if (rc != ERR_OK) {
        (void)explain_file(self, range, rc);
    } else {
        rc = detect(self, range, buf_span(&head), head.len == range->size, out);
    }
    buf_fini(&head);
    return rc;
}

static errcode_t
detect_inside(scan_t *self, const scan_range_t *range, lines_t *lines,
    const format_t **out)
{
    span_t head;
    bool at_end;
    errcode_t rc = lines_head(lines, &head, &at_end);

    if (rc != ERR_OK) {
        return explain_file(self, range, rc);
    }
    return detect(self, range, head, at_end, out);
}

static errcode_t
choose(scan_t *self, const scan_range_t *range, lines_t *lines,
    const format_t **out)
{
    bool whole = range->stream || range->kind != SOURCE_PLAIN;
    errcode_t rc;

    *out = self->named;
    if (self->named != NULL) {
        return ERR_OK;
    }
    for (size_t i = 0; i < self->n_chosen; i++) {
        if (self->chosen[i].file == range->file) {
            *out = self->chosen[i].format;
            return ERR_OK;
        }
    }
    rc = whole ? detect_inside(self, range, lines, out)
               : detect_plain(self, range, out);
    if (rc == ERR_OK) {
        self->chosen[self->n_chosen++] = (chosen_t){range->file, *out};
    }
    return rc;
}

static void
reject_line(
    scan_t *self, const scan_range_t *range, const line_t *line, reject_t why)
{
    self->totals.rejected[why]++;
    totals_sample(&self->totals, range->file, line->offset, why, line->text);
}

static errcode_t
explain_rows(
    scan_t *self, const scan_range_t *range, uint64_t offset, errcode_t rc)
{
    if (rc != ERR_OK) {
        explain(self, range->file, "%s, at byte %llu: %s", range->path,
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
        explain(self, range->file,
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
    errcode_t rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < self->queries->n; i++) {
        rc = rows_add(self->rows[i], &self->fields, &self->totals.bad_values);
    }
    return explain_rows(self, range, line->offset, rc);
}

// A line of a block, without its newline; offset is the block's.
static errcode_t
count_odd(scan_t *self, const scan_range_t *range, const format_t *format,
    span_t block, uint64_t offset, span_t text, uint64_t *accepted)
{
    line_t line = {.text = text, .offset = offset + (size_t)(text.p - block.p)};

    if (text.len > 0 && text.p[text.len - 1] == '\r') {
        line.text.len--;
    }
    line.too_long = line.text.len > LIMIT_LINE;
    return count_line(self, range, format, &line, accepted);
}

// All lines of a block: the usual ones together, the others one by one.
static errcode_t
count_block(scan_t *self, const scan_range_t *range, const format_t *format,
    span_t block, uint64_t offset, uint64_t *n, uint64_t *accepted)
{
    batch_t *batch = &self->batch;
    errcode_t rc = ERR_OK;

    matcher_begin(self->matcher, block);
    while (rc == ERR_OK && matcher_next(self->matcher, batch)) {
        *n += batch->n + batch->n_odd;
        *accepted += batch->n;
        size_t at = 0;
        for (size_t i = 0; rc == ERR_OK && i < self->queries->n; i++) {
            rc = rows_add_batch(
                self->rows[i], batch, &self->totals.bad_values, &at);
        }
        rc = explain_rows(self, range, offset + batch->begins[at], rc);
        for (size_t i = 0; rc == ERR_OK && i < batch->n_odd; i++) {
            rc = count_odd(
                self, range, format, block, offset, batch->odd[i], accepted);
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
    uint64_t len =
        range->kind == SOURCE_PLAIN ? range->end - range->begin : range->size;
    return taken < len ? taken : len;
}

// Lines without the needle, up to one that has it.
static errcode_t
skip_lines(scan_t *self, const scan_range_t *range, const source_t *source,
    lines_t *lines, uint64_t *n)
{
    bool paused = self->needle.p != NULL;
    errcode_t rc = ERR_OK;

    while (rc == ERR_OK && paused) {
        uint64_t skipped = 0;
        rc = lines_skip(lines, self->needle, &skipped, &paused);
        self->totals.skipped += skipped;
        *n += skipped;
        tell(self, self->done + range_bytes(range, source), false);
    }
    return explain_file(self, range, rc);
}

// The lines that are at hand, where there is a matcher for them.
static errcode_t
count_blocks(scan_t *self, const scan_range_t *range, const source_t *source,
    lines_t *lines, const format_t *format, uint64_t *n, uint64_t *accepted)
{
    errcode_t rc = ERR_OK;
    span_t block = {.len = 1};

    while (rc == ERR_OK && block.len > 0 && self->matcher != NULL &&
           self->needle.p == NULL) {
        uint64_t offset;
        rc = explain_file(self, range, lines_block(lines, &block, &offset));
        if (rc == ERR_OK && block.len > 0) {
            rc = count_block(self, range, format, block, offset, n, accepted);
            tell(self, self->done + range_bytes(range, source), false);
        }
    }
    return rc;
}

static errcode_t
count_next(scan_t *self, const scan_range_t *range, lines_t *lines,
    const format_t *format, uint64_t *n, uint64_t *accepted, bool *more)
{
    line_t line;
    errcode_t rc = explain_file(self, range, lines_next(lines, &line, more));

    if (rc != ERR_OK || !*more) {
        return rc;
    }
    ++*n;
    return count_line(self, range, format, &line, accepted);
}

static errcode_t
count_lines(scan_t *self, const scan_range_t *range, source_t *source,
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
            tell(self, self->done + range_bytes(range, source), false);
        }
    }
    self->totals.lines += n;
    self->totals.accepted += accepted;
    file_total_t *file = totals_file(&self->totals, range->file);
    file->lines += n;
    file->accepted += accepted;
    return rc;
}

// Files of one format follow each other: the matcher is kept.
static void
use_matcher(scan_t *self, const format_t *format)
{
    if (format != self->matched) {
        matcher_destroy(&self->matcher);
        reading_destroy(&self->reading);
        self->needle = self->literal;
        self->matched = format;
        if (format != NULL && format_wants_reading(format)) {
            self->reading = reading_new(format, &self->queries->reads);
            self->needle = (span_t){0}; // values may be escaped, and headers
        }
        if (format != NULL) {
            self->matcher = matcher_new(format, self->queries->reads.fields);
        }
    }
}

static void
finish_range(scan_t *self, const scan_range_t *range, const source_t *source,
    const format_t *format)
{
    file_total_t *file = totals_file(&self->totals, range->file);
    uint64_t len = range->stream                 ? source_taken(source)
                   : range->kind == SOURCE_PLAIN ? range->end - range->begin
                                                 : range->size;

    file->bytes += len;
    file->format = format != NULL ? (uint16_t)format_index(format) : 0;
    self->totals.bytes += len;
    self->done += len;
    tell(self, self->done, true);
}

// When the file was last written, for times without a year. Of a stream
// nobody knows.
static int64_t
written(const scan_range_t *range, const format_t *format)
{
    struct stat st;

    if (format == NULL || !format_lacks_years(format) || range->stream ||
        fstat(range->fd, &st) == -1) {
        return 0;
    }
    return st.st_mtime;
}

static errcode_t
scan_range(scan_t *self, const scan_range_t *range)
{
    bool plain = !range->stream && range->kind == SOURCE_PLAIN;
    const format_t *format = NULL;
    source_t *source = NULL;
    lines_t *lines = NULL;
    errcode_t rc;

    if (plain && (range->begin > range->end || range->end > range->size)) {
        return explain_file(self, range, ERR_MALFORMED);
    }
    rc = explain_file(self, range, open_range(range, &source));
    if (rc == ERR_OK) {
        lines = lines_new(
            source, plain ? range->begin : 0, plain ? range->end : UINT64_MAX);
        rc = choose(self, range, lines, &format);
    }
    if (rc == ERR_OK) {
        rc = check_names(self, range->file, range->path, format);
    }
    if (rc == ERR_OK) {
        use_matcher(self, format);
        rc = self->reading != NULL
                 ? explain_file(self, range, ahead_tell(range, self->reading))
                 : ERR_OK;
    }
    if (rc == ERR_OK) {
        int64_t when = written(range, format);
        for (size_t i = 0; i < self->queries->n; i++) {
            rows_place(self->rows[i], range->host, range->path, format, when);
        }
        self->fields =
            (line_fields_t){.written = when, .reading = self->reading};
        rc = count_lines(self, range, source, lines, format);
    }
    if (rc == ERR_OK) {
        finish_range(self, range, source, format);
    }
    lines_destroy(&lines);
    source_destroy(&source);
    return rc;
}

static errcode_t
prepare_rows(scan_t *self)
{
    const queries_t *queries = self->queries;
    errcode_t rc = ERR_OK;

    self->budget.limit = self->job->budget;
    self->tallies = xcalloc(queries->n, sizeof *self->tallies);
    self->rows = xcalloc(queries->n, sizeof *self->rows);
    for (size_t i = 0; rc == ERR_OK && i < queries->n; i++) {
        const query_t *query = queries->list[i].query;
        self->tallies[i] = tally_new_sharing(query, &self->budget);
        rc = rows_new(query, &queries->reads, self->tallies[i], &self->rows[i]);
    }
    return rc;
}

static void
free_rows(scan_t *self)
{
    for (size_t i = 0; self->rows != NULL && i < self->queries->n; i++) {
        rows_destroy(&self->rows[i]);
        tally_destroy(&self->tallies[i]);
    }
    free(self->rows);
    free(self->tallies);
}

static errcode_t
prepare(scan_t *self)
{
    query_error_t error;
    errcode_t rc = queries_parse(self->job->query, &self->queries, &error);

    if (rc != ERR_OK) {
        explain(self, UINT32_MAX, "%s", error.message);
        return rc;
    }
    if (strcmp(self->job->format, "auto") != 0 &&
        (rc = format_open(self->job->format, &self->named, &self->given,
             &error)) != ERR_OK) {
        explain(self, UINT32_MAX, "%s", error.message);
        return rc;
    }
    if (!self->job->validate) {
        self->literal = queries_literal(self->queries);
        self->needle = self->literal;
    }
    if ((rc = check_names(self, UINT32_MAX, "the query", self->named)) !=
        ERR_OK) {
        return rc;
    }
    if (self->given != NULL) {
        format_bind(self->given, &self->queries->reads);
    }
    self->chosen = xcalloc(self->job->n_ranges, sizeof *self->chosen);
    rc = prepare_rows(self);
    if (rc != ERR_OK) {
        explain(self, UINT32_MAX, "%s", err_text(rc));
    }
    return rc;
}

static errcode_t
finish(scan_t *self, buf_t *partial)
{
    size_t n = self->queries->n;
    errcode_t rc = ERR_OK;

    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        rc = rows_finish(self->rows[i]);
    }
    rc = rc != ERR_OK
             ? rc
             : partial_encode_all(self->tallies, n, &self->totals, partial);
    if (rc != ERR_OK) {
        explain(self, UINT32_MAX, "the counts of this shard: %s", err_text(rc));
    }
    return rc;
}

errcode_t
scan_shard(const scan_job_t *job, buf_t *partial, scan_error_t *error)
{
    scan_t *self = xcalloc(1, sizeof *self);
    size_t begin = partial->len;
    errcode_t rc;

    self->job = job;
    self->error = error;
    *error = (scan_error_t){.file = UINT32_MAX};
    rc = prepare(self);
    for (size_t i = 0; rc == ERR_OK && i < job->n_ranges; i++) {
        rc = scan_range(self, &job->ranges[i]);
    }
    rc = rc != ERR_OK ? rc : finish(self, partial);
    if (rc != ERR_OK) {
        partial->len = begin;
    }
    matcher_destroy(&self->matcher);
    reading_destroy(&self->reading);
    free_rows(self);
    queries_destroy(&self->queries);
    format_destroy(&self->given);
    totals_fini(&self->totals);
    free(self->chosen);
    free(self);
    return rc;
}
