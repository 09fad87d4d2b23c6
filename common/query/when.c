// SPDX-License-Identifier: Apache-2.0
#include "common/query/when.h"

#include "common/query/time_text.h"

#include <string.h>

#define YEAR_1     DEC_INT(-62135596800)
#define YEAR_10000 DEC_INT(253402300800)
#define DAY        INT64_C(86400)
#define MAX_DIGITS 9
#define MAX_TEXT   64u

static const struct {
    const char *name;
    int64_t seconds;
} units[] = {{"s", 1}, {"sec", 1}, {"second", 1}, {"seconds", 1}, {"m", 60},
    {"min", 60}, {"minute", 60}, {"minutes", 60}, {"h", 3600}, {"hour", 3600},
    {"hours", 3600}, {"d", DAY}, {"day", DAY}, {"days", DAY}, {"w", 7 * DAY},
    {"week", 7 * DAY}, {"weeks", 7 * DAY}};

static span_t
skip_spaces(span_t s)
{
    while (s.len > 0 && s.p[0] == ' ') {
        s = (span_t){s.p + 1, s.len - 1};
    }
    return s;
}

static bool
is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// The letters that come next; s goes behind them and the spaces that follow.
static span_t
take_word(span_t *s)
{
    span_t word = {s->p, 0};

    while (word.len < s->len && is_letter(s->p[word.len])) {
        word.len++;
    }
    *s = skip_spaces((span_t){s->p + word.len, s->len - word.len});
    return word;
}

static bool
take_number(span_t *s, int64_t *out)
{
    size_t n = 0;

    *out = 0;
    while (n < s->len && n < MAX_DIGITS && s->p[n] >= '0' && s->p[n] <= '9') {
        *out = *out * 10 + (s->p[n++] - '0');
    }
    *s = skip_spaces((span_t){s->p + n, s->len - n});
    return n > 0;
}

// "2h ago", "30 minutes ago"
static bool
parse_ago(span_t s, dec_t now, dec_t *out)
{
    int64_t n;

    if (!take_number(&s, &n)) {
        return false;
    }
    span_t unit = take_word(&s), ago = take_word(&s);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (span_is(unit, units[i].name)) {
            *out = now - DEC_INT(n * units[i].seconds);
            return span_is(ago, "ago") && s.len == 0;
        }
    }
    return false;
}

// A day by its word, with a time of day behind it or none.
static bool
parse_day(span_t s, dec_t now, int64_t offset_s, dec_t *out)
{
    span_t word = take_word(&s);
    int64_t days_ago = span_is(word, "yesterday");
    dec_t clock = now + DEC_INT(offset_s - days_ago * DAY);
    buf_t text = {0};

    if (days_ago == 0 && !span_is(word, "today")) {
        return false;
    }
    time_print(clock, &text);
    text.len = text.len < 10 ? text.len : 10;
    if (s.len > 0) {
        buf_put_u8(&text, 'T');
        buf_put_span(&text, s);
    }
    // A zone behind the time of day would say another day than was meant.
    bool plain = memchr(text.p, 'Z', text.len) == NULL &&
                 memchr(text.p, '+', text.len) == NULL &&
                 (s.len == 0 || memchr(s.p, '-', s.len) == NULL);
    bool ok = plain && time_parse(buf_span(&text), out);
    buf_fini(&text);
    return ok;
}

static bool
has_zone(span_t s)
{
    for (size_t i = 10; i < s.len; i++) {
        if (s.p[i] == 'Z' || s.p[i] == '+' || s.p[i] == '-') {
            return true;
        }
    }
    return false;
}

bool
when_parse(span_t text, dec_t now, int64_t offset_s, when_t *out)
{
    span_t s = skip_spaces(text);
    bool ok = true;

    while (s.len > 0 && s.p[s.len - 1] == ' ') {
        s.len--;
    }
    *out = (when_t){.time = now};
    if (s.len > MAX_TEXT) {
        return false;
    }
    if (!span_is(s, "now") && !parse_ago(s, now, &out->time)) {
        bool day = parse_day(s, now, offset_s, &out->time);
        ok = day || time_parse(s, &out->time);
        out->local = day || !has_zone(s);
    }
    return ok && out->time >= YEAR_1 && out->time < YEAR_10000;
}

static void
put_bound(const char *op, const dec_t *time, buf_t *out)
{
    if (time != NULL) {
        buf_printf(out, "time %s \"", op);
        time_print(*time, out);
        buf_put_u8(out, '"');
    }
}

// Canonical text begins with its lets; a filter behind none has no `where`.
void
when_narrow(
    const query_t *q, const dec_t *since, const dec_t *until, buf_t *out)
{
    bool bare = q->filter != NULL && strncmp(q->canonical, "let ", 4) != 0;

    if (since != NULL || until != NULL) {
        buf_put_str(out, "where ");
        put_bound(">=", since, out);
        buf_put_str(out, since != NULL && until != NULL ? " and " : "");
        put_bound("<", until, out);
        buf_put_str(out, bare ? " | where " : " | ");
    }
    buf_put_str(out, q->canonical);
}
