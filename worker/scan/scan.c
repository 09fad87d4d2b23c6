// SPDX-License-Identifier: Apache-2.0
// Ranges one after the other: find the format, walk the lines, count. The
// format of a file under `auto` comes from its head, whichever range of the
// file is read, so that no cutting changes it.
#include "worker/scan/scan_inside.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "common/tally/partial.h"
#include "worker/scan/ahead.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PROGRESS_BYTES (4u << 20)

_Static_assert(LINES_PAD >= SHAPE_PAD, "the matcher gets the blocks of lines");

void
scan_explain(scan_t *self, uint32_t file, const char *fmt, ...)
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
            scan_explain(self, file, "%s: the format %s has no field '%.*s'",
                where, format_name(format), (int)name.len,
                (const char *)name.p);
            return ERR_QUERY;
        }
    }
    return ERR_OK;
}

errcode_t
scan_explain_file(scan_t *self, const scan_range_t *range, errcode_t rc)
{
    if (rc == ERR_IO) {
        scan_explain(self, range->file, "%s: %s", range->path, strerror(errno));
    } else if (rc != ERR_OK) {
        scan_explain(self, range->file, "%s: %s", range->path, err_text(rc));
    }
    return rc;
}

void
scan_tell(scan_t *self, uint64_t now, bool always)
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
    errcode_t rc = source_open_file(range->fd, range->kind,
        range->begin - (plain && range->begin > 0), range->size, out);
    if (rc == ERR_OK && !plain && range->end < range->size) {
        source_cut(*out, range->end);
    }
    return rc;
}

static lines_t *
lines_of(const scan_range_t *range, source_t *source)
{
    uint64_t origin = scan_origin(range);

    return range->stream || range->kind != SOURCE_PLAIN
               ? lines_new(source, origin > 0 ? origin + 1 : 0, UINT64_MAX)
               : lines_new(source, range->begin, range->end);
}

static errcode_t
detect(scan_t *self, const scan_range_t *range, span_t head, bool at_end,
    const format_t **out)
{
    buf_t why = {0};
    errcode_t rc = format_detect(head, at_end, out, &why);

    if (rc != ERR_OK) {
        scan_explain(self, range->file, "%s: %.*s", range->path, (int)why.len,
            (const char *)why.p);
    }
    buf_fini(&why);
    return rc;
}

static errcode_t
detect_ahead(scan_t *self, const scan_range_t *range, const format_t **out)
{
    ahead_head_t head;
    errcode_t rc = ahead_head(range, &head);

    rc = rc != ERR_OK
             ? scan_explain_file(self, range, rc)
             : detect(self, range, buf_span(&head.bytes), head.at_end, out);
    buf_fini(&head.bytes);
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
        return scan_explain_file(self, range, rc);
    }
    return detect(self, range, head, at_end, out);
}

static errcode_t
choose(scan_t *self, const scan_range_t *range, lines_t *lines,
    const format_t **out)
{
    bool first =
        range->stream || (range->kind != SOURCE_PLAIN && range->begin == 0);
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
    rc = first ? detect_inside(self, range, lines, out)
               : detect_ahead(self, range, out);
    if (rc == ERR_OK) {
        self->chosen[self->n_chosen++] = (chosen_t){range->file, *out};
    }
    return rc;
}

// Files of one format follow each other: the matcher is kept.
static void
use_matcher(scan_t *self, const format_t *format)
{
    if (format != self->matched) {
        matcher_destroy(&self->matcher);
        reading_destroy(&self->reading);
        self->needle = needle_new(self->literal);
        self->matched = format;
        if (format != NULL && format_wants_reading(format)) {
            self->reading = reading_new(format, &self->queries->reads);
            self->needle = (needle_t){0}; // values may be escaped, and headers
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
    uint64_t len =
        range->stream ? source_taken(source) : range->end - range->begin;

    file->bytes += len;
    file->unpacked +=
        len < range->size && !range->stream ? source_unpacked(source) : 0;
    file->format = format != NULL ? (uint16_t)format_index(format) : 0;
    self->totals.bytes += len;
    self->done += len;
    scan_tell(self, self->done, true);
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

// Opens anew what is left of the range, where times tell that less will do.
static errcode_t
narrow(scan_t *self, const scan_range_t *range, const format_t *format,
    scan_range_t *part, source_t **source, lines_t **lines)
{
    errcode_t rc =
        scan_explain_file(self, range, scan_narrow(self, range, format, part));

    if (rc == ERR_OK &&
        (part->begin != range->begin || part->end != range->end)) {
        lines_destroy(lines);
        source_destroy(source);
        rc = scan_explain_file(self, range, open_range(part, source));
        if (rc == ERR_OK) {
            *lines = lines_of(part, *source);
        }
    }
    return rc;
}

static errcode_t
scan_range(scan_t *self, const scan_range_t *range)
{
    const format_t *format = NULL;
    source_t *source = NULL;
    lines_t *lines = NULL;
    scan_range_t part;
    errcode_t rc;

    if (!range->stream &&
        (range->begin > range->end || range->end > range->size)) {
        return scan_explain_file(self, range, ERR_MALFORMED);
    }
    rc = scan_explain_file(self, range, open_range(range, &source));
    if (rc == ERR_OK) {
        lines = lines_of(range, source);
        rc = choose(self, range, lines, &format);
    }
    if (rc == ERR_OK) {
        rc = check_names(self, range->file, range->path, format);
    }
    if (rc == ERR_OK) {
        use_matcher(self, format);
        rc = self->reading != NULL ? scan_explain_file(self, range,
                                         ahead_tell(range, self->reading))
                                   : ERR_OK;
    }
    if (rc == ERR_OK) {
        rc = narrow(self, range, format, &part, &source, &lines);
    }
    if (rc == ERR_OK) {
        self->fields = (line_fields_t){.format = format,
            .written = written(range, format),
            .guessed = &self->guessed,
            .reading = self->reading};
        for (size_t i = 0; i < self->queries->n; i++) {
            rows_place(self->rows[i], range->host, range->path, &self->fields);
        }
        rc = scan_count_lines(self, range, source, lines, format);
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
        scan_explain(self, UINT32_MAX, "%s", error.message);
        return rc;
    }
    if (strcmp(self->job->format, "auto") != 0 &&
        (rc = format_open(self->job->format, &self->named, &self->given,
             &error)) != ERR_OK) {
        scan_explain(self, UINT32_MAX, "%s", error.message);
        return rc;
    }
    if (!self->job->validate) {
        self->bounded = time_bounds(self->queries, &self->bounds);
        self->literal = queries_literal(self->queries);
        self->needle = needle_new(self->literal);
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
        scan_explain(self, UINT32_MAX, "%s", err_text(rc));
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
    self->totals.guessed = self->guessed;
    rc = rc != ERR_OK
             ? rc
             : partial_encode_all(self->tallies, n, &self->totals, partial);
    if (rc != ERR_OK) {
        scan_explain(
            self, UINT32_MAX, "the counts of this shard: %s", err_text(rc));
    }
    return rc;
}

errcode_t
scan_shard(const scan_job_t *job, buf_t *partial, scan_error_t *error)
{
    scan_t *self = xmalloc(sizeof *self);
    size_t begin = partial->len;
    errcode_t rc;

    memset(self, 0, offsetof(scan_t, batch));
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
    numbers_fini(&self->numbers);
    free_rows(self);
    queries_destroy(&self->queries);
    format_destroy(&self->given);
    totals_fini(&self->totals);
    free(self->chosen);
    free(self);
    return rc;
}
