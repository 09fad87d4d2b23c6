// SPDX-License-Identifier: Apache-2.0
// A format is a list of parts, each a field and how it ends. One matcher
// walks the list; it hops from delimiter to delimiter with memchr. Bitmaps of
// structural bytes will be faster; they will read the same descriptions.
#include "worker/format/format.h"

#include "common/tally/format_names.h"
#include "worker/format/find.h"

#include <assert.h>
#include <string.h>

typedef enum {
    PART_WORD,       // up to the next space, at least one byte
    PART_VHOST_PORT, // a word cut at its last ':', both sides not empty
    PART_USER,       // up to " [", may hold spaces, at least one byte
    PART_TIME,       // "[" up to the first "]"
    PART_QUOTED,     // '"' ... '"' with backslash escapes
    PART_OPTIONAL,   // the line may end here
    PART_REST,       // the line may end here, or go on after a space
} part_kind_t;

typedef struct part {
    part_kind_t kind;
    field_t field;
} part_t;

#define PARTS_MAX 12

struct format {
    part_t parts[PARTS_MAX];
    size_t n_parts;
    // Fields that an accepted line may lack; it sets all others.
    field_t optional[2];
    size_t n_optional;
    unsigned within; // bit per format whose lines include all of this one's
};

#define CLF_HEAD                                                               \
    {PART_WORD, FIELD_IP}, {PART_WORD, FIELD_IDENT}, {PART_USER, FIELD_USER},  \
        {PART_TIME, FIELD_TIME}, {PART_QUOTED, FIELD_REQUEST},                 \
        {PART_WORD, FIELD_STATUS},                                             \
    {                                                                          \
        PART_WORD, FIELD_BYTES                                                 \
    }
#define TAIL_OPTIONAL .optional = {FIELD_REFERER, FIELD_UA}, .n_optional = 2
#define COMBINED_TAIL                                                          \
    {PART_OPTIONAL, FIELD_COUNT}, {PART_QUOTED, FIELD_REFERER},                \
        {PART_QUOTED, FIELD_UA},                                               \
    {                                                                          \
        PART_REST, FIELD_COUNT                                                 \
    }

static const format_t formats[FORMAT_COUNT] = {
    [FORMAT_COMBINED] = {.parts = {CLF_HEAD, COMBINED_TAIL},
        .n_parts = 11,
        TAIL_OPTIONAL},
    [FORMAT_COMMON] = {.parts = {CLF_HEAD},
        .n_parts = 7,
        .within = 1u << FORMAT_COMBINED},
    [FORMAT_VHOST_COMBINED] = {.parts = {{PART_VHOST_PORT, FIELD_VHOST},
                                   CLF_HEAD, COMBINED_TAIL},
        .n_parts = 12,
        TAIL_OPTIONAL,
        .within = 1u << FORMAT_COMBINED},
    [FORMAT_VHOST_COMMON] = {.parts = {{PART_VHOST_PORT, FIELD_VHOST},
                                 CLF_HEAD},
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

static bool
match_word(cursor_t *c, span_t *out)
{
    const uint8_t *stop = find_one(c->line, c->p, c->end, ' ');

    if (stop == c->p) {
        return reject(c, stop < c->end ? REJECT_EMPTY : REJECT_STRUCTURE);
    }
    *out = (span_t){c->p, (size_t)(stop - c->p)};
    c->p = stop;
    return true;
}

static bool
match_vhost_port(cursor_t *c)
{
    span_t word;

    if (!match_word(c, &word)) {
        return false;
    }
    const uint8_t *colon = memrchr(word.p, ':', word.len);
    if (colon == NULL) {
        return reject(c, REJECT_STRUCTURE);
    }
    size_t host = (size_t)(colon - word.p);
    size_t port = word.len - host - 1;
    if (host == 0 || port == 0) {
        return reject(c, REJECT_EMPTY);
    }
    c->out->fields[FIELD_VHOST] = (span_t){word.p, host};
    c->out->fields[FIELD_PORT] = (span_t){colon + 1, port};
    return true;
}

static bool
match_user(cursor_t *c)
{
    const uint8_t *stop = find_one(c->line, c->p, c->end, ' ');

    while (stop < c->end && (stop + 1 == c->end || stop[1] != '[')) {
        stop = find_one(c->line, stop + 1, c->end, ' ');
    }
    if (stop == c->end) {
        return reject(c, REJECT_STRUCTURE);
    }
    if (stop == c->p) {
        return reject(c, REJECT_EMPTY);
    }
    c->out->fields[FIELD_USER] = (span_t){c->p, (size_t)(stop - c->p)};
    c->p = stop;
    return true;
}

static bool
match_time(cursor_t *c)
{
    if (c->p == c->end || *c->p != '[') {
        return reject(c, REJECT_STRUCTURE);
    }
    c->p++;
    const uint8_t *stop = find_one(c->line, c->p, c->end, ']');
    if (stop == c->end) {
        return reject(c, REJECT_STRUCTURE);
    }
    c->out->fields[FIELD_TIME] = (span_t){c->p, (size_t)(stop - c->p)};
    c->p = stop + 1;
    return true;
}

static bool
match_quoted(cursor_t *c, field_t field)
{
    if (c->p == c->end || *c->p != '"') {
        return reject(c, REJECT_STRUCTURE);
    }
    const uint8_t *begin = ++c->p;
    c->p = find_either(c->line, begin, c->end, '"', '\\');
    while (c->p < c->end && *c->p == '\\') {
        c->p += c->end - c->p > 1 ? 2 : 1; // what is escaped counts for nothing
        c->p = find_either(c->line, c->p, c->end, '"', '\\');
    }
    if (c->p == c->end) {
        return reject(c, REJECT_UNCLOSED);
    }
    c->out->fields[field] = (span_t){begin, (size_t)(c->p - begin)};
    c->p++;
    return true;
}

static bool
match_part(cursor_t *c, const part_t *part)
{
    switch (part->kind) {
    case PART_WORD:
        return match_word(c, &c->out->fields[part->field]);
    case PART_VHOST_PORT:
        return match_vhost_port(c);
    case PART_USER:
        return match_user(c);
    case PART_TIME:
        return match_time(c);
    case PART_QUOTED:
        return match_quoted(c, part->field);
    case PART_OPTIONAL:
    case PART_REST:
        break;
    }
    assert(false);
    return false;
}

static bool
match_parts(cursor_t *c, const format_t *self)
{
    for (size_t i = 0; i < self->n_parts; i++) {
        const part_t *part = &self->parts[i];
        if (part->kind == PART_OPTIONAL) {
            if (c->p == c->end) {
                return true;
            }
            continue;
        }
        if (part->kind == PART_REST) {
            return c->p == c->end || *c->p == ' ' || reject(c, REJECT_TRAILING);
        }
        if (i > 0 && (c->p == c->end || *c->p++ != ' ')) {
            return reject(c, REJECT_STRUCTURE);
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
