// SPDX-License-Identifier: Apache-2.0
#include "common/base/zpl.h"

#include <string.h>

#define INDENT 4

void
zpl_init(zpl_t *self, span_t text)
{
    *self = (zpl_t){.in = rd_init(text)};
}

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static span_t
trim(span_t s)
{
    while (s.len > 0 && is_blank(s.p[0])) {
        s = (span_t){s.p + 1, s.len - 1};
    }
    while (s.len > 0 && is_blank(s.p[s.len - 1])) {
        s.len--;
    }
    return s;
}

static span_t
next_line(zpl_t *self)
{
    size_t left = rd_left(&self->in);
    const uint8_t *nl = memchr(self->in.p, '\n', left);
    size_t len = nl != NULL ? (size_t)(nl - self->in.p) : left;
    span_t line = {self->in.p, len};

    self->in.p += len + (nl != NULL ? 1 : 0);
    self->line++;
    if (line.len > 0 && line.p[line.len - 1] == '\r') {
        line.len--;
    }
    return line;
}

static bool
is_name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || strchr("$-_@.&+/", c) != NULL;
}

// A quoted value ends at its quote, with nothing but blanks or a comment
// behind it; a bare one at a '#' that follows a blank.
static errcode_t
parse_value(span_t s, span_t *out)
{
    if (s.len > 0 && (s.p[0] == '"' || s.p[0] == '\'')) {
        const uint8_t *quote = memchr(s.p + 1, s.p[0], s.len - 1);
        if (quote == NULL) {
            return ERR_MALFORMED;
        }
        size_t used = (size_t)(quote - s.p) + 1;
        span_t rest = trim((span_t){s.p + used, s.len - used});
        *out = (span_t){s.p + 1, used - 2};
        return rest.len == 0 || rest.p[0] == '#' ? ERR_OK : ERR_MALFORMED;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '#' && (i == 0 || is_blank(s.p[i - 1]))) {
            s.len = i;
        }
    }
    *out = trim(s);
    return ERR_OK;
}

static errcode_t
parse_item(zpl_t *self, span_t line, size_t indent)
{
    size_t n = 0;
    span_t rest = {line.p + indent, line.len - indent};

    while (n < rest.len && rest.p[n] != '\0' && is_name_byte(rest.p[n])) {
        n++;
    }
    if (n == 0 || indent % INDENT != 0) {
        return ERR_MALFORMED;
    }
    self->depth = (unsigned)(indent / INDENT);
    self->name = (span_t){rest.p, n};
    self->value = (span_t){0};
    rest = trim((span_t){rest.p + n, rest.len - n});
    if (rest.len == 0 || rest.p[0] == '#') {
        return ERR_OK;
    }
    if (rest.p[0] != '=') {
        return ERR_MALFORMED;
    }
    return parse_value(trim((span_t){rest.p + 1, rest.len - 1}), &self->value);
}

errcode_t
zpl_next(zpl_t *self)
{
    while (rd_left(&self->in) > 0) {
        span_t line = next_line(self);
        size_t indent = 0;
        while (indent < line.len && line.p[indent] == ' ') {
            indent++;
        }
        span_t text = trim(line);
        if (text.len > 0 && text.p[0] != '#') {
            return parse_item(self, line, indent);
        }
    }
    return ERR_NOT_FOUND;
}
