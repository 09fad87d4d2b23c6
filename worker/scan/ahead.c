// SPDX-License-Identifier: Apache-2.0
// Ranges are cut without regard to headers. The first line of a file is read
// again by every range of it. A directive of w3c may stand anywhere, so that
// a range looks for the last one before it, backwards: servers write one as
// they start and at the head of each file, so that in a usual file the search
// reads all that is before the range, some GB a second, and nothing is parsed.
#include "worker/scan/ahead.h"

#include "common/base/limits.h"

#include <string.h>

#define HEAD_MAX (LIMIT_LINE + 2u)
#define PIECE    ((uint64_t)4 << 20)

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

errcode_t
ahead_head(const scan_range_t *range, buf_t *head)
{
    return ahead_piece(range, 0,
        range->size < HEAD_MAX ? (size_t)range->size : HEAD_MAX, head);
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

// The first line of a file that is not blank.
static errcode_t
tell_first(const scan_range_t *range, reading_t *reading)
{
    buf_t head = {0};
    size_t at = 0;
    errcode_t rc = ahead_head(range, &head);

    if (rc == ERR_OK) {
        bool blank = true;
        while (blank && at < head.len) {
            size_t cr = head.p[at] == '\r' ? 1 : 0;
            blank = at + cr < head.len && head.p[at + cr] == '\n';
            at += blank ? cr + 1 : 0;
        }
        tell_line(reading, head.p + at, head.p + head.len, at);
    }
    buf_fini(&head);
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

errcode_t
ahead_tell(const scan_range_t *range, reading_t *reading)
{
    bool inside =
        !range->stream && range->kind == SOURCE_PLAIN && range->begin > 0;

    reading_restart(reading);
    switch (inside ? reading_needs(reading) : READING_ALONE) {
    case READING_FIRST:
        return tell_first(range, reading);
    case READING_LATEST:
        return tell_latest(range, reading);
    case READING_ALONE:
        break;
    }
    return ERR_OK;
}
