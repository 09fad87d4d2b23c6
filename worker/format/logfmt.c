// SPDX-License-Identifier: Apache-2.0
#include "worker/format/logfmt.h"

#include "worker/format/find.h"

#include <string.h>

typedef struct words {
    const uint8_t *line;
    const uint8_t *p;
    const uint8_t *end;
} words_t;

static const json_value_t alone = {
    JSON_TRUE, false, {(const uint8_t *)"true", 4}};

static bool
at_word_end(const words_t *w)
{
    return w->p == w->end || *w->p <= ' ';
}

static bool
read_key(words_t *w, span_t *out)
{
    const uint8_t *begin = w->p;

    while (!at_word_end(w) && *w->p != '=' && *w->p != '"') {
        w->p++;
    }
    *out = (span_t){begin, (size_t)(w->p - begin)};
    return w->p > begin && (w->p == w->end || *w->p != '"');
}

static bool
read_quoted(words_t *w, json_value_t *out, reject_t *why)
{
    const uint8_t *begin = ++w->p;

    for (;;) {
        w->p = find_either(w->line, w->p, w->end, '"', '\\');
        if (w->end - w->p < (w->p < w->end && *w->p == '\\' ? 2 : 1)) {
            *why = REJECT_UNCLOSED;
            return false;
        }
        if (*w->p == '"') {
            break;
        }
        out->escaped = true;
        w->p += 2;
    }
    out->raw = (span_t){begin, (size_t)(w->p - begin)};
    w->p++;
    return at_word_end(w);
}

static bool
read_value(words_t *w, json_value_t *out, reject_t *why)
{
    const uint8_t *begin = w->p;

    *out = (json_value_t){.kind = JSON_TEXT};
    if (w->p < w->end && *w->p == '"') {
        return read_quoted(w, out, why);
    }
    while (!at_word_end(w) && *w->p != '"') {
        w->p++;
    }
    out->raw = (span_t){begin, (size_t)(w->p - begin)};
    return at_word_end(w);
}

static void
keep(const json_names_t *names, span_t key, const json_value_t *value,
    json_value_t *values)
{
    for (size_t i = 0; i < names->n; i++) {
        const span_t *name = &names->names[i];
        if (name->len == key.len && memcmp(name->p, key.p, key.len) == 0) {
            values[i] = *value;
        }
    }
}

bool
logfmt_read(
    span_t line, const json_names_t *names, json_value_t *values, reject_t *why)
{
    words_t w = {line.p, line.p, line.p + line.len};
    size_t n = 0;

    *why = REJECT_STRUCTURE;
    for (size_t i = 0; i < names->n; i++) {
        values[i] = (json_value_t){.kind = JSON_ABSENT};
    }
    for (;; n++) {
        json_value_t value = alone;
        span_t key;
        while (w.p < w.end && *w.p <= ' ') {
            w.p++;
        }
        if (w.p == w.end) {
            return n > 0;
        }
        if (!read_key(&w, &key)) {
            return false;
        }
        bool pair = w.p < w.end && *w.p == '=';
        w.p += pair ? 1 : 0;
        if (pair ? !read_value(&w, &value, why) : n == 0) {
            return false;
        }
        keep(names, key, &value, values);
    }
}
