// SPDX-License-Identifier: Apache-2.0
// Ranges are cut without regard to headers. The first line of a file is read
// again by every range of it. A directive of w3c may stand anywhere, so that
// a range looks for the last one before it, backwards: servers write one as
// they start and at the head of each file, so that in a usual file the search
// reads all that is before the range, some GB a second, and nothing is parsed.
// An archive is read forwards instead, from its beginning, where the range does
// not have a directive before its first line, as files do that were packed one
// after the other. Where the range itself is a guess that is not worth it: one
// range reads all of the file in less time than many do half of it each.
#include "worker/scan/ahead.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "worker/scan/scan_inside.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_MAX (LIMIT_LINE + 2u)
#define PIECE    ((uint64_t)4 << 20)
#define NEAR     (64u << 10) // a directive at the beginning of a range ends

_Static_assert(PIECE > LIMIT_LINE, "pieces overlap by a line");

errcode_t
ahead_piece(const scan_range_t *range, uint64_t from, size_t want, buf_t *out)
{
    source_t *source = NULL;
    size_t got = 1;
    errcode_t rc =
        source_open_file(range->fd, SOURCE_PLAIN, from, range->size, &source);

    buf_clear(out);
    buf_reserve(out, want);
    while (rc == ERR_OK && got > 0 && out->len < want) {
        rc = source_read(source, out->p + out->len, want - out->len, &got);
        out->len += got;
    }
    source_destroy(&source);
    return rc;
}

// What is before the range, and behind it.
static errcode_t
open_from_start(const scan_range_t *range, source_t **out)
{
    errcode_t rc =
        source_open_file(range->fd, range->kind, 0, range->size, out);

    if (rc == ERR_OK && range->kind != SOURCE_PLAIN && range->begin > 0) {
        source_cut(*out, range->begin);
    }
    return rc;
}

errcode_t
ahead_head(const scan_range_t *range, ahead_head_t *out)
{
    buf_t *head = &out->bytes;
    source_t *source = NULL;
    errcode_t rc = open_from_start(range, &source);
    size_t got = 1;

    *out = (ahead_head_t){.begins = UINT64_MAX};
    buf_reserve(head, HEAD_MAX);
    while (rc == ERR_OK && got > 0 && head->len < HEAD_MAX) {
        rc = source_read(
            source, head->p + head->len, HEAD_MAX - head->len, &got);
        head->len += got;
    }
    if (rc == ERR_OK) {
        uint64_t given;
        out->at_end = got == 0 ||
                      (range->kind == SOURCE_PLAIN && head->len == range->size);
        out->begins = range->kind == SOURCE_PLAIN     ? range->begin
                      : source_passed(source, &given) ? given
                                                      : UINT64_MAX;
    }
    source_destroy(&source);
    return rc;
}

// The line that begins at p, as scanning has it.
static void
tell_line(
    reading_t *reading, const uint8_t *p, const uint8_t *end, uint64_t offset)
{
    const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));
    span_t line = {p, (size_t)((nl != NULL ? nl : end) - p)};

    line.len -= line.len > 0 && line.p[line.len - 1] == '\r' ? 1 : 0;
    line = line.len <= LIMIT_LINE ? line : (span_t){0};
    (void)reading_header(reading, line, offset);
}

// Where the range has it that a line begins, which is that of a file's head.
// An archive's header is before such a range, unless its first lines are blank.
static uint64_t
offset_in(const scan_range_t *range, const ahead_head_t *head, size_t at)
{
    if (range->kind == SOURCE_PLAIN) {
        return at;
    }
    return head->begins == UINT64_MAX ? 0 : SCAN_ORIGIN + at - head->begins;
}

// The first line of a file that is not blank.
static errcode_t
tell_first(const scan_range_t *range, reading_t *reading)
{
    ahead_head_t head;
    size_t at = 0;
    errcode_t rc = ahead_head(range, &head);
    const buf_t *b = &head.bytes;

    if (rc == ERR_OK) {
        bool blank = true;
        while (blank && at < b->len) {
            size_t cr = b->p[at] == '\r' ? 1 : 0;
            blank = at + cr < b->len && b->p[at + cr] == '\n';
            at += blank ? cr + 1 : 0;
        }
        tell_line(
            reading, b->p + at, b->p + b->len, offset_in(range, &head, at));
    }
    buf_fini(&head.bytes);
    return rc;
}

// Where the last line begins that has the mark and begins before `until`, an
// offset in the piece; NULL: none does. The first byte of the piece is the
// file's, or some byte of a line.
static const uint8_t *
last_mark(const buf_t *piece, bool at_start, uint64_t until)
{
    static const char mark[] = "\n" READING_MARK;
    const uint8_t *p = piece->p;
    const uint8_t *end = piece->p + piece->len;
    const uint8_t *found = NULL;

    if (at_start && piece->len >= sizeof mark - 2 &&
        memcmp(p, mark + 1, sizeof mark - 2) == 0) {
        found = p;
    }
    while ((p = memmem(p, (size_t)(end - p), mark, sizeof mark - 1)) != NULL &&
           (uint64_t)(++p - piece->p) < until) {
        found = p;
    }
    return found;
}

// Piece by piece, each with the beginning of what is behind it, so that a
// directive is whole in one of them, also one that the range begins in.
static errcode_t
tell_latest(const scan_range_t *range, reading_t *reading)
{
    const uint8_t *mark = NULL;
    uint64_t end = range->begin;
    buf_t piece = {0};
    errcode_t rc = ERR_OK;

    while (rc == ERR_OK && mark == NULL && end > 0) {
        uint64_t begin = end > PIECE ? end - PIECE : 0;
        rc = ahead_piece(
            range, begin, (size_t)(end - begin) + LIMIT_LINE, &piece);
        mark = rc == ERR_OK
                   ? last_mark(&piece, begin == 0, range->begin - begin)
                   : NULL;
        end = begin;
    }
    if (mark != NULL) {
        tell_line(reading, mark, piece.p + piece.len, 0);
    }
    buf_fini(&piece);
    return rc;
}

// The lines up to the next that has the mark, and that one.
static errcode_t
next_marked(lines_t *lines, needle_t *needle, line_t *line, bool *more)
{
    uint64_t skipped = 0;
    bool paused = true;
    errcode_t rc = ERR_OK;

    *more = false;
    while (rc == ERR_OK && paused) {
        rc = lines_skip(lines, needle, &skipped, &paused);
    }
    return rc != ERR_OK ? rc : lines_next(lines, line, more);
}

// Of an archive: those that the ranges before this one own.
static errcode_t
tell_latest_packed(const scan_range_t *range, reading_t *reading)
{
    const span_t mark = SPAN_LIT(READING_MARK);
    needle_t needle = needle_new(mark);
    source_t *source = NULL;
    lines_t *lines = NULL;
    bool more = true;
    errcode_t rc = open_from_start(range, &source);

    if (rc == ERR_OK) {
        lines = lines_new(source, 0, UINT64_MAX);
    }
    while (rc == ERR_OK && more) {
        line_t line;
        rc = next_marked(lines, &needle, &line, &more);
        if (rc == ERR_OK && more && !line.too_long &&
            line.text.len >= mark.len &&
            memcmp(line.text.p, mark.p, mark.len) == 0) {
            (void)reading_header(reading, line.text, 0);
        }
    }
    lines_destroy(&lines);
    source_destroy(&source);
    return rc;
}

// Whether the first line that a range of an archive has, but for comments, is
// a directive. Errors are left to who reads the range.
static bool
begins_with_mark(const scan_range_t *range)
{
    const span_t mark = SPAN_LIT(READING_MARK);
    uint8_t *head = xmalloc(NEAR);
    source_t *source = NULL;
    size_t len = 0, got = 1;
    bool is = false;
    errcode_t rc = source_open_file(
        range->fd, range->kind, range->begin, range->size, &source);

    while (rc == ERR_OK && got > 0 && len < NEAR) {
        rc = source_read(source, head + len, NEAR - len, &got);
        len += got;
    }
    // The line that goes on, or begins, at the cut is not the range's.
    const uint8_t *end = head + len;
    const uint8_t *p = memchr(head, '\n', len);
    while (!is && p != NULL && ++p < end && *p == '#') {
        const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));
        is = nl != NULL && (size_t)(nl - p) > mark.len &&
             memcmp(p, mark.p, mark.len) == 0;
        p = nl;
    }
    source_destroy(&source);
    free(head);
    return is;
}

static errcode_t
tell_packed(const scan_range_t *range, reading_t *reading)
{
    if (begins_with_mark(range)) {
        return ERR_OK;
    }
    return range->guessed ? ERR_UNSUPPORTED
                          : tell_latest_packed(range, reading);
}

errcode_t
ahead_tell(const scan_range_t *range, reading_t *reading)
{
    bool inside = !range->stream && range->begin > 0;

    reading_restart(reading);
    switch (inside ? reading_needs(reading) : READING_ALONE) {
    case READING_FIRST:
        return tell_first(range, reading);
    case READING_LATEST:
        return range->kind == SOURCE_PLAIN ? tell_latest(range, reading)
                                           : tell_packed(range, reading);
    case READING_ALONE:
        break;
    }
    return ERR_OK;
}
