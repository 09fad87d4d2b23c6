// SPDX-License-Identifier: Apache-2.0
#include "common/query/parse.h"

#include "common/base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// One character of p for a terminal; returns the bytes used.
size_t
text_shown(const uint8_t *p, size_t len, buf_t *out, size_t *width)
{
    uint32_t code;
    size_t n = utf8_next(p, len, &code);

    if (n > 0 && !utf8_is_harmful(code)) {
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
suggest_usage(parser_t *p, const char *usage)
{
    snprintf(p->error->suggestion, sizeof p->error->suggestion,
        "it is written %s", usage);
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
