// SPDX-License-Identifier: Apache-2.0
// One buffer that holds the longest line and a block. The start of a range is
// looked for in [begin - 1, end - 1) only, and a long line is skipped only as
// far as another owned line could begin, so that a small range inside a huge
// line costs little. Reads behind the range's end are small: there is at most
// the rest of one line to fetch.
#include "worker/scan/lines_inside.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

lines_t *
lines_new(source_t *source, uint64_t begin, uint64_t end)
{
    lines_t *self = xmalloc(sizeof *self);

    self->source = source;
    self->end = end;
    self->origin = begin > 0 ? begin - 1 : 0;
    self->offset = self->origin;
    self->at = 0;
    self->fill = 0;
    self->searched = 0;
    self->skipping = begin > 0;
    self->at_end = false;
    self->step = READ_STEP;
    self->look_from = 0;
    self->mapped = (span_t){0};
    self->window_len = 0;
    self->late = self->late_end = 0;
    memset(self->pad, 0, sizeof self->pad);
    return self;
}

void
lines_destroy(lines_t **self_p)
{
    lines_t *self = *self_p;

    if (self != NULL && self->window_len > 0) {
        // Something went wrong before: nothing is made of these lines.
        bool whole = source_looked(self->source);
        (void)whole;
    }
    free(self);
    *self_p = NULL;
}

void
lines_pass(lines_t *self, size_t n)
{
    self->at += n;
    self->offset += n;
    if (self->searched < self->at) {
        self->searched = self->at;
    }
}

void
lines_make_room(lines_t *self)
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

// What was read so far is all before the cut, or this read reached it.
static void
look_for_cut(lines_t *self)
{
    uint64_t given;

    if (self->end == UINT64_MAX && source_passed(self->source, &given)) {
        self->end = self->origin + given + 1;
    }
}

errcode_t
lines_read(lines_t *self)
{
    size_t got = 0;
    errcode_t rc = lines_fetched(self);

    if (rc != ERR_OK) {
        return rc;
    }
    lines_make_room(self);
    uint64_t pos = self->offset + (self->fill - self->at);
    size_t room = sizeof self->bytes - self->fill;
    uint64_t want = pos < self->end ? self->end - pos : READ_TAIL;
    want = want < self->step ? want : self->step;
    assert(room > 0);
    rc = source_read(self->source, self->bytes + self->fill,
        want < room ? (size_t)want : room, &got);
    self->fill += got;
    self->at_end = rc == ERR_OK && got == 0;
    look_for_cut(self);
    return rc;
}

errcode_t
lines_head(lines_t *self, span_t *head, bool *at_end)
{
    errcode_t rc = ERR_OK;

    assert(self->offset == 0 && !self->skipping);
    while (rc == ERR_OK && !self->at_end && self->fill < LINE_RAW) {
        rc = lines_read(self);
    }
    *head =
        (span_t){self->bytes, self->fill < LINE_RAW ? self->fill : LINE_RAW};
    *at_end = self->at_end && self->fill <= LINE_RAW;
    return rc;
}

errcode_t
lines_skip_line(lines_t *self)
{
    errcode_t rc = ERR_OK;

    while (rc == ERR_OK && self->offset + 1 < self->end) {
        size_t have = self->fill - self->at;
        const uint8_t *p = self->bytes + self->at;
        const uint8_t *nl = have > 0 ? memchr(p, '\n', have) : NULL;
        if (nl != NULL) {
            lines_pass(self, (size_t)(nl - p) + 1);
            self->skipping = false;
            return ERR_OK;
        }
        lines_pass(self, have);
        if (self->at_end || self->offset + 1 >= self->end) {
            return ERR_OK;
        }
        rc = lines_read(self);
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
    lines_pass(self, len + (ended ? 1 : 0));
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
        rc = lines_read(self);
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
        rc = lines_skip_line(self);
    }
    if (rc != ERR_OK || self->skipping || self->offset >= self->end) {
        return rc;
    }
    return find_line(self, out, more);
}

span_t
lines_whole(const lines_t *self, const uint8_t *stop)
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

// What is late is inside the lines that are given.
static void
give(lines_t *self, span_t whole, text_block_t *out)
{
    *out = (text_block_t){.p = self->bytes + self->at, .len = whole.len};
    if (self->late_end > self->late) {
        const uint8_t *end = self->mapped.p + self->mapped.len;
        out->from = self->from;
        out->from_len = (size_t)(end - self->from);
        out->late = self->late - self->at;
        out->late_end = self->late_end - self->at;
    }
    self->late = self->late_end = 0;
    lines_pass(self, whole.len);
}

errcode_t
lines_block(lines_t *self, text_block_t *out, uint64_t *offset)
{
    errcode_t rc = ERR_OK;

    *out = (text_block_t){0};
    while (rc == ERR_OK && !self->skipping && self->offset < self->end) {
        span_t whole = lines_whole(self, self->bytes + self->fill);
        *offset = self->offset;
        if (whole.len > 0) {
            give(self, whole, out);
            return ERR_OK;
        }
        if (self->at_end || self->fill - self->at >= LINE_RAW) {
            break;
        }
        rc = lines_fetch(self);
    }
    return rc != ERR_OK ? rc : lines_fetched(self);
}
