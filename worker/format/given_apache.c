// SPDX-License-Identifier: Apache-2.0
// %h, %>s, %{Referer}i, %!200,304{Referer}i, ... : a percent sign, conditions
// and a choice of request, which say nothing about the text, a name, a
// letter.
#include "worker/format/given_apache.h"

#include <string.h>

typedef struct directive {
    size_t begin;
    size_t end;
    span_t name; // in braces; p == NULL: none
    uint8_t letter;
} directive_t;

static bool
read_directive(builder_t *b, span_t text, size_t at, directive_t *out)
{
    *out = (directive_t){.begin = at++};
    while (at < text.len && strchr("!<>,^0123456789", text.p[at]) != NULL &&
           text.p[at] != '\0') {
        at++;
    }
    if (at < text.len && text.p[at] == '{') {
        const uint8_t *close = memchr(text.p + at, '}', text.len - at);
        if (close == NULL) {
            return builder_fail(
                b->error, at, text.len, "the brace does not close");
        }
        out->name =
            (span_t){text.p + at + 1, (size_t)(close - text.p) - at - 1};
        at = (size_t)(close - text.p) + 1;
        if (at < text.len && text.p[at] == '^') { // %{name}^ti
            at++;
        }
    }
    bool two = at + 1 < text.len && at > out->begin + 1 &&
               text.p[at - 1] == '^' && strchr("Ft", text.p[at]) != NULL;
    at += two ? 1 : 0; // %^FB, %{name}^to
    if (at >= text.len) {
        return builder_fail(
            b->error, out->begin, text.len, "a letter is missing here");
    }
    out->letter = text.p[at];
    out->end = at + 1;
    return true;
}

static bool
name_is(span_t name, const char *want)
{
    return name.p != NULL && name.len == strlen(want) &&
           strncasecmp((const char *)name.p, want, name.len) == 0;
}

// A header of the request.
static field_t
header_field(span_t name)
{
    return name_is(name, "Referer")      ? FIELD_REFERER
           : name_is(name, "User-Agent") ? FIELD_UA
           : name_is(name, "Host")       ? FIELD_VHOST
                                         : FIELD_COUNT;
}

typedef struct letter {
    char letter;
    field_t field;
    const char *name; // of what the language has no field for
} letter_t;

static const letter_t letters[] = {
    {'h', FIELD_IP, NULL},
    {'a', FIELD_IP, NULL},
    {'l', FIELD_IDENT, NULL},
    {'u', FIELD_USER, NULL},
    {'r', FIELD_REQUEST, NULL},
    {'s', FIELD_STATUS, NULL},
    {'b', FIELD_BYTES, NULL},
    {'B', FIELD_BYTES, NULL},
    {'O', FIELD_BYTES, NULL},
    {'v', FIELD_VHOST, NULL},
    {'V', FIELD_VHOST, NULL},
    {'p', FIELD_PORT, NULL},
    {'m', FIELD_METHOD, NULL},
    {'U', FIELD_PATH, NULL},
    {'q', FIELD_QUERY, NULL},
    {'H', FIELD_PROTO, NULL},
    {'A', FIELD_COUNT, "local_ip"},
    {'C', FIELD_COUNT, "cookie"},
    {'e', FIELD_COUNT, "environment"},
    {'f', FIELD_COUNT, "filename"},
    {'I', FIELD_COUNT, "bytes_received"},
    {'k', FIELD_COUNT, "keepalive"},
    {'L', FIELD_COUNT, "log_id"},
    {'n', FIELD_COUNT, "note"},
    {'o', FIELD_COUNT, "reply_header"},
    {'P', FIELD_COUNT, "pid"},
    {'R', FIELD_COUNT, "handler"},
    {'S', FIELD_COUNT, "bytes_both_ways"},
    {'X', FIELD_COUNT, "connection"},
    {'x', FIELD_COUNT, "ssl"},
    {'c', FIELD_COUNT, "cipher"},
};

static bool
put_letter(builder_t *b, const directive_t *d)
{
    part_t part = {.second = FIELD_COUNT, .field = FIELD_COUNT};

    part.name = d->name;
    if (d->letter == 'i') {
        part.field = header_field(d->name);
        return builder_part(b, part, true, d->begin, d->end);
    }
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        if ((uint8_t)letters[i].letter == d->letter) {
            part.field = letters[i].field;
            part.name = d->name.p != NULL || letters[i].name == NULL
                            ? d->name
                            : span_str(letters[i].name);
            return builder_part(b, part, true, d->begin, d->end);
        }
    }
    return builder_fail(
        b->error, d->begin, d->end, "Apache writes nothing for this directive");
}

static void
name_times(pattern_t *p, uint8_t times)
{
    p->times = p->times == 0 ? times : p->times;
}

// %t is [10/Oct/2000:13:55:36 -0700]; %{...}t is what strftime makes of it.
static bool
put_time(builder_t *b, const directive_t *d)
{
    part_t part = {.second = FIELD_COUNT, .field = FIELD_TIME};
    span_t name = d->name;

    if (name.len > 6 && memcmp(name.p, "begin:", 6) == 0) {
        name = (span_t){name.p + 6, name.len - 6};
    } else if (name.len > 4 && memcmp(name.p, "end:", 4) == 0) {
        name = (span_t){name.p + 4, name.len - 4};
    }
    if (name.len == 0) {
        name_times(b->out, TIME_CLF);
        part.kind = PART_TEXT;
        return builder_byte(b, '[', d->begin) &&
               builder_part(b, part, false, d->begin, d->end) &&
               builder_byte(b, ']', d->begin);
    }
    if (name_is(name, "msec_frac") || name_is(name, "usec_frac")) {
        part.field = FIELD_COUNT;
        return builder_part(b, part, true, d->begin, d->end);
    }
    uint8_t ways = name_is(name, "msec")   ? TIME_EPOCH_MS
                   : name_is(name, "usec") ? TIME_EPOCH_US
                   : name_is(name, "sec")  ? TIME_EPOCH
                                           : TIME_ANY;
    bool clf = name_is(name, "%d/%b/%Y:%H:%M:%S %z");
    name_times(b->out, clf ? TIME_CLF : ways);
    bool spaces = memchr(name.p, ' ', name.len) != NULL;
    part.kind = PART_UNTIL;
    return builder_part(b, part, !spaces || clf, d->begin, d->end);
}

static bool
put_duration(builder_t *b, const directive_t *d)
{
    part_t part = {.second = FIELD_COUNT, .field = FIELD_DUR};
    bool ms = name_is(d->name, "ms");
    bool us = d->letter == 'D' || name_is(d->name, "us");

    if ((b->seen & 1u << FIELD_DUR) == 0) {
        b->out->unit = ms ? DUR_MS : us ? DUR_US : DUR_S;
    }
    return builder_part(b, part, true, d->begin, d->end);
}

// %U%q is the target without its fragment: one field.
static bool
is_target(span_t text, const directive_t *d)
{
    return d->letter == 'U' && text.len - d->end >= 2 &&
           text.p[d->end] == '%' && text.p[d->end + 1] == 'q';
}

static bool
put_directive(builder_t *b, span_t text, directive_t *d)
{
    if (d->letter == '%') {
        return builder_byte(b, '%', d->begin);
    }
    if (d->letter == 't') {
        return put_time(b, d);
    }
    if (d->letter == 'D' || d->letter == 'T') {
        return put_duration(b, d);
    }
    if (is_target(text, d)) {
        part_t part = {.second = FIELD_COUNT, .field = FIELD_URL};
        d->end += 2;
        return builder_part(b, part, true, d->begin, d->end);
    }
    return put_letter(b, d);
}

bool
apache_read(builder_t *b, span_t text)
{
    size_t at = 0;

    while (at < text.len) {
        directive_t d = {.end = at + 1};
        bool fine = text.p[at] == '%' ? read_directive(b, text, at, &d) &&
                                            put_directive(b, text, &d)
                                      : builder_byte(b, (char)text.p[at], at);
        if (!fine) {
            return false;
        }
        at = d.end;
    }
    return builder_finish(b, text.len);
}
