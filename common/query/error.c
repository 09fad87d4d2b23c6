// SPDX-License-Identifier: Apache-2.0
#include "common/query/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Length of the well-formed UTF-8 sequence at p, 0 for none.
static size_t
utf8_len(const uint8_t *p, size_t len)
{
    size_t n = p[0] < 0xc2   ? 0
               : p[0] < 0xe0 ? 2
               : p[0] < 0xf0 ? 3
               : p[0] < 0xf5 ? 4
                             : 0;
    if (n == 0 || n > len) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xe0 && p[1] < 0xa0) ||
        (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f)) {
        return 0; // C1 controls, long forms, surrogates, past the end
    }
    // Marks that turn or hide text: U+200B..200F, 2028..202E, 2060..206F.
    if (p[0] == 0xe2 &&
        ((p[1] == 0x80 && ((p[2] >= 0x8b && p[2] <= 0x8f) ||
                              (p[2] >= 0xa8 && p[2] <= 0xae))) ||
            (p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf))) {
        return 0;
    }
    return n;
}

// One character of p for a terminal; returns the bytes used.
size_t
text_shown(const uint8_t *p, size_t len, buf_t *out, size_t *width)
{
    size_t n = p[0] >= 0x20 && p[0] < 0x7f ? 1 : 0;

    if (p[0] >= 0x80) {
        n = utf8_len(p, len);
    }
    if (n > 0) {
        buf_put(out, p, n);
        *width = 1;
        return n;
    }
    buf_printf(out, "\\x%02x", p[0]);
    *width = 4;
    return 1;
}

bool
fail_at(parser_t *p, size_t begin, size_t end, const char *fmt, ...)
{
    va_list ap;

    if (p->failed) {
        return false;
    }
    p->failed = true;
    p->error->begin = begin;
    p->error->end = end;
    p->error->suggestion[0] = '\0';
    va_start(ap, fmt);
    vsnprintf(p->error->message, sizeof p->error->message, fmt, ap);
    va_end(ap);
    return false;
}

bool
fail_tok(parser_t *p, const tok_t *t, const char *what)
{
    const uint8_t *s = (const uint8_t *)p->text;
    buf_t shown = {0};
    size_t width, i = t->begin;

    if (t->kind == TOK_END) {
        return fail_at(p, t->begin, t->end, "%s, but the query ends", what);
    }
    while (i < t->end && shown.len < 60) {
        i += text_shown(s + i, t->end - i, &shown, &width);
    }
    buf_put_u8(&shown, 0);
    fail_at(p, t->begin, t->end, "%s '%s'%s", what, (char *)shown.p,
        i < t->end ? "..." : "");
    buf_fini(&shown);
    return false;
}

void
suggest(parser_t *p, const char *word)
{
    if (word[0] != '\0') {
        snprintf(p->error->suggestion, sizeof p->error->suggestion,
            "did you mean '%s'?", word);
    }
}

void
query_error_print(const query_error_t *error, const char *text, buf_t *out)
{
    const uint8_t *s = (const uint8_t *)text;
    size_t len = strlen(text), before = 0, under = 0, width;

    buf_printf(out, "error: %s\n  ", error->message);
    for (size_t i = 0; i < len;) {
        size_t at = i;
        i += text_shown(s + i, len - i, out, &width);
        before += i <= error->begin ? width : 0;
        under += i > error->begin && at < error->end ? width : 0;
    }
    buf_put_str(out, "\n  ");
    for (size_t i = 0; i < before; i++) {
        buf_put_u8(out, ' ');
    }
    for (size_t i = 0; i < (under == 0 ? 1 : under); i++) {
        buf_put_u8(out, '^');
    }
    if (error->suggestion[0] != '\0') {
        buf_printf(out, " %s", error->suggestion);
    }
    buf_put_u8(out, '\n');
}
