// SPDX-License-Identifier: Apache-2.0
// The parts of a format, one after the other, to tokens, checks and spans. A
// lead is compared whole, from its first structural byte on; the byte behind
// it must not be structural, so that no token hides in the run before it and
// no field is empty.
#include "worker/format/shape.h"

#include "worker/format/format_inside.h"

#include <string.h>

typedef struct maker {
    const pattern_t *pattern;
    shape_t *shape;
    uint16_t token; // the last one made; 0: the byte before the line
    uint16_t delta; // of what comes next, behind it
    bool fits;
} maker_t;

static bool
is_structural(const maker_t *m, char c)
{
    return m->shape->structural[(uint8_t)c] != 0;
}

static void
add_delimiter(maker_t *m, char c)
{
    token_set_t *set = &m->shape->set;

    if (c == '\0' || is_structural(m, c)) {
        return;
    }
    m->fits = m->fits && set->n < TOKENS_DELIMITERS;
    if (m->fits) {
        set->delimiters[set->n++] = (uint8_t)c;
        m->shape->structural[(uint8_t)c] = 0xff;
    }
}

static bool
is_plain_word(const part_t *part)
{
    return part->kind == PART_WORD && part->like.p == NULL &&
           part->inside == '\0';
}

// Part i and the next are words with one byte between.
static bool
is_pair(const pattern_t *p, size_t i)
{
    const part_t *part = p->parts + i;

    return i + 1 < p->n_parts && is_plain_word(part) &&
           is_plain_word(part + 1) && part[1].lead[0] == part->stop &&
           part[1].lead[1] == '\0' && part->stop != ' ';
}

static bool
is_lone_pair(const pattern_t *p, size_t i)
{
    return is_pair(p, i) && !is_pair(p, i + 1) &&
           (i == 0 || !is_pair(p, i - 1));
}

// Whether a pair (%v:%p) is one word to the shape, which is cut: when its byte
// ends nothing but such words. As a delimiter it would be found all over a
// line.
static bool
joins_next(const maker_t *m, size_t i)
{
    const pattern_t *p = m->pattern;
    char c = p->parts[i].stop;

    if (!is_lone_pair(p, i) || m->shape->structural[(uint8_t)c] != 0) {
        return false;
    }
    for (size_t k = 0; k < p->n_parts; k++) {
        if (p->parts[k].stop == c && !is_lone_pair(p, k)) {
            return false;
        }
    }
    return true;
}

// What ends a field is a delimiter, and quotes come with their backslash.
static void
find_delimiters(maker_t *m)
{
    uint8_t *structural = m->shape->structural;

    structural['\n'] = 0xff;
    for (size_t i = 0; i < m->pattern->n_parts; i++) {
        if (m->pattern->parts[i].kind == PART_QUOTED) {
            m->shape->set.quotes = true;
            structural['"'] = structural['\\'] = 0xff;
        }
    }
    for (size_t i = 0; i < m->pattern->n_parts; i++) {
        if (m->pattern->parts[i].kind != PART_QUOTED && !joins_next(m, i)) {
            add_delimiter(m, m->pattern->parts[i].stop);
        }
    }
    m->fits = m->fits && m->shape->set.n > 0;
}

static shape_bytes_t
bytes_of(const char *bytes, size_t len, bool content)
{
    shape_bytes_t out = {.len = (uint32_t)len, .content = content ? 0xff : 0};
    uint8_t mask[sizeof out.mask] = {0};

    memcpy(&out.want, bytes, len);
    memset(mask, 0xff, len);
    memcpy(&out.mask, mask, sizeof mask);
    return out;
}

// Bytes at the place where the maker stands, eight to a check. The byte
// behind the last one is of a field.
static void
add_checks(maker_t *m, const char *bytes, size_t len, bool content)
{
    shape_t *s = m->shape;
    size_t at = 0;

    do {
        size_t n = len - at < 8 ? len - at : 8;
        shape_bytes_t b = bytes_of(bytes + at, n, content && at + n == len);
        if (at == 0 && m->delta == 0) {
            s->at_token[m->token] = b;
        } else if (s->n_checks < SHAPE_CHECKS) {
            s->checks[s->n_checks++] =
                (shape_check_t){b, m->token, m->delta + (uint32_t)at};
        } else {
            m->fits = false;
        }
        at += n;
    } while (at < len);
}

// The tokens of a lead: where runs of structural bytes begin.
static void
pass_lead(maker_t *m, const char *lead, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool starts = is_structural(m, lead[i]) &&
                      (i == 0 || !is_structural(m, lead[i - 1]));
        if (starts) {
            m->token++;
            m->delta = 0;
        }
        m->delta++;
    }
    m->fits = m->fits && m->token < SHAPE_TOKENS;
}

// The token where the lead begins.
static uint16_t
add_lead(maker_t *m, const char *lead, bool content)
{
    size_t len = strlen(lead);
    maker_t begin = *m;

    if (len > SHAPE_LEAD) {
        m->fits = false;
        return 0;
    }
    if (len > 0 && is_structural(m, lead[0])) {
        begin.token++;
        begin.delta = 0;
    }
    pass_lead(m, lead, len);
    if (m->fits) {
        add_checks(&begin, lead, len, content);
    }
    m->fits = m->fits && begin.fits;
    return begin.token;
}

static int
span_kind(const part_t *part)
{
    return part->kind == PART_CUT     ? SPAN_CUT
           : part->kind == PART_LIST  ? SPAN_LIST
           : part->kind == PART_FIXED ? SPAN_FIXED
                                      : SPAN_PLAIN;
}

static void
add_span(maker_t *m, const part_t *part)
{
    shape_t *s = m->shape;

    if (s->n_spans == SHAPE_SPANS) {
        m->fits = false;
        return;
    }
    s->spans[s->n_spans++] = (shape_span_t){.field = part->field,
        .begin = m->token,
        .delta = m->delta,
        .kind = span_kind(part),
        .second = part->second,
        .cut = part->cut,
        .fixed = part->fixed};
}

// The delimiter that stands once in the usual content of a field.
static void
add_inside(maker_t *m, char c)
{
    const char text[] = {c, '\0'};

    if (c != '\0' && is_structural(m, c)) {
        (void)add_lead(m, text, true);
    }
}

// Whether a field, read byte by byte, can end nowhere but at this lead.
static bool
ends_at(const part_t *part, const char *lead)
{
    return part->kind == PART_UNTIL    ? true
           : part->kind == PART_FIXED  ? true // its length is looked at
           : part->kind == PART_QUOTED ? lead[0] == '"'
                                       : lead[0] == part->stop;
}

static bool
is_field(const part_t *part)
{
    return part->kind != PART_REST && part->kind != PART_END;
}

static void
add_part(maker_t *m, const part_t *part, const part_t *before)
{
    shape_t *s = m->shape;
    bool field = is_field(part);
    uint16_t token = add_lead(m, part->lead, field);

    s->first = before == NULL && token == 1 ? UINT32_MAX : s->first;
    if (before != NULL && !is_field(before)) { // more may follow the rest
        m->fits = false;
        return;
    }
    if (before != NULL) {
        m->fits = m->fits && ends_at(before, part->lead) &&
                  is_structural(m, part->lead[0]);
        s->spans[s->n_spans - 1].end = token;
    }
    if (!field) {
        s->rest = part->kind == PART_REST;
        s->exact = part->kind == PART_END;
        return;
    }
    m->fits = m->fits && part->kind != PART_TAIL && part->like.p == NULL &&
              (part->kind != PART_FIXED || part->inside != '\0');
    add_span(m, part);
    add_inside(m, part->inside);
}

// The part that was added last, and the next.
static bool
join_next(maker_t *m, size_t i)
{
    const part_t *next = m->pattern->parts + i + 1;

    if (!m->fits || !joins_next(m, i)) {
        return false;
    }
    shape_span_t *span = &m->shape->spans[m->shape->n_spans - 1];
    span->kind = SPAN_CUT_FIRST;
    span->cut = m->pattern->parts[i].stop;
    span->second = next->field;
    return true;
}

static bool
is_word(const part_t *part)
{
    return part->kind == PART_WORD || part->kind == PART_PADDED ||
           part->kind == PART_CUT || part->kind == PART_LIST;
}

// A line ends in a word, or with the rest.
static void
add_end(maker_t *m, const part_t *last)
{
    shape_t *s = m->shape;

    s->n_tokens = m->token;
    s->tail = m->delta;
    if (!s->rest && !s->exact) {
        s->spans[s->n_spans - 1].end = (uint16_t)(m->token + 1);
        m->fits = m->fits && is_word(last);
    }
}

bool
shape_make(const format_t *format, shape_t *out)
{
    const pattern_t *pattern = format->patterns; // of several the first
    maker_t m = {.pattern = pattern, .shape = out, .delta = 1, .fits = true};
    const part_t *before = NULL;

    memset(out, 0, sizeof *out);
    if (pattern == NULL || format->n_own > 0) {
        return false;
    }
    find_delimiters(&m);
    for (size_t i = 0; m.fits && i < pattern->n_parts; i++) {
        if (pattern->parts[i].kind == PART_OPTIONAL) {
            m.fits = m.fits && pattern->parts[i].lead[0] == '\0';
        } else {
            add_part(&m, &pattern->parts[i], before);
            i += join_next(&m, i) ? 1 : 0;
            before = &pattern->parts[i];
        }
    }
    if (m.fits) {
        add_end(&m, before);
    }
    return m.fits && out->n_tokens > 0;
}
