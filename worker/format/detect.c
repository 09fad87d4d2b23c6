// SPDX-License-Identifier: Apache-2.0
// What `auto` chooses: the format that accepts most of the first lines. Where
// several accept equally many, the one whose lines are all lines of the
// others is the narrower, and wins.
#include "worker/format/format_inside.h"
#include "worker/format/reading.h"

#include "common/base/limits.h"

#include <assert.h>
#include <string.h>

#define FORMATS_MAX 64

typedef struct votes {
    size_t lines;
    size_t accepted[FORMATS_MAX];
} votes_t;

static void
vote(span_t line, votes_t *votes)
{
    line_fields_t fields = {0};
    reject_t why;

    votes->lines++;
    for (size_t i = 0; i < format_count(); i++) {
        if (line.len <= LIMIT_LINE && format_is_automatic(format_at(i)) &&
            format_match_next(format_at(i), line, &fields, &why)) {
            votes->accepted[i]++;
        }
    }
}

static void
count_votes(span_t head, bool at_end, votes_t *votes)
{
    size_t at = 0;

    while (at < head.len && votes->lines < LIMIT_DETECT_LINES) {
        const uint8_t *nl = memchr(head.p + at, '\n', head.len - at);
        size_t stop = nl != NULL ? (size_t)(nl - head.p) : head.len;
        span_t line = {head.p + at, stop - at};
        // A line cut off by the end of the head says nothing: its first part
        // may be a line of another format. One that is too long is a vote for
        // none.
        if (nl == NULL && !at_end && line.len <= LIMIT_LINE + 1u) {
            break;
        }
        if (line.len > 0 && line.p[line.len - 1] == '\r') {
            line.len--;
        }
        if (line.len > 0) {
            vote(line, votes);
        }
        at = stop + 1;
    }
}

static bool
lies_within(size_t narrow, size_t wide)
{
    const format_t *f = format_at(narrow);

    return ((format_within(f) | format_before(f)) >> wide & 1) != 0;
}

// Accepts fewer, but is chosen before the one that accepts most.
static size_t
chosen_before(const votes_t *votes, size_t best)
{
    for (size_t i = 0; i < format_count(); i++) {
        bool before = (format_before(format_at(i)) >> best & 1) != 0;
        if (before && votes->accepted[i] >= (votes->accepted[best] + 1) / 2) {
            return i;
        }
    }
    return best;
}

// The narrowest of the best; *tie is one that is neither wider nor narrower.
static size_t
narrowest(const votes_t *votes, size_t most, size_t *tie)
{
    size_t n = format_count();
    size_t best = n;

    *tie = n;
    for (size_t i = 0; i < n; i++) {
        if (votes->accepted[i] != most) {
            continue;
        }
        if (best == n || lies_within(i, best)) {
            best = i;
            *tie = n;
        } else if (!lies_within(best, i)) {
            *tie = i;
        }
    }
    return best;
}

// The lines that a file of w3c begins with; empty: none with #Fields:.
static span_t
directives(span_t head)
{
    size_t at = 0;

    while (at < head.len && strchr("#\r\n", head.p[at]) != NULL &&
           head.p[at] != '\0') {
        const uint8_t *nl = memchr(head.p + at, '\n', head.len - at);
        at = nl != NULL ? (size_t)(nl - head.p) + 1 : head.len;
    }
    bool fields =
        at > 0 && memmem(head.p, at, READING_MARK, sizeof READING_MARK - 1);
    return (span_t){head.p, fields ? at : 0};
}

// The format whose mark the directives have; one without a mark fits all.
static const format_t *
of_directives(span_t text)
{
    const format_t *best = NULL;

    for (size_t i = 0; text.len > 0 && i < format_count(); i++) {
        const format_t *f = format_at(i);
        size_t len = f->reads == READ_W3C ? strlen(f->mark) : 0;
        bool fits = f->reads == READ_W3C &&
                    memmem(text.p, text.len, f->mark, len) != NULL;
        if (fits && (best == NULL || len > strlen(best->mark))) {
            best = f;
        }
    }
    return best;
}

errcode_t
format_detect(span_t head, bool at_end, const format_t **out, buf_t *why)
{
    votes_t votes = {0};
    size_t most = 0;
    size_t tie;

    assert(format_count() <= FORMATS_MAX);
    *out = of_directives(directives(head));
    if (*out != NULL) {
        return ERR_OK;
    }
    count_votes(head, at_end, &votes);
    for (size_t i = 0; i < format_count(); i++) {
        most = votes.accepted[i] > most ? votes.accepted[i] : most;
    }
    if (votes.lines == 0) {
        return ERR_OK;
    }
    if (most == 0) {
        buf_put_str(why, "no format fits its first lines (tried ");
        format_list(why);
        buf_put_str(why, "); name one with -f");
        return ERR_FORMAT;
    }
    size_t best = narrowest(&votes, most, &tie);
    if (tie < format_count()) {
        buf_printf(why, "%s and %s fit equally well; name one with -f",
            format_name(format_at(best)), format_name(format_at(tie)));
        return ERR_FORMAT;
    }
    *out = format_at(chosen_before(&votes, best));
    return ERR_OK;
}
