// SPDX-License-Identifier: Apache-2.0
// One buffer that holds the longest line and a block. The start of a range is
// looked for in [begin - 1, end - 1) only, and a long line is skipped only as
// far as another owned line could begin, so that a small range inside a huge
// line costs little. Reads behind the range's end are small: there is at most
// the rest of one line to fetch.
#include "worker/scan/lines.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "worker/scan/needle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LINE_RAW  (LIMIT_LINE + 2u) // with "\r\n"; one more is too long
#define READ_STEP (512u << 10)      // one read: half of a second-level cache
#define REST_MAX  (16u << 10)       // moved to the front before each read
#define READ_TAIL (64u << 10)       // one read behind the end of the range

struct lines {
    source_t *source;
    uint64_t end;
    uint64_t offset; // of bytes[at]
    size_t at;
    size_t fill;
    size_t searched; // no '\n' in [at, searched)
    bool skipping;   // to the next '\n': the line there is not ours or done
    bool at_end;
    uint8_t bytes[LINE_RAW + READ_STEP];
    uint8_t pad[LINES_PAD];
};

lines_t *
lines_new(source_t *source, uint64_t begin, uint64_t end)
{
    lines_t *self = xmalloc(sizeof *self);

    self->source = source;
    self->end = end;
    self->offset = begin > 0 ? begin - 1 : 0;
    self->at = 0;
    self->fill = 0;
    self->searched = 0;
    self->skipping = begin > 0;
    self->at_end = false;
    memset(self->pad, 0, sizeof self->pad);
    return self;
}

void
lines_destroy(lines_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

// Takes n bytes as done.
static void
pass(lines_t *self, size_t n)
{
    self->at += n;
    self->offset += n;
    if (self->searched < self->at) {
        self->searched = self->at;
    }
}

static void
make_room(lines_t *self)
{
    bool full = sizeof self->bytes - self->fill < READ_STEP;

    // A short rest is moved so that the same memory is read into again.
    if (self->at > 0 && (full || self->fill - self->at <= REST_MAX)) {
        memmove(self->bytes, self->bytes + self->at, self->fill - self->at);
        self->fill -= self->at;
        self->searched -= self->at;
        self->at = 0;
    }
}

// One more read. Inside the range at most up to its end; then in small steps.
static errcode_t
read_more(lines_t *self)
{
    size_t got = 0;

    make_room(self);
    uint64_t pos = self->offset + (self->fill - self->at);
    size_t room = sizeof self->bytes - self->fill;
    uint64_t want = pos < self->end ? self->end - pos : READ_TAIL;
    want = want < READ_STEP ? want : READ_STEP;
    assert(room > 0);
    errcode_t rc = source_read(self->source, self->bytes + self->fill,
        want < room ? (size_t)want : room, &got);
    self->fill += got;
    self->at_end = rc == ERR_OK && got == 0;
    return rc;
}

errcode_t
lines_head(lines_t *self, span_t *head, bool *at_end)
{
    errcode_t rc = ERR_OK;

    assert(self->offset == 0 && !self->skipping);
    while (rc == ERR_OK && !self->at_end && self->fill < LINE_RAW) {
        rc = read_more(self);
    }
    *head =
        (span_t){self->bytes, self->fill < LINE_RAW ? self->fill : LINE_RAW};
    *at_end = self->at_end && self->fill <= LINE_RAW;
    return rc;
}

// Goes behind the next '\n', or to a place from where no owned line begins.
static errcode_t
skip_line(lines_t *self)
{
    errcode_t rc = ERR_OK;

    while (rc == ERR_OK && self->offset + 1 < self->end) {
        size_t have = self->fill - self->at;
        const uint8_t *p = self->bytes + self->at;
        const uint8_t *nl = have > 0 ? memchr(p, '\n', have) : NULL;
        if (nl != NULL) {
            pass(self, (size_t)(nl - p) + 1);
            self->skipping = false;
            return ERR_OK;
        }
        pass(self, have);
        if (self->at_end || self->offset + 1 >= self->end) {
            return ERR_OK;
        }
        rc = read_more(self);
    }
    return rc;
}

static void
take_line(lines_t *self, size_t len, bool ended, line_t *out)
{
    const uint8_t *p = self->bytes + self->at;
    size_t text = len;

    if (ended && text > 0 && p[text - 1] == '\r') {
        text--;
    }
    *out = (line_t){{p, text}, self->offset, text > LIMIT_LINE};
    pass(self, len + (ended ? 1 : 0));
}

// The first byte of `out` is known to be owned.
static errcode_t
find_line(lines_t *self, line_t *out, bool *more)
{
    errcode_t rc = ERR_OK;

    *more = true;
    while (rc == ERR_OK) {
        const uint8_t *from = self->bytes + self->searched;
        size_t fresh = self->fill - self->searched;
        const uint8_t *nl = fresh > 0 ? memchr(from, '\n', fresh) : NULL;
        size_t have = self->fill - self->at;
        if (nl != NULL) {
            take_line(self, (size_t)(nl - self->bytes) - self->at, true, out);
            return ERR_OK;
        }
        self->searched = self->fill;
        if (have >= LINE_RAW) {
            take_line(self, have, false, out);
            self->skipping = true;
            return ERR_OK;
        }
        if (self->at_end) {
            *more = have > 0;
            take_line(self, have, false, out);
            return ERR_OK;
        }
        rc = read_more(self);
    }
    *more = false;
    return rc;
}

errcode_t
lines_next(lines_t *self, line_t *out, bool *more)
{
    errcode_t rc = ERR_OK;

    *more = false;
    if (self->skipping) {
        rc = skip_line(self);
    }
    if (rc != ERR_OK || self->skipping || self->offset >= self->end) {
        return rc;
    }
    return find_line(self, out, more);
}

// The lines of the buffer before `stop` that are whole and owned.
static span_t
whole_lines(const lines_t *self, const uint8_t *stop)
{
    const uint8_t *p = self->bytes + self->at;
    size_t len = (size_t)(stop - p);
    const uint8_t *last = len > 0 ? memrchr(p, '\n', len) : NULL;
    uint64_t owned = self->end - self->offset; // bytes where lines may begin

    if (last == NULL) {
        return (span_t){0};
    }
    if ((uint64_t)(last - p) >= owned) { // the last owned line ends earlier
        last = memchr(p + owned - 1, '\n', len - (size_t)(owned - 1));
    }
    return (span_t){p, (size_t)(last + 1 - p)};
}

errcode_t
lines_block(lines_t *self, span_t *out, uint64_t *offset)
{
    errcode_t rc = ERR_OK;

    *out = (span_t){0};
    while (rc == ERR_OK && !self->skipping && self->offset < self->end) {
        *out = whole_lines(self, self->bytes + self->fill);
        *offset = self->offset;
        pass(self, out->len);
        if (out->len > 0 || self->at_end || self->fill - self->at >= LINE_RAW) {
            return ERR_OK;
        }
        rc = read_more(self);
    }
    return rc;
}

static void
pass_lines(lines_t *self, const uint8_t *stop, uint64_t *skipped)
{
    span_t whole = whole_lines(self, stop);

    if (whole.len > 0) {
        *skipped += needle_lines(whole.p, whole.p + whole.len);
        pass(self, whole.len);
    }
}

// The line that stands first is over long, or ends the file, and does not
// have the needle where it counts.
static void
pass_rest(lines_t *self, uint64_t *skipped)
{
    (*skipped)++;
    self->skipping = !self->at_end;
    pass(self, self->fill - self->at);
}

// What to do where the needle stands too far behind in its line: that line is
// passed.
static void
pass_long(lines_t *self, uint64_t *skipped)
{
    const uint8_t *p = self->bytes + self->at;
    const uint8_t *nl = memchr(p, '\n', self->fill - self->at);

    if (nl == NULL) {
        pass_rest(self, skipped);
        return;
    }
    (*skipped)++;
    pass(self, (size_t)(nl + 1 - p));
}

// One look at what the buffer has. True when a line with the needle is next.
static bool
skip_buffer(lines_t *self, span_t needle, uint64_t *skipped)
{
    while (!self->skipping && self->offset < self->end) {
        const uint8_t *end = self->bytes + self->fill;
        const uint8_t *hit = needle_find(needle, self->bytes + self->at, end);
        pass_lines(self, hit != NULL ? hit : end, skipped);
        if (hit == NULL || self->offset >= self->end) {
            return false;
        }
        if ((size_t)(hit - (self->bytes + self->at)) + needle.len <=
            LIMIT_LINE) {
            return true;
        }
        pass_long(self, skipped);
    }
    return false;
}

errcode_t
lines_skip(lines_t *self, span_t needle, uint64_t *skipped, bool *paused)
{
    errcode_t rc = ERR_OK;

    *paused = false;
    if (self->skipping) {
        rc = skip_line(self);
    }
    if (rc != ERR_OK || self->skipping || self->offset >= self->end ||
        skip_buffer(self, needle, skipped) || self->offset >= self->end) {
        return rc;
    }
    if (self->skipping) {
        *paused = true;
        return ERR_OK;
    }
    size_t rest = self->fill - self->at;
    if (self->at_end || rest >= LINE_RAW) {
        if (rest > 0) {
            pass_rest(self, skipped);
        }
        *paused = !self->at_end;
        return ERR_OK;
    }
    *paused = true;
    return read_more(self);
}
