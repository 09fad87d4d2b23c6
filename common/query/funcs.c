// SPDX-License-Identifier: Apache-2.0
#include "common/query/funcs.h"

#include <string.h>

const func_t func_infos[] = {{"lower", FUNC_LOWER, 1, "lower(s)"},
    {"len", FUNC_LEN, 1, "len(s)"}, {"ext", FUNC_EXT, 1, "ext(path)"},
    {"segment", FUNC_SEGMENT, 2, "segment(path, n)"},
    {"urlhost", FUNC_URLHOST, 1, "urlhost(referer)"},
    {"extract", FUNC_EXTRACT, 2, "extract(s, \"regex\")"},
    {"hour", FUNC_HOUR, 1, "hour(time)"},
    {"weekday", FUNC_WEEKDAY, 1, "weekday(time)"},
    {"if", FUNC_IF, 3, "if(filter, a, b)"}, {NULL, FUNC_IF, 0, NULL}};

static const span_t missing = {NULL, 0};

const func_t *
func_find(span_t name)
{
    for (const func_t *f = func_infos; f->name != NULL; f++) {
        if (span_is(name, f->name)) {
            return f;
        }
    }
    return NULL;
}

// The length up to the first c, or all of it.
static size_t
until(span_t s, char c)
{
    const uint8_t *at = s.len == 0 ? NULL : memchr(s.p, c, s.len);

    return at == NULL ? s.len : (size_t)(at - s.p);
}

static span_t
drop(span_t s, size_t n)
{
    return (span_t){s.p + n, s.len - n};
}

// Empty is missing.
static span_t
first(span_t s, size_t n)
{
    return n == 0 ? missing : (span_t){s.p, n};
}

span_t
func_ext(span_t path)
{
    size_t end = until(path, '?'), i = end;

    while (i > 0 && path.p[i - 1] != '.' && path.p[i - 1] != '/') {
        i--;
    }
    // A dot that begins the name makes it hidden, not an extension.
    if (i < 2 || path.p[i - 1] != '.' || path.p[i - 2] == '/') {
        return missing;
    }
    return first(drop(path, i), end - i);
}

span_t
func_segment(span_t path, uint64_t n)
{
    span_t rest = {path.p, until(path, '?')};

    if (rest.len > 0 && rest.p[0] == '/') {
        rest = drop(rest, 1);
    }
    for (; n > 1; n--) {
        size_t len = until(rest, '/');
        if (len == rest.len) {
            return missing;
        }
        rest = drop(rest, len + 1);
    }
    return first(rest, until(rest, '/'));
}

static bool
is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_scheme(span_t s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.p[i];
        bool inner = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!is_letter(c) && (i == 0 || !inner)) {
            return false;
        }
    }
    return s.len > 0;
}

// What stands between "//" and the path; p == NULL without one.
static span_t
authority(span_t url)
{
    size_t colon = until(url, ':');
    bool scheme = colon < url.len && is_scheme((span_t){url.p, colon});
    span_t rest = scheme ? drop(url, colon + 1) : url;
    size_t n = 0;

    if (rest.len < 2 || rest.p[0] != '/' || rest.p[1] != '/') {
        return missing;
    }
    rest = drop(rest, 2);
    while (n < rest.len && rest.p[n] != '/' && rest.p[n] != '?' &&
           rest.p[n] != '#') {
        n++;
    }
    return (span_t){rest.p, n};
}

span_t
func_urlhost(span_t url)
{
    span_t host = authority(url);

    for (size_t i = host.len; i > 0; i--) {
        if (host.p[i - 1] == '@') {
            host = drop(host, i);
            break;
        }
    }
    if (host.len > 0 && host.p[0] == '[') {
        host = drop(host, 1);
        size_t n = until(host, ']');
        return n == host.len ? missing : first(host, n);
    }
    return first(host, until(host, ':'));
}

static i128_t
floor_div(dec_t v, dec_t by)
{
    return v / by - (v % by < 0);
}

int64_t
func_hour(dec_t time)
{
    int64_t h = (int64_t)(floor_div(time, DEC_INT(3600)) % 24);

    return h < 0 ? h + 24 : h;
}

int64_t
func_weekday(dec_t time)
{
    // 1970-01-01 was a Thursday, the fourth.
    int64_t d = (int64_t)((floor_div(time, DEC_INT(86400)) % 7 + 3) % 7);

    return (d < 0 ? d + 7 : d) + 1;
}

bool
func_has_upper(span_t s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] >= 'A' && s.p[i] <= 'Z') {
            return true;
        }
    }
    return false;
}

void
func_lower(span_t s, uint8_t *out)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.p[i];
        out[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 0x20) : c;
    }
}
