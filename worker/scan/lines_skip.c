// SPDX-License-Identifier: Apache-2.0
// Where the needle is rare, nearly all of the work is to see that it is not
// there. So the file is mapped for that, and only what is around a needle is
// read: mapped bytes may change at any time, so no line is taken from them,
// and what they say of a file that does not change is true. Where the needle
// is frequent, mapping costs more than it saves.
#include "worker/scan/lines_inside.h"

#include <string.h>

#define LOOK_LEAST ((uint64_t)128 << 10) // worth to be mapped; got ahead by it
#define READ_SHORT ((size_t)16 << 10)    // around a needle

static uint64_t
count_lines(span_t text)
{
    uint64_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        n += text.p[i] == '\n';
    }
    return n;
}

// The lines before `stop`, where there are so many newlines, not all of them
// of owned lines.
static void
pass_lines(
    lines_t *self, const uint8_t *stop, uint64_t newlines, uint64_t *skipped)
{
    const uint8_t *p = self->bytes + self->at;
    bool owned = (uint64_t)(stop - p) <= self->end - self->offset;
    span_t whole = lines_whole(self, stop);

    if (whole.len > 0) {
        *skipped += owned ? newlines : count_lines(whole);
        lines_pass(self, whole.len);
    }
}

// The line that stands first is over long, or ends the file, and does not
// have the needle where it counts.
static void
pass_rest(lines_t *self, uint64_t *skipped)
{
    (*skipped)++;
    self->skipping = !self->at_end;
    lines_pass(self, self->fill - self->at);
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
    lines_pass(self, (size_t)(nl + 1 - p));
}

// One look at what the buffer has. True when a line with the needle is next.
static bool
skip_buffer(lines_t *self, const needle_t *needle, uint64_t *skipped)
{
    while (!self->skipping && self->offset < self->end) {
        const uint8_t *end = self->bytes + self->fill;
        uint64_t newlines;
        const uint8_t *hit =
            needle_find(needle, self->bytes + self->at, end, &newlines);
        pass_lines(self, hit != NULL ? hit : end, newlines, skipped);
        if (hit == NULL || self->offset >= self->end) {
            return false;
        }
        if ((size_t)(hit - (self->bytes + self->at)) + needle->text.len <=
            LIMIT_LINE) {
            return true;
        }
        pass_long(self, skipped);
    }
    return false;
}

// How far the lines in front go that are whole and lack the needle, and how
// many they are. The bytes may change: memrchr is not made for that.
static size_t
look_through(span_t seen, const needle_t *needle, uint64_t *newlines)
{
    const uint8_t *end = seen.p + seen.len;
    const uint8_t *hit = needle_find(needle, seen.p, end, newlines);
    const uint8_t *begin = *newlines == 0 ? seen.p : hit != NULL ? hit : end;

    while (begin > seen.p && begin[-1] != '\n') {
        begin--;
    }
    return (size_t)(begin - seen.p);
}

// The buffer is empty, and what comes next is to be read from there.
static void
jump(lines_t *self, uint64_t offset)
{
    self->offset = offset;
    self->at = self->fill = self->searched = 0;
    source_seek(self->source, offset);
}

// Passes lines of the mapped file. Does nothing where that cannot be done;
// reading goes on, and says what is wrong where something is.
static void
skip_mapped(lines_t *self, const needle_t *needle, uint64_t *skipped)
{
    uint64_t newlines;
    size_t len = 0;
    span_t seen;

    if (self->at_end || self->offset < self->look_from ||
        self->end - self->offset < LOOK_LEAST) {
        return;
    }
    if (source_look(self->source, self->offset, self->end, &seen)) {
        len = look_through(seen, needle, &newlines);
        len = source_looked(self->source) ? len : 0;
    }
    if (len > 0) {
        *skipped += newlines;
        jump(self, self->offset + len);
    }
    bool ahead = len >= LOOK_LEAST;
    self->step = ahead ? READ_SHORT : READ_STEP;
    self->look_from = ahead ? 0 : self->offset + LOOK_PAUSE;
}

errcode_t
lines_skip(lines_t *self, needle_t *needle, uint64_t *skipped, bool *paused)
{
    errcode_t rc = ERR_OK;

    *paused = false;
    if (self->skipping) {
        rc = lines_skip_line(self);
    }
    if (!needle->learned && self->fill > self->at) {
        needle_learn(
            needle, (span_t){self->bytes + self->at, self->fill - self->at});
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
    skip_mapped(self, needle, skipped);
    *paused = self->offset < self->end;
    return *paused ? lines_read(self) : ERR_OK;
}
