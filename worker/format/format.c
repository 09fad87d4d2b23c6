// SPDX-License-Identifier: Apache-2.0
// A format is a list of parts: the bytes before a field, and how the field
// ends. The matcher here walks the list byte by byte and has the last word on
// every line; shape.c makes a faster one of the same list.
#include "worker/format/format_inside.h"

#include "common/tally/format_names.h"
#include "worker/format/find.h"

#include <assert.h>
#include <string.h>

// From the ip to the bytes; the first field stands behind `lead`.
#define CLF_HEAD(lead)                                                         \
    {lead, PART_WORD, FIELD_IP, ' ', 0},                                       \
        {" ", PART_WORD, FIELD_IDENT, ' ', 0},                                 \
        {" ", PART_UNTIL, FIELD_USER, ' ', 0},                                 \
        {" [", PART_TEXT, FIELD_TIME, ']', ' '},                               \
        {"] \"", PART_QUOTED, FIELD_REQUEST, 0, 0},                            \
        {"\" ", PART_WORD, FIELD_STATUS, ' ', 0},                              \
    {                                                                          \
        " ", PART_WORD, FIELD_BYTES, ' ', 0                                    \
    }
#define COMBINED_TAIL                                                          \
    {"", PART_OPTIONAL, FIELD_COUNT, 0, 0},                                    \
        {" \"", PART_QUOTED, FIELD_REFERER, 0, 0},                             \
        {"\" \"", PART_QUOTED, FIELD_UA, 0, 0},                                \
    {                                                                          \
        "\"", PART_REST, FIELD_COUNT, 0, 0                                     \
    }
#define TAIL_OPTIONAL .optional = {FIELD_REFERER, FIELD_UA}, .n_optional = 2
#define VHOST                                                                  \
    {                                                                          \
        "", PART_VHOST_PORT, FIELD_VHOST, ' ', 0                               \
    }

static const format_t formats[FORMAT_COUNT] = {
    [FORMAT_COMBINED] = {.parts = {CLF_HEAD(""), COMBINED_TAIL},
        .n_parts = 11,
        TAIL_OPTIONAL},
    [FORMAT_COMMON] = {.parts = {CLF_HEAD("")},
        .n_parts = 7,
        .within = 1u << FORMAT_COMBINED},
    [FORMAT_VHOST_COMBINED] = {.parts = {VHOST, CLF_HEAD(" "), COMBINED_TAIL},
        .n_parts = 12,
        TAIL_OPTIONAL,
        .within = 1u << FORMAT_COMBINED},
    [FORMAT_VHOST_COMMON] = {.parts = {VHOST, CLF_HEAD(" ")},
        .n_parts = 8,
        .within = 1u << FORMAT_COMBINED | 1u << FORMAT_COMMON |
                  1u << FORMAT_VHOST_COMBINED},
};

size_t
format_count(void)
{
    return FORMAT_COUNT;
}

const format_t *
format_at(size_t i)
{
    assert(i < FORMAT_COUNT);
    return &formats[i];
}

const char *
format_name(const format_t *self)
{
    return format_names[self - formats];
}

size_t
format_index(const format_t *self)
{
    return (size_t)(self - formats);
}

unsigned
format_within(const format_t *self)
{
    return self->within;
}

errcode_t
format_find(const char *name, const format_t **out)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        if (strcmp(format_names[i], name) == 0) {
            *out = &formats[i];
            return ERR_OK;
        }
    }
    *out = NULL;
    return ERR_NOT_FOUND;
}

void
format_list(buf_t *out)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        buf_put_str(out, i > 0 ? ", " : "");
        buf_put_str(out, format_names[i]);
    }
}

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

bool
format_split_port(span_t word, span_t *vhost, span_t *port, reject_t *why)
{
    const uint8_t *colon = memrchr(word.p, ':', word.len);

    if (colon == NULL) {
        *why = REJECT_STRUCTURE;
        return false;
    }
    *vhost = (span_t){word.p, (size_t)(colon - word.p)};
    *port = (span_t){colon + 1, word.len - vhost->len - 1};
    *why = REJECT_EMPTY;
    return vhost->len > 0 && port->len > 0;
}

static bool
match_vhost_port(cursor_t *c, char stop)
{
    span_t word;

    return match_word(c, stop, &word) &&
           format_split_port(word, &c->out->fields[FIELD_VHOST],
               &c->out->fields[FIELD_PORT], &c->why);
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
    case PART_VHOST_PORT:
        return match_vhost_port(c, part->stop);
    case PART_UNTIL:
        return match_until(c, part, field);
    case PART_TEXT:
        return match_text(c, part->stop, field);
    case PART_QUOTED:
        return match_quoted(c, field);
    case PART_OPTIONAL:
    case PART_REST:
        break;
    }
    assert(false);
    return false;
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
match_parts(cursor_t *c, const format_t *self)
{
    for (size_t i = 0; i < self->n_parts; i++) {
        const part_t *part = &self->parts[i];
        if (part->kind == PART_OPTIONAL && c->p == c->end) {
            return true;
        }
        if (part->kind == PART_OPTIONAL) {
            continue;
        }
        if (!match_lead(c, part->lead)) {
            return false;
        }
        if (part->kind == PART_REST) {
            return c->p == c->end || *c->p == ' ' || reject(c, REJECT_TRAILING);
        }
        if (!match_part(c, part)) {
            return false;
        }
    }
    return c->p == c->end || reject(c, REJECT_TRAILING);
}

bool
format_match_next(
    const format_t *self, span_t line, line_fields_t *out, reject_t *why)
{
    cursor_t c = {
        .line = line.p, .p = line.p, .end = line.p + line.len, .out = out};

    out->line = line;
    for (size_t i = 0; i < self->n_optional; i++) {
        out->fields[self->optional[i]] = (span_t){0};
    }
    if (match_parts(&c, self)) {
        return true;
    }
    *why = c.why;
    return false;
}

bool
format_match(
    const format_t *self, span_t line, line_fields_t *out, reject_t *why)
{
    memset(out, 0, sizeof *out);
    return format_match_next(self, line, out, why);
}
