// SPDX-License-Identifier: Apache-2.0
// Whether bytes are a JSON object, byte by byte and by the letter of RFC 8259
// but for what worker/format/json.h says; to compare with the fast reader.
#ifndef LOGTALLY_TESTS_JSON_NAIVE_H
#define LOGTALLY_TESTS_JSON_NAIVE_H

#include "common/base/bytes.h"
#include "common/base/limits.h"

#include <ctype.h>
#include <string.h>

typedef struct naive {
    const uint8_t *p;
    const uint8_t *end;
    unsigned depth;
} naive_t;

static bool naive_value(naive_t *n);

// The next byte, or -1.
static int
naive_peek(const naive_t *n)
{
    return n->p < n->end ? *n->p : -1;
}

static bool
naive_take(naive_t *n, char c)
{
    bool there = naive_peek(n) == c;

    n->p += there;
    return there;
}

static void
naive_space(naive_t *n)
{
    while (naive_take(n, ' ') || naive_take(n, '\t') || naive_take(n, '\n') ||
           naive_take(n, '\r')) {
    }
}

static bool
naive_digits(naive_t *n)
{
    bool any = false;

    while (naive_peek(n) >= '0' && naive_peek(n) <= '9') {
        n->p++;
        any = true;
    }
    return any;
}

static bool
naive_number(naive_t *n)
{
    naive_take(n, '-');
    if (!naive_take(n, '0') && !naive_digits(n)) {
        return false;
    }
    if (naive_take(n, '.') && !naive_digits(n)) {
        return false;
    }
    if (naive_take(n, 'e') || naive_take(n, 'E')) {
        if (!naive_take(n, '+')) {
            naive_take(n, '-');
        }
        return naive_digits(n);
    }
    return true;
}

static bool
naive_string(naive_t *n)
{
    if (!naive_take(n, '"')) {
        return false;
    }
    while (!naive_take(n, '"')) {
        if (naive_peek(n) < 0x20) {
            return false; // the end, too
        }
        if (!naive_take(n, '\\')) {
            n->p++;
            continue;
        }
        int c = naive_peek(n);
        if (c <= 0 || strchr("\"\\/bfnrtu", c) == NULL) {
            return false;
        }
        n->p++;
        for (int i = 0; c == 'u' && i < 4; i++, n->p++) {
            if (naive_peek(n) < 0 || !isxdigit(naive_peek(n))) {
                return false;
            }
        }
    }
    return true;
}

static bool
naive_word(naive_t *n, const char *word)
{
    while (*word != '\0' && naive_take(n, *word)) {
        word++;
    }
    return *word == '\0';
}

static bool
naive_items(naive_t *n, bool object)
{
    char close = object ? '}' : ']';

    n->p++;
    naive_space(n);
    if (naive_take(n, close)) {
        return true;
    }
    do {
        naive_space(n);
        if (object) {
            if (!naive_string(n)) {
                return false;
            }
            naive_space(n);
            if (!naive_take(n, ':')) {
                return false;
            }
            naive_space(n);
        }
        if (!naive_value(n)) {
            return false;
        }
        naive_space(n);
    } while (naive_take(n, ','));
    return naive_take(n, close);
}

static bool
naive_value(naive_t *n)
{
    int c = naive_peek(n);

    if (c == '{' || c == '[') {
        bool ok = n->depth++ < LIMIT_JSON_DEPTH && naive_items(n, c == '{');
        n->depth--;
        return ok;
    }
    return c == '"'   ? naive_string(n)
           : c == 't' ? naive_word(n, "true")
           : c == 'f' ? naive_word(n, "false")
           : c == 'n' ? naive_word(n, "null")
                      : naive_number(n);
}

static bool
naive_object(span_t text)
{
    naive_t n = {text.p, text.p + text.len, 0};

    naive_space(&n);
    bool ok = naive_peek(&n) == '{' && naive_value(&n);
    naive_space(&n);
    return ok && n.p == n.end;
}

#endif
