// SPDX-License-Identifier: Apache-2.0
// A regex is a row of items, of which those that are bytes come one behind
// the other in every match. Groups, classes and the like may be anything. What
// is not known here for certain (options, alternatives outside of groups,
// looking around, verbs, unusual escapes, a brace that is no repetition) means
// that nothing is known of the whole: a text too many would lose lines.
// PCRE2 itself tells no more than the first and the last byte.
#include "common/query/regex_literal.h"

#include <ctype.h>
#include <string.h>

typedef enum {
    LAST_OTHER,
    LAST_BYTE,     // the end of the run
    LAST_REPEATED, // '?' and '+' may follow: lazy, possessive
    LAST_DONE,     // after those
} last_t;

typedef struct reader {
    span_t text;
    size_t at;
    size_t depth; // of groups
    last_t last;  // item
    bool lost;    // nothing is known
    buf_t run;
    buf_t best;
} reader_t;

static char
peek(const reader_t *r)
{
    return r->at < r->text.len ? (char)r->text.p[r->at] : '\0';
}

static char
take(reader_t *r)
{
    char c = peek(r);

    r->at += r->at < r->text.len ? 1 : 0;
    return c;
}

static bool
is_among(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static void
end_run(reader_t *r)
{
    if (r->run.len > r->best.len) {
        buf_clear(&r->best);
        buf_put_span(&r->best, buf_span(&r->run));
    }
    buf_clear(&r->run);
}

static void
pass_other(reader_t *r)
{
    end_run(r);
    r->last = LAST_OTHER;
}

// A line has no line ends.
static void
pass_byte(reader_t *r, char c)
{
    if (r->depth > 0 || c == '\n' || c == '\r') {
        pass_other(r);
        return;
    }
    buf_put_u8(&r->run, (uint8_t)c);
    r->last = LAST_BYTE;
}

// Groups with and without a name, and those that keep nothing.
static void
open_group(reader_t *r)
{
    r->depth++;
    if (peek(r) == '*') {
        r->lost = true;
    } else if (peek(r) == '?') {
        char kind, first;
        take(r);
        kind = take(r);
        first = peek(r);
        r->lost |=
            kind != ':' &&
            !(kind == '<' && (isalpha((unsigned char)first) || first == '_'));
    }
    pass_other(r);
}

static void
close_group(reader_t *r)
{
    r->lost |= r->depth == 0;
    r->depth -= r->depth > 0 ? 1 : 0;
    pass_other(r);
}

// "[.]" is a byte. A bracket in brackets may be the name of a class.
static void
pass_class(reader_t *r)
{
    size_t begin = r->at;
    char c = take(r);

    c = c == '^' ? take(r) : c;
    if (c != '^' && c != '\\' && c != '[' && c != ']' && peek(r) == ']' &&
        r->at == begin + 1) {
        take(r);
        pass_byte(r, c);
        return;
    }
    do { // a bracket that comes first is one of the class
        r->lost |= c == '[' || (c == '\\' && is_among(take(r), "QEc"));
        r->lost |= r->at >= r->text.len;
        c = take(r);
    } while (c != ']' && !r->lost);
    pass_other(r);
}

static void
pass_escape(reader_t *r)
{
    char c = take(r);

    if (ispunct((unsigned char)c) || c == ' ') {
        pass_byte(r, c);
    } else {
        r->lost |= !is_among(c, "dDwWsShHvVNRXbBAZzGtnrfea");
        pass_other(r);
    }
}

// Of "{n}", "{n,}" or "{n,m}", behind its brace: whether n may be 0.
static bool
reads_from_zero(reader_t *r)
{
    bool zero = true, any = false;

    for (; isdigit((unsigned char)peek(r)); any = true) {
        zero &= take(r) == '0';
    }
    r->lost |= !any;
    if (peek(r) == ',') {
        take(r);
        while (isdigit((unsigned char)peek(r))) {
            take(r);
        }
    }
    r->lost |= take(r) != '}';
    return zero;
}

static void
repeat(reader_t *r, char c)
{
    if (r->last == LAST_REPEATED && (c == '?' || c == '+')) {
        r->last = LAST_DONE;
        return;
    }
    // "a{2}{0}" is nothing at all.
    r->lost |= r->last == LAST_REPEATED || r->last == LAST_DONE;
    bool zero = c == '{' ? reads_from_zero(r) : c != '+';
    if (r->last == LAST_BYTE && zero) {
        r->run.len--;
    }
    end_run(r);
    r->last = LAST_REPEATED;
}

static void
pass_item(reader_t *r)
{
    char c = take(r);

    switch (c) {
    case '(':
        open_group(r);
        break;
    case ')':
        close_group(r);
        break;
    case '|':
        r->lost |= r->depth == 0;
        pass_other(r);
        break;
    case '[':
        pass_class(r);
        break;
    case '\\':
        pass_escape(r);
        break;
    case '*':
    case '?':
    case '+':
    case '{':
        repeat(r, c);
        break;
    case '.':
    case '^':
    case '$':
        pass_other(r);
        break;
    default:
        pass_byte(r, c);
        break;
    }
}

void
regex_literal(span_t pattern, buf_t *out)
{
    reader_t r = {.text = pattern};

    while (r.at < pattern.len && !r.lost) {
        pass_item(&r);
    }
    end_run(&r);
    if (!r.lost && r.depth == 0) {
        buf_put_span(out, buf_span(&r.best));
    }
    buf_fini(&r.run);
    buf_fini(&r.best);
}
