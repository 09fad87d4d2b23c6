// SPDX-License-Identifier: Apache-2.0
// Tokens are found window by window. Behind a line whose quotes do not pair,
// the search begins anew: that costs a window at most. Bytes that are late are
// copied by that search, so that a file is gone through once, and what is not
// in a window yet is not looked at.
#include "worker/scan/matcher.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "worker/format/format_inside.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW     8192u // a multiple of 64
#define TOKENS_MAX (1u + SHAPE_TOKENS + 1u + WINDOW + TOKENS_SLACK)
#define BLOCK_MAX  (1u << 30)
#define NO_SLOT    0xffu
#define MAP_AHEAD  (40u << 10)
#define RUN_MAX    16u // lines that are looked at together

typedef struct wanted {
    shape_span_t span;
    uint8_t slot; // of the batch
} wanted_t;

struct matcher {
    shape_t shape;
    tokens_find_t *find;
    const lanes_kind_t *fast; // NULL: line by line
    lanes_t lanes;
    wanted_t wanted[BATCH_SPANS];
    size_t n_wanted;
    field_t fields[BATCH_SPANS];
    size_t n_fields;
    uint16_t lists[SHAPE_SPANS]; // that nobody reads: the tokens behind them
    size_t n_lists;
    uint8_t line_slot; // NO_SLOT: nobody reads the line
    uint8_t *text;
    uint32_t len;
    const uint8_t *from; // of the next late byte
    size_t from_len;
    uint32_t there;    // bytes before it are in their place
    uint32_t late_end; // and those from here on; there: all
    uint32_t line;     // where the next one begins
    uint32_t found;    // tokens are known up to here
    token_state_t state;
    uint32_t head; // the next one of tokens; those before it are done
    uint32_t end;
    // The place before the first is written to; see shape_fits.
    uint32_t tokens[TOKENS_MAX];
    uint32_t words[TOKENS_MAX + LANES_PAD]; // for the lanes, where these are
};

static field_t
logged(field_t field)
{
    return format_is_of_request(field) ? FIELD_REQUEST : field;
}

static uint8_t
take_slot(matcher_t *self, field_t field)
{
    assert(self->n_fields < BATCH_SPANS);
    self->fields[self->n_fields] = field;
    return (uint8_t)self->n_fields++;
}

// What has more than its delimiters to it is looked at in any case: the line
// is accepted only if that is right. False: too many of them.
static bool
want(matcher_t *self, const shape_span_t *span, uint32_t fields)
{
    bool read = span->field < FIELD_COUNT && (fields & 1u << span->field) != 0;

    if (!read && span->kind == SPAN_PLAIN) {
        return true;
    }
    if (!read && span->kind == SPAN_LIST) {
        if (span->end <= self->shape.n_tokens) {
            self->lists[self->n_lists++] = span->end;
        }
        return true;
    }
    if (self->n_fields + 3 > BATCH_SPANS) { // one is left for the line
        return false;
    }
    self->wanted[self->n_wanted++] =
        (wanted_t){*span, take_slot(self, span->field)};
    if (span->kind == SPAN_CUT || span->kind == SPAN_CUT_FIRST) {
        (void)take_slot(self, span->second);
    }
    return true;
}

matcher_t *
matcher_new(const format_t *format, uint32_t fields)
{
    matcher_t *self = xmalloc(sizeof *self);
    uint32_t read = 0;

    // Tokens are written before they are read.
    memset(self, 0, offsetof(matcher_t, tokens));
    if (!shape_make(format, &self->shape)) {
        free(self);
        return NULL;
    }
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        read |= (fields >> f & 1u) << logged((field_t)f);
    }
    read |= fields; // a part of the request may be logged by itself
    read |=
        (read >> FIELD_PATH | read >> FIELD_QUERY) & 1u ? 1u << FIELD_URL : 0;
    self->find = tokens_finder();
    self->fast = lanes_make(&self->shape, &self->lanes) ? lanes_kind() : NULL;
    for (size_t i = 0; i < self->shape.n_spans; i++) {
        if (!want(self, &self->shape.spans[i], read)) {
            free(self);
            return NULL;
        }
    }
    self->line_slot = NO_SLOT;
    if ((read & 1u << FIELD_LINE) != 0) {
        self->line_slot = take_slot(self, FIELD_LINE);
    }
    return self;
}

void
matcher_destroy(matcher_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

void
matcher_use(matcher_t *self, tokens_find_t *find, const lanes_kind_t *lanes)
{
    self->find = find;
    self->fast = self->fast != NULL ? lanes : NULL;
}

// The search for tokens goes on at the line that begins at `at`.
static void
restart(matcher_t *self, uint32_t at)
{
    self->found = at;
    self->state = (token_state_t){0};
    self->head = self->end = 1;
}

void
matcher_begin(matcher_t *self, const text_block_t *block)
{
    assert(block->len <= BLOCK_MAX);
    assert(block->late == block->late_end ||
           (block->late < block->late_end && block->late_end < block->len));
    assert(block->len == 0 || block->p[block->len - 1] == '\n');
    self->text = block->p;
    self->len = (uint32_t)block->len;
    self->from = block->from;
    self->from_len = block->from_len;
    self->there = (uint32_t)block->late;
    self->late_end = (uint32_t)block->late_end;
    self->line = 0;
    restart(self, 0);
}

// The next late bytes are in their place now.
static void
pass_late(matcher_t *self, uint32_t n)
{
    self->from += n;
    self->from_len -= n;
    self->there += n;
}

// How far the next window goes, which has late bytes only, or none.
static uint32_t
window_end(const matcher_t *self, bool late)
{
    bool before = self->found < self->there && self->there < self->late_end;
    uint32_t end = late ? self->late_end : before ? self->there : self->len;

    return end - self->found > WINDOW ? self->found + WINDOW : end;
}

// What is not mapped yet cannot be fetched ahead. The kernel maps the pages
// around one that is touched.
static void
touch_ahead(const matcher_t *self)
{
    if (self->from_len > MAP_AHEAD) {
        (void)*(const volatile uint8_t *)(self->from + MAP_AHEAD);
    }
}

static void
find_more(matcher_t *self)
{
    uint32_t left = self->end - self->head;
    bool late = self->found == self->there && self->there < self->late_end;
    uint32_t end = window_end(self, late);

    memmove(self->tokens + 1, self->tokens + self->head,
        left * sizeof *self->tokens);
    self->head = 1;
    if (late) {
        touch_ahead(self);
    }
    self->end = 1 + left +
                (uint32_t)self->find(&self->shape.set, &self->state,
                    late ? self->from : NULL, self->text, self->found, end,
                    self->tokens + 1 + left);
    if (late) {
        pass_late(self, end - self->found);
    }
    self->found = end;
    if (self->fast != NULL) {
        // Those of a line that goes on behind the window are loaded again.
        // Token 0 may be before the text.
        self->fast->load(self->text, self->tokens + self->head,
            self->end - self->head, self->words + self->head);
        self->fast->load(self->text, &self->line, 1, self->words);
        self->words[0] <<= 8;
    }
}

// The newline that ends the line of which byte `at` is one.
static const uint8_t *
newline_behind(matcher_t *self, uint32_t at)
{
    uint32_t known = self->there < self->late_end ? self->there : self->len;
    const uint8_t *p = self->text + at;
    const uint8_t *nl = at < known ? memchr(p, '\n', known - at) : NULL;

    if (nl == NULL) {
        uint32_t late = self->late_end - self->there;
        memcpy(self->text + self->there, self->from, late);
        pass_late(self, late);
        nl = memchr(p, '\n', self->len - at);
    }
    return nl;
}

static bool
quotes_pair(const uint8_t *p, const uint8_t *end)
{
    unsigned odd = 0;

    for (; p < end; p++) {
        odd ^= *p == '"';
    }
    return odd == 0;
}

// The line is done; the next one begins behind its newline at nl.
static void
pass_line(matcher_t *self, uint32_t nl)
{
    const uint8_t *begin = self->text + self->line;
    bool known = nl < self->found;

    if (known && self->shape.set.quotes) {
        known = quotes_pair(begin, self->text + nl);
    }
    self->line = nl + 1;
    if (!known) {
        restart(self, self->line);
        return;
    }
    while (self->head < self->end && self->tokens[self->head] <= nl) {
        self->head++;
    }
}

static void
take_odd(matcher_t *self, batch_t *out)
{
    const uint8_t *begin = self->text + self->line;
    const uint8_t *nl = newline_behind(self, self->line);

    out->odd[out->n_odd++] = (span_t){begin, (size_t)(nl - begin)};
    pass_line(self, (uint32_t)(nl - self->text));
}

// At the first or the last such byte. Words are short, and what is behind the
// last one is shorter: a loop is done before memrchr has begun.
static bool
cut(const shape_span_t *s, span_t word, span_t *left, span_t *right)
{
    const uint8_t *end = word.p + word.len, *p = end;

    if (s->kind == SPAN_CUT_FIRST) {
        p = memchr(word.p, s->cut, word.len);
    } else {
        while (p > word.p && *--p != (uint8_t)s->cut) {
        }
    }
    if (p == NULL || p == word.p || p + 1 == end) {
        return false;
    }
    *left = (span_t){word.p, (size_t)(p - word.p)};
    *right = (span_t){p + 1, (size_t)(end - p) - 1};
    return true;
}

// What there is to a span besides its delimiters; a word is cut.
static bool
is_right(const shape_span_t *s, span_t *span, const uint8_t *line_end)
{
    switch (s->kind) {
    case SPAN_PLAIN:
        break;
    case SPAN_CUT:
    case SPAN_CUT_FIRST:
        return cut(s, *span, span, span + BATCH_LINES);
    case SPAN_LIST:
        return span->p + span->len == line_end ||
               list_ends(span->p, span->p + span->len, line_end);
    case SPAN_FIXED:
        return span->len == s->fixed;
    }
    return true;
}

// As list_ends, of lists that are not put anywhere. None is empty, and a line
// ends in no space.
static bool
lists_end(const matcher_t *self, const uint32_t *t)
{
    unsigned wrong = 0;

    for (size_t i = 0; i < self->n_lists; i++) {
        const uint8_t *at = self->text + t[self->lists[i]];
        wrong |= (unsigned)(at[-1] == ',') |
                 ((unsigned)(at[1] == ':') & (unsigned)(at[2] == ' '));
    }
    return wrong == 0;
}

// What follows is of n lines, one behind the other, whose tokens fit: t[0] is
// token 0 of the first one, and the newline of each is that of the next one.
// Where lines have such a part, it is how many in front are right.

static size_t
put_span(const matcher_t *self, const wanted_t *wanted, const uint32_t *t,
    const uint32_t *ends, size_t n, batch_t *out)
{
    const shape_span_t *s = &wanted->span;
    span_t *spans = &out->spans[wanted->slot][out->n];
    size_t step = self->shape.n_tokens + 1;
    const uint32_t *begin = t + s->begin;
    bool inside = s->end <= self->shape.n_tokens;
    const uint32_t *end = inside ? t + s->end : ends;
    size_t end_step = inside ? step : 1;

    for (size_t i = 0; i < n; i++) {
        uint32_t at = begin[i * step] + s->delta;
        spans[i] = (span_t){self->text + at, end[i * end_step] - at};
    }
    for (size_t i = 0; s->kind != SPAN_PLAIN && i < n; i++) {
        if (!is_right(s, &spans[i], self->text + ends[i])) {
            return i;
        }
    }
    return n;
}

static size_t
put_lines(const matcher_t *self, const uint32_t *t, const uint32_t *ends,
    size_t n, batch_t *out)
{
    size_t step = self->shape.n_tokens + 1;
    size_t row = out->n;

    for (size_t i = 0; self->n_lists > 0 && i < n; i++) {
        n = lists_end(self, t + i * step) ? n : i;
    }
    for (size_t i = 0; i < self->n_wanted; i++) {
        n = put_span(self, &self->wanted[i], t, ends, n, out);
    }
    for (size_t i = 0; i < n; i++) {
        out->begins[row + i] = t[i * step] + 1;
    }
    for (size_t i = 0; self->line_slot != NO_SLOT && i < n; i++) {
        uint32_t begin = out->begins[row + i];
        out->spans[self->line_slot][row + i] =
            (span_t){self->text + begin, ends[i] - begin};
    }
    out->n += n;
    return n;
}

// Whether a line that ends at nl does so as the shape says; *end is without
// what is of the ending.
static inline bool
ends_right(const matcher_t *self, const uint32_t *t, uint32_t nl, uint32_t *end)
{
    const shape_t *shape = &self->shape;
    const uint8_t *text = self->text;
    uint32_t least = t[shape->n_tokens] + shape->tail;

    *end = nl - (text[nl - 1] == '\r');
    bool at_least = *end == least;
    bool behind = *end > least;
    bool ends = shape->exact  ? at_least
                : shape->rest ? at_least || (behind && text[least] == ' ')
                              : behind;
    return ends && *end - t[0] - 1 <= LIMIT_LINE;
}

static size_t
find_ends(const matcher_t *self, const uint32_t *t, size_t n, uint32_t *ends)
{
    size_t step = self->shape.n_tokens + 1;

    for (size_t i = 0; i < n; i++, t += step) {
        if (!ends_right(self, t, t[step], &ends[i])) {
            return i;
        }
    }
    return n;
}

// The newline of the line, whose tokens before the last fit; UINT32_MAX: there
// is something else.
static uint32_t
find_newline(matcher_t *self, const uint32_t *t)
{
    const shape_t *shape = &self->shape;
    uint32_t nl = t[shape->n_tokens + 1];
    uint32_t least = t[shape->n_tokens] + shape->tail;

    if (self->text[nl] == '\n') {
        return nl;
    }
    return shape->rest && self->text[least] == ' '
               ? (uint32_t)(newline_behind(self, least) - self->text)
               : UINT32_MAX;
}

// The line in front, if it is a usual one.
static bool
take_usual(matcher_t *self, batch_t *out)
{
    uint32_t *t = self->tokens + self->head - 1;
    uint32_t nl, end;

    t[0] = self->line - 1;
    if (!shape_fits(&self->shape, self->text, t) ||
        (nl = find_newline(self, t)) == UINT32_MAX ||
        !ends_right(self, t, nl, &end) ||
        put_lines(self, t, &end, 1, out) == 0) {
        return false;
    }
    if (nl == t[self->shape.n_tokens + 1]) {
        self->line = nl + 1;
        self->head += (uint32_t)self->shape.n_tokens + 1;
    } else {
        pass_line(self, nl); // the rest of the line has tokens of its own
    }
    return true;
}

static size_t
others_fit(const matcher_t *self, const uint32_t *t, size_t n)
{
    for (size_t i = 0; i < n; i++, t += self->lanes.n) {
        if (!lanes_others_fit(&self->lanes, &self->shape, self->text, t)) {
            return i;
        }
    }
    return n;
}

// The lines in front that fit by their lanes and are usual ones. Of few at a
// time: one may fit and not be usual, and then what was said of the others is
// lost.
static bool
take_run(matcher_t *self, batch_t *out)
{
    uint32_t ends[RUN_MAX];
    uint32_t *t = self->tokens + self->head - 1;
    size_t n = (self->end - self->head) / self->lanes.n;
    size_t room = BATCH_LINES - out->n;

    n = n < room ? n : room;
    n = self->fast->fit(
        &self->lanes, self->words + self->head - 1, n < RUN_MAX ? n : RUN_MAX);
    t[0] = self->line - 1;
    if (self->lanes.n_others > 0 || self->shape.first != 0) {
        n = others_fit(self, t, n);
    }
    n = find_ends(self, t, n, ends);
    n = put_lines(self, t, ends, n, out);
    self->line = t[n * self->lanes.n] + 1;
    self->head += (uint32_t)n * self->lanes.n;
    return n > 0;
}

bool
matcher_next(matcher_t *self, batch_t *out)
{
    out->n = out->n_odd = 0;
    out->n_spans = self->n_fields;
    memcpy(out->fields, self->fields, sizeof self->fields);
    while (self->line < self->len && out->n < BATCH_LINES &&
           out->n_odd < BATCH_LINES) {
        if (self->end - self->head <= self->shape.n_tokens &&
            self->found < self->len) {
            find_more(self);
        } else if (self->end - self->head <= self->shape.n_tokens) {
            take_odd(self, out);
        } else if (!(self->fast != NULL && take_run(self, out)) &&
                   !take_usual(self, out)) {
            take_odd(self, out);
        }
    }
    return out->n + out->n_odd > 0;
}
