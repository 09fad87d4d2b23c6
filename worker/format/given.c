// SPDX-License-Identifier: Apache-2.0
// Out of its wrapping: log_format NAME [escape=...] 'text' 'text'; or
// LogFormat "text" NAME, or the quoted texts alone, or the text alone. A
// place in what is left is told as the place in what was given.
#include "worker/format/given.h"

#include "worker/format/given_apache.h"

#include <string.h>

typedef struct unwrap {
    const char *text;
    size_t at;
    char *out; // as long as text, and a NUL
    size_t len;
    uint16_t places[LIMIT_FORMAT_NAME + 1];
    query_error_t *error;
} unwrap_t;

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip_spaces(unwrap_t *u)
{
    while (is_space(u->text[u->at])) {
        u->at++;
    }
}

static void
skip_word(unwrap_t *u)
{
    while (u->text[u->at] != '\0' && !is_space(u->text[u->at])) {
        u->at++;
    }
    skip_spaces(u);
}

static bool
is_word(const unwrap_t *u, const char *word)
{
    size_t len = strlen(word);

    return strncasecmp(u->text + u->at, word, len) == 0 &&
           is_space(u->text[u->at + len]);
}

static void
keep(unwrap_t *u, char c, size_t place)
{
    u->places[u->len] = (uint16_t)place;
    u->out[u->len++] = c;
}

// What a backslash and c stand for.
static char
unescaped(char c)
{
    return c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
}

// Backslashes count in quotes, and before a quote everywhere.
static void
keep_next(unwrap_t *u, bool quoted)
{
    const char *p = u->text + u->at;
    bool escape = p[0] == '\\' && p[1] != '\0' &&
                  (quoted ? strchr("\"'\\tnr", p[1]) != NULL : p[1] == '"');

    keep(u, escape ? unescaped(p[1]) : p[0], u->at);
    u->at += escape ? 2 : 1;
}

static bool
keep_quoted(unwrap_t *u)
{
    size_t begin = u->at;
    char quote = u->text[u->at++];

    while (u->text[u->at] != '\0' && u->text[u->at] != quote) {
        keep_next(u, true);
    }
    if (u->text[u->at] == '\0') {
        *u->error = (query_error_t){.begin = begin, .end = begin + 1};
        strcpy(u->error->message, "this quote does not close");
        return false;
    }
    u->at++;
    skip_spaces(u);
    return true;
}

static bool
at_quote(const unwrap_t *u)
{
    return u->text[u->at] == '\'' || u->text[u->at] == '"';
}

// Whether the rest is one quoted text, or several: "%r" %s begins with a
// quote that is part of it.
static bool
is_wrapped(const unwrap_t *u)
{
    const char *p = u->text + u->at;

    while (*p == '\'' || *p == '"') {
        char quote = *p++;
        while (*p != '\0' && *p != quote) {
            p += p[0] == '\\' && p[1] != '\0' ? 2 : 1;
        }
        if (*p++ == '\0') {
            return false;
        }
        while (is_space(*p) || *p == ';') {
            p++;
        }
        if (*p == '\0') {
            return true;
        }
    }
    return false;
}

static bool
keep_texts(unwrap_t *u)
{
    while (at_quote(u)) {
        if (!keep_quoted(u)) {
            return false;
        }
    }
    return true;
}

static void
keep_rest(unwrap_t *u)
{
    while (u->text[u->at] != '\0') {
        keep_next(u, false);
    }
}

static bool
unwrap(unwrap_t *u)
{
    bool directive = true;

    skip_spaces(u);
    if (is_word(u, "log_format")) {
        skip_word(u);
        skip_word(u);
        if (strncmp(u->text + u->at, "escape=", 7) == 0) {
            skip_word(u);
        }
    } else if (is_word(u, "LogFormat")) {
        skip_word(u);
    } else {
        directive = false;
    }
    if ((directive && at_quote(u)) || is_wrapped(u)) {
        return keep_texts(u); // a name or a semicolon may follow
    }
    keep_rest(u);
    return true;
}

given_t
given_kind(const char *text)
{
    while (is_space(*text)) {
        text++;
    }
    if (strncmp(text, "re:", 3) == 0) {
        return GIVEN_REGEX;
    }
    if (strncasecmp(text, "log_format", 10) == 0) {
        return GIVEN_NGINX;
    }
    if (strncasecmp(text, "LogFormat", 9) == 0) {
        return GIVEN_APACHE;
    }
    for (const char *p = text; *p != '\0'; p++) {
        bool letter = (p[1] >= 'a' && p[1] <= 'z') || p[1] == '{';
        if (*p == '$' && letter) {
            return GIVEN_NGINX;
        }
    }
    return strchr(text, '%') != NULL   ? GIVEN_APACHE
           : strchr(text, '$') != NULL ? GIVEN_NGINX
                                       : GIVEN_NAME;
}

// From places in what was kept to places in what was given.
static void
move_error(const unwrap_t *u, query_error_t *error)
{
    size_t begin = error->begin;
    size_t end = error->end > begin ? error->end : begin + 1;

    error->begin = begin < u->len ? u->places[begin] : u->at;
    error->end = end - 1 < u->len ? u->places[end - 1] + 1u : u->at;
    error->end = error->end > error->begin ? error->end : error->begin + 1;
}

errcode_t
given_make(const char *text, given_t kind, char *kept, pattern_t *out,
    query_error_t *error)
{
    unwrap_t u = {.text = text, .out = kept, .error = error};

    if (!unwrap(&u)) {
        return ERR_FORMAT;
    }
    kept[u.len] = '\0';
    builder_t b = builder_init(out, error);
    span_t all = {(const uint8_t *)kept, u.len};
    if (kind == GIVEN_APACHE ? !apache_read(&b, all) : !pattern_read(&b, all)) {
        move_error(&u, error);
        return ERR_FORMAT;
    }
    return ERR_OK;
}
