// SPDX-License-Identifier: Apache-2.0
// The matcher walks the parts of a pattern byte by byte and has the last word
// on every line; shape.c makes a faster one of the same parts.
#include "worker/format/format_inside.h"

#include "worker/format/find.h"

#include <assert.h>
#include <string.h>

// What is left of the line while it is matched.
typedef struct cursor {
    const uint8_t *line;
    const uint8_t *p;
    const uint8_t *end;
    line_fields_t *out;
    reject_t why;
} cursor_t;

static bool
reject(cursor_t *c, reject_t why)
{
    c->why = why;
    return false;
}

// Up to `stop` or the end of the line, at least one byte.
static bool
match_word(cursor_t *c, char stop, span_t *out)
{
    const uint8_t *at = find_one(c->line, c->p, c->end, (uint8_t)stop);

    if (at == c->p) {
        return reject(c, at < c->end ? REJECT_EMPTY : REJECT_STRUCTURE);
    }
    *out = (span_t){c->p, (size_t)(at - c->p)};
    c->p = at;
    return true;
}

static bool
cut_word(span_t word, char at, span_t *left, span_t *right, reject_t *why)
{
    const uint8_t *cut = memrchr(word.p, at, word.len);

    if (cut == NULL) {
        *why = REJECT_STRUCTURE;
        return false;
    }
    size_t len = (size_t)(cut - word.p);
    *left = (span_t){word.p, len};
    *right = (span_t){cut + 1, word.len - len - 1}; // perhaps the same place
    *why = REJECT_EMPTY;
    return len > 0 && word.len > len + 1;
}

static bool
match_cut(cursor_t *c, const part_t *part)
{
    span_t word;

    return match_word(c, part->stop, &word) &&
           cut_word(word, part->cut, &c->out->fields[part->field],
               &c->out->fields[part->second], &c->why);
}

// Whether a list ends at its space `at`.
bool
list_ends(const uint8_t *begin, const uint8_t *at, const uint8_t *end)
{
    bool comma = at > begin && at[-1] == ',';
    bool colon = end - at > 2 && at[1] == ':' && at[2] == ' ';

    return !comma && !colon;
}

static bool
match_list(cursor_t *c, span_t *out)
{
    const uint8_t *begin = c->p;
    const uint8_t *at = find_one(c->line, begin, c->end, ' ');

    if (at == begin) {
        return reject(c, at < c->end ? REJECT_EMPTY : REJECT_STRUCTURE);
    }
    while (at < c->end && !list_ends(begin, at, c->end)) {
        at += at[-1] == ',' ? 1 : 3;
        at = find_one(c->line, at, c->end, ' ');
    }
    *out = (span_t){begin, (size_t)(at - begin)};
    c->p = at;
    return true;
}

static bool
match_fixed(cursor_t *c, size_t len, span_t *out)
{
    if ((size_t)(c->end - c->p) < len) {
        return reject(c, REJECT_STRUCTURE);
    }
    *out = (span_t){c->p, len};
    c->p += len;
    return true;
}

static bool
match_tail(cursor_t *c, span_t *out)
{
    *out = (span_t){c->p, (size_t)(c->end - c->p)};
    c->p = c->end;
    return true;
}

static bool
starts_with(const cursor_t *c, const uint8_t *p, const char *lead)
{
    while (*lead != '\0' && p < c->end && *p == (uint8_t)*lead) {
        lead++;
        p++;
    }
    return *lead == '\0';
}

static bool
match_until(cursor_t *c, const part_t *part, span_t *out)
{
    const char *lead = part[1].lead;
    uint8_t first = (uint8_t)lead[0];
    const uint8_t *at = find_one(c->line, c->p, c->end, first);

    while (at < c->end && !starts_with(c, at, lead)) {
        at = find_one(c->line, at + 1, c->end, first);
    }
    if (at == c->end) {
        return reject(c, REJECT_STRUCTURE);
    }
    if (at == c->p) {
        return reject(c, REJECT_EMPTY);
    }
    *out = (span_t){c->p, (size_t)(at - c->p)};
    c->p = at;
    return true;
}

static bool
match_text(cursor_t *c, char stop, span_t *out)
{
    const uint8_t *at = find_one(c->line, c->p, c->end, (uint8_t)stop);

    if (at == c->end) {
        return reject(c, REJECT_STRUCTURE);
    }
    *out = (span_t){c->p, (size_t)(at - c->p)};
    c->p = at;
    return true;
}

static bool
match_quoted(cursor_t *c, span_t *out)
{
    const uint8_t *begin = c->p;

    c->p = find_either(c->line, begin, c->end, '"', '\\');
    while (c->p < c->end && *c->p == '\\') {
        c->p += c->end - c->p > 1 ? 2 : 1; // what is escaped counts for nothing
        c->p = find_either(c->line, c->p, c->end, '"', '\\');
    }
    if (c->p == c->end) {
        return reject(c, REJECT_UNCLOSED);
    }
    *out = (span_t){begin, (size_t)(c->p - begin)};
    return true;
}

static bool
match_part(cursor_t *c, const part_t *part)
{
    span_t *field = &c->out->fields[part->field];

    switch (part->kind) {
    case PART_WORD:
        return match_word(c, part->stop, field);
    case PART_PADDED:
        while (c->p < c->end && *c->p == ' ') {
            c->p++;
        }
        return match_word(c, part->stop, field);
    case PART_CUT:
        return match_cut(c, part);
    case PART_LIST:
        return match_list(c, field);
    case PART_FIXED:
        return match_fixed(c, part->fixed, field);
    case PART_TAIL:
        return match_tail(c, field);
    case PART_UNTIL:
        return match_until(c, part, field);
    case PART_TEXT:
        return match_text(c, part->stop, field);
    case PART_QUOTED:
        return match_quoted(c, field);
    case PART_OPTIONAL:
    case PART_REST:
    case PART_END:
        break;
    }
    assert(false);
    return false;
}

static bool
is_letter_or_digit(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z');
}

static bool
match_like(cursor_t *c, const part_t *part)
{
    span_t like = part->like;
    span_t found = c->out->fields[part->field];

    if (found.len < like.len) {
        return reject(c, REJECT_STRUCTURE);
    }
    for (size_t i = 0; i < like.len; i++) {
        if (!is_letter_or_digit(like.p[i]) && found.p[i] != like.p[i]) {
            return reject(c, REJECT_STRUCTURE);
        }
    }
    return true;
}

static bool
match_lead(cursor_t *c, const char *lead)
{
    if (!starts_with(c, c->p, lead)) {
        return reject(c, REJECT_STRUCTURE);
    }
    c->p += strlen(lead);
    return true;
}

static bool
match_parts(cursor_t *c, const pattern_t *pattern)
{
    for (size_t i = 0; i < pattern->n_parts; i++) {
        const part_t *part = &pattern->parts[i];
        if (!match_lead(c, part->lead)) {
            return false;
        }
        if (part->kind == PART_OPTIONAL && c->p == c->end) {
            return true;
        }
        if (part->kind == PART_OPTIONAL) {
            continue;
        }
        if (part->kind == PART_REST) {
            return c->p == c->end || *c->p == ' ' || reject(c, REJECT_TRAILING);
        }
        if (part->kind != PART_END &&
            (!match_part(c, part) || !match_like(c, part))) {
            return false;
        }
    }
    return c->p == c->end || reject(c, REJECT_TRAILING);
}

static void
forget_optional(const format_t *self, line_fields_t *out)
{
    for (size_t i = 0; i < self->n_optional; i++) {
        out->fields[self->optional[i]] = (span_t){0};
    }
}

// Why the first pattern does not fit is what people are told.
bool
pattern_match(
    const format_t *self, span_t line, line_fields_t *out, reject_t *why)
{
    for (size_t i = 0; i < self->n_patterns; i++) {
        cursor_t c = {
            .line = line.p, .p = line.p, .end = line.p + line.len, .out = out};
        forget_optional(self, out);
        if (match_parts(&c, &self->patterns[i])) {
            return true;
        }
        *why = i == 0 ? c.why : *why;
    }
    return false;
}

// What each line has, and what only some have.
void
format_link(format_t *self)
{
    uint32_t always = UINT32_MAX;
    uint32_t some = 0;

    for (size_t i = 0; i < self->n_patterns; i++) {
        const pattern_t *p = &self->patterns[i];
        uint32_t sure = 0;
        uint32_t all = 0;
        bool optional = false;
        for (size_t k = 0; k < p->n_parts; k++) {
            const part_t *part = &p->parts[k];
            optional = optional || part->kind == PART_OPTIONAL;
            uint32_t bits = 1u << part->field | 1u << part->second;
            all |= bits;
            sure |= optional ? 0 : bits;
        }
        always &= sure;
        some |= all;
    }
    self->fields = some & ((1u << FIELD_COUNT) - 1);
    self->n_optional = 0;
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        if ((some & ~always) >> f & 1u) {
            self->optional[self->n_optional++] = (field_t)f;
        }
    }
}
