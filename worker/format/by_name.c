// SPDX-License-Identifier: Apache-2.0
// Lines that name their fields themselves, one by one: the names that a
// query wants are looked for, and the values put where rows look for them.
#include "worker/format/reading_inside.h"

#include "worker/format/logfmt.h"

#include <assert.h>

static void
want(reading_t *self, span_t name, size_t to)
{
    assert(self->wanted.n < JSON_NAMES_MAX);
    self->to[self->wanted.n] = (uint8_t)to;
    self->needed[self->wanted.n] = to == TO_NOWHERE;
    self->wanted.names[self->wanted.n++] = name;
}

void
by_name_prepare(reading_t *self)
{
    const format_t *format = self->format;

    for (size_t i = 0; i < format->n_names; i++) {
        const source_name_t *s = &format->names[i];
        if (s->field == FIELD_COUNT || (self->fields >> s->field & 1u) != 0) {
            want(self, s->name, s->field);
        }
    }
    for (size_t i = 0; self->query != NULL && i < self->query->n_names; i++) {
        want(self, self->query->names[i], FIELD_OWN(i));
    }
}

// p == NULL where the value is none.
static span_t
text_of(reading_t *self, const json_value_t *value)
{
    if (value->kind == JSON_ABSENT || value->kind == JSON_NULL ||
        value->kind == JSON_NESTED) {
        return (span_t){0};
    }
    if (!value->escaped) {
        return value->raw;
    }
    uint8_t *text = self->scratch.p + self->scratch.len;
    size_t len = json_unescape(value->raw, text);
    self->scratch.len += len;
    return (span_t){text, len};
}

// All room at once: no text may move. The same text may be wanted as a field
// and by its own name.
static void
make_room(reading_t *self)
{
    size_t len = 1;

    for (size_t i = 0; i < self->wanted.n; i++) {
        len += self->values[i].escaped ? self->values[i].raw.len : 0;
    }
    buf_clear(&self->scratch);
    if (len > 1) {
        buf_reserve(&self->scratch, len);
    }
}

static bool
put_values(reading_t *self, line_fields_t *out, reject_t *why)
{
    make_room(self);
    for (size_t i = 0; i < self->wanted.n; i++) {
        out->fields[self->to[i]] = (span_t){0};
        if (self->needed[i] && self->values[i].kind == JSON_ABSENT) {
            *why = REJECT_STRUCTURE;
            return false;
        }
    }
    for (size_t i = 0; i < self->wanted.n; i++) {
        span_t *to = &out->fields[self->to[i]];
        if (to->p == NULL) {
            *to = text_of(self, &self->values[i]);
        }
    }
    return true;
}

// What every line must have, for a verdict without a reading.
static bool
has_needed(const format_t *format, span_t line)
{
    json_value_t values[JSON_NAMES_MAX];
    json_names_t names = {.n = 0};
    reject_t why;

    for (size_t i = 0; i < format->n_names; i++) {
        if (format->names[i].field == FIELD_COUNT) {
            names.names[names.n++] = format->names[i].name;
        }
    }
    bool ok = format->reads == READ_JSON
                  ? json_read(line, &names, values)
                  : logfmt_read(line, &names, values, &why);
    for (size_t i = 0; ok && i < names.n; i++) {
        ok = values[i].kind != JSON_ABSENT;
    }
    return ok;
}

bool
json_match(
    const format_t *format, span_t line, line_fields_t *out, reject_t *why)
{
    reading_t *self = out->reading;

    *why = REJECT_STRUCTURE;
    if (self == NULL) {
        return has_needed(format, line);
    }
    return json_read(line, &self->wanted, self->values) &&
           put_values(self, out, why);
}

bool
logfmt_match(
    const format_t *format, span_t line, line_fields_t *out, reject_t *why)
{
    reading_t *self = out->reading;

    *why = REJECT_STRUCTURE;
    if (self == NULL) {
        return has_needed(format, line);
    }
    return logfmt_read(line, &self->wanted, self->values, why) &&
           put_values(self, out, why);
}
