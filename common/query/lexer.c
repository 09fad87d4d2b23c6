// SPDX-License-Identifier: Apache-2.0
#include "common/query/parse.h"

#include <arpa/inet.h>
#include <string.h>

static const struct unit {
    const char *name;
    type_t type;
    uint64_t times;
    uint64_t over;
} units[] = {{"ns", TYPE_DURATION, 1, 1000000000},
    {"us", TYPE_DURATION, 1, 1000000}, {"ms", TYPE_DURATION, 1, 1000},
    {"s", TYPE_DURATION, 1, 1}, {"m", TYPE_DURATION, 60, 1},
    {"h", TYPE_DURATION, 3600, 1}, {"d", TYPE_DURATION, 86400, 1},
    {"B", TYPE_SIZE, 1, 1}, {"KB", TYPE_SIZE, 1000, 1},
    {"kB", TYPE_SIZE, 1000, 1}, {"MB", TYPE_SIZE, 1000000, 1},
    {"GB", TYPE_SIZE, 1000000000, 1}, {"TB", TYPE_SIZE, 1000000000000, 1},
    {"KiB", TYPE_SIZE, 1ull << 10, 1}, {"MiB", TYPE_SIZE, 1ull << 20, 1},
    {"GiB", TYPE_SIZE, 1ull << 30, 1}, {"TiB", TYPE_SIZE, 1ull << 40, 1}};

// Longest first.
static const char *const operators[] = {"!=", "<=", ">=", "!~", "..", "=", "<",
    ">", "~", "+", "-", "*", "/", "%", "(", ")", ",", "|", ":"};

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
           c == '_';
}

static int
hex(char c)
{
    return is_digit(c)            ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static size_t
run_of_digits(const char *s)
{
    size_t n = 0;
    while (is_digit(s[n])) {
        n++;
    }
    return n;
}

// An address with its optional /n; false leaves t alone.
static bool
lex_addr(const char *s, tok_t *t)
{
    char copy[64];
    uint8_t addr[16];
    size_t n = 0, colons = 0;

    while (
        n < sizeof copy - 1 && (hex(s[n]) >= 0 || s[n] == ':' || s[n] == '.')) {
        colons += s[n] == ':';
        copy[n] = s[n];
        n++;
    }
    copy[n] = '\0';
    if (is_word(s[n]) ||
        inet_pton(colons > 0 ? AF_INET6 : AF_INET, copy, addr) != 1) {
        return false;
    }
    t->kind = TOK_ADDR;
    t->prefix = -1;
    t->text = (span_t){(const uint8_t *)s, n};
    size_t d = s[n] == '/' ? run_of_digits(s + n + 1) : 0;
    if (d > 0) {
        t->prefix = d > 3 ? 999 : 0;
        for (size_t i = 0; i < d && d <= 3; i++) {
            t->prefix = t->prefix * 10 + (s[n + 1 + i] - '0');
        }
        n += 1 + d;
    }
    t->end = t->begin + n;
    return true;
}

// false: the number is too large, or finer than nine decimals hold.
static bool
apply_unit(tok_t *t, span_t unit)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const struct unit *u = &units[i];
        if (span_is(unit, u->name)) {
            t->type = u->type;
            t->unit = true;
            return dec_mul(t->number, DEC_INT(u->times), &t->number) ==
                       ERR_OK &&
                   t->number % u->over == 0 &&
                   dec_div(t->number, DEC_INT(u->over), &t->number) == ERR_OK;
        }
    }
    return true;
}

static bool
lex_number(parser_t *p, const char *s, tok_t *t)
{
    size_t n = run_of_digits(s), places = 0, unit = 0;

    if (n == 1 && s[0] >= '1' && s[0] <= '5' && s[1] == 'x' && s[2] == 'x' &&
        !is_word(s[3])) {
        t->kind = TOK_CLASS;
        t->number = s[0] - '0';
        t->end = t->begin + 3;
        return true;
    }
    if (s[n] == '.' && is_digit(s[n + 1])) {
        places = run_of_digits(s + n + 1);
        n += 1 + places;
    }
    while (is_word(s[n + unit])) {
        unit++;
    }
    t->kind = TOK_NUMBER;
    t->end = t->begin + n + unit;
    if (places > 9) {
        return fail_at(p, t->begin, t->end,
            "a number has at most nine digits behind the point");
    }
    bool fits =
        dec_parse((span_t){(const uint8_t *)s, n}, &t->number) == ERR_OK &&
        apply_unit(t, (span_t){(const uint8_t *)s + n, unit});
    if (!fits) {
        return fail_at(
            p, t->begin, t->end, "this number is too large or too fine");
    }
    if (unit > 0 && !t->unit) {
        return fail_at(p, t->begin + n, t->end, "unknown unit");
    }
    if (unit == 0) {
        t->type = t->number % DEC_ONE == 0 ? TYPE_INTEGER : TYPE_DECIMAL;
    }
    return true;
}

static size_t
unescape(const char *s, uint8_t *out)
{
    static const char from[] = "\\\"'nrt", to[] = "\\\"'\n\r\t";
    const char *at = s[1] == '\0' ? NULL : strchr(from, s[1]);

    if (at != NULL) {
        *out = (uint8_t)to[at - from];
        return 2;
    }
    if (s[1] == 'x' && hex(s[2]) >= 0 && hex(s[3]) >= 0) {
        *out = (uint8_t)(hex(s[2]) * 16 + hex(s[3]));
        return 4;
    }
    *out = '\\';
    return 1;
}

// Where the closing quote stands, or the text ends.
static size_t
string_end(const char *s)
{
    size_t i = 1;
    uint8_t byte;

    while (s[i] != '\0' && s[i] != s[0]) {
        i += s[i] == '\\' ? unescape(s + i, &byte) : 1;
    }
    return i;
}

static bool
lex_string(parser_t *p, const char *s, tok_t *t)
{
    uint8_t *out = query_alloc(p->mem, string_end(s), 1);
    size_t i = 1, n = 0;

    while (s[i] != '\0' && s[i] != s[0]) {
        if (s[i] == '\\') {
            i += unescape(s + i, &out[n++]);
        } else {
            out[n++] = (uint8_t)s[i++];
        }
    }
    t->kind = TOK_STRING;
    t->text = (span_t){out, n};
    t->end = t->begin + i + 1;
    if (s[i] == '\0') {
        return fail_at(p, t->begin, t->begin + i, "this string has no end");
    }
    return true;
}

// Names such as cs-uri-stem and cs(User-Agent) are whole words only where a
// field is called so.
static size_t
alias_len(const char *s)
{
    size_t best = 0;

    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        const char *const *a = field_infos[f].aliases;
        for (; a != NULL && *a != NULL; a++) {
            if (**a != *s) { // of many, few begin so
                continue;
            }
            size_t n = strlen(*a);
            if (n > best && strncmp(s, *a, n) == 0 && !is_word(s[n]) &&
                s[n] != '-') {
                best = n;
            }
        }
    }
    return best;
}

static bool
lex_name(const char *s, tok_t *t)
{
    size_t n = alias_len(s);

    if (n == 0) {
        n = s[0] == '$' ? 1 : 0;
        while (is_word(s[n]) || (n > 0 && s[n] == '.' && is_word(s[n + 1]))) {
            n++;
        }
    }
    t->kind = TOK_NAME;
    t->text = (span_t){(const uint8_t *)s, n};
    t->end = t->begin + n;
    return n > 0;
}

// `as the format has it`
static bool
lex_own(parser_t *p, const char *s, tok_t *t)
{
    const char *end = strchr(s + 1, '`');

    if (end == NULL) {
        return fail_at(
            p, t->begin, t->begin + strlen(s), "this name has no end");
    }
    t->kind = TOK_OWN;
    t->text = (span_t){(const uint8_t *)s + 1, (size_t)(end - s) - 1};
    t->end = t->begin + t->text.len + 2;
    return true;
}

static bool
lex_one(parser_t *p, const char *s, tok_t *t)
{
    if (s[0] == '"' || s[0] == '\'') {
        return lex_string(p, s, t);
    }
    if (s[0] == '`') {
        return lex_own(p, s, t);
    }
    if ((hex(s[0]) >= 0 || (s[0] == ':' && s[1] == ':')) && lex_addr(s, t)) {
        return true;
    }
    if (is_digit(s[0])) {
        return lex_number(p, s, t);
    }
    if (lex_name(s, t)) {
        return true;
    }
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        size_t n = strlen(operators[i]);
        if (*s == *operators[i] && strncmp(s, operators[i], n) == 0) {
            t->kind = TOK_OP;
            t->text = span_str(operators[i]);
            t->end = t->begin + n;
            return true;
        }
    }
    t->end = t->begin + 1;
    while (((uint8_t)p->text[t->end] & 0xc0) == 0x80) {
        t->end++; // the whole character
    }
    return fail_tok(p, t, "unexpected character");
}

bool
lex(parser_t *p, const char *text, tok_t **out, size_t *n)
{
    size_t len = strlen(text), i = 0;
    tok_t *toks = query_alloc(p->mem, len + 1, sizeof *toks);

    *n = 0;
    for (;;) {
        while (text[i] != '\0' && strchr(" \t\r\n", text[i]) != NULL) {
            i++;
        }
        tok_t *t = &toks[(*n)++];
        t->begin = t->end = i;
        if (text[i] == '\0') {
            break;
        }
        t->kind = TOK_OP;
        if (!lex_one(p, text + i, t)) {
            return false;
        }
        i = t->end;
    }
    *out = toks;
    return true;
}
