// SPDX-License-Identifier: Apache-2.0
// A line of a container, in what the runtime writes around it. CRI:
//
//   2016-10-06T00:17:09.669794202Z stdout F the line
//
// Docker's json-file: {"log":"the line\n","stream":"stdout","time":"..."}.
// The pieces of a line that was too long for the runtime stay pieces.
#include "worker/format/reading_inside.h"

#include "worker/format/find.h"

#include <string.h>

typedef struct wrapping {
    span_t time;
    span_t stream;
    span_t line;
} wrapping_t;

static bool
next_word(span_t *rest, span_t *out)
{
    const uint8_t *end = rest->p + rest->len;
    const uint8_t *stop = find_one(rest->p, rest->p, end, ' ');

    *out = (span_t){rest->p, (size_t)(stop - rest->p)};
    size_t used = out->len + (stop < end ? 1 : 0);
    *rest = (span_t){rest->p + used, rest->len - used};
    return out->len > 0 && stop < end;
}

// The tag is P or F, perhaps with more behind a colon.
static bool
unwrap_cri(span_t line, wrapping_t *out)
{
    span_t tag;

    out->line = line;
    return next_word(&out->line, &out->time) && out->time.len >= 20 &&
           out->time.p[10] == 'T' && next_word(&out->line, &out->stream) &&
           (span_is(out->stream, "stdout") || span_is(out->stream, "stderr")) &&
           next_word(&out->line, &tag) &&
           (tag.p[0] == 'F' || tag.p[0] == 'P') &&
           (tag.len == 1 || tag.p[1] == ':');
}

// self->scratch holds what was escaped; NULL: only a verdict is wanted.
static bool
unwrap_docker(reading_t *self, span_t line, wrapping_t *out)
{
    static const json_names_t names = {
        .names = {SPAN_LIT("log"), SPAN_LIT("stream"), SPAN_LIT("time")},
        .n = 3};
    json_value_t values[3];

    if (!json_read(line, &names, values) || values[0].kind != JSON_TEXT ||
        values[1].kind != JSON_TEXT || values[2].kind != JSON_TEXT) {
        return false;
    }
    *out = (wrapping_t){values[2].raw, values[1].raw, values[0].raw};
    if (self != NULL && values[0].escaped) {
        buf_clear(&self->scratch);
        uint8_t *text = buf_reserve(&self->scratch, line.len);
        out->line = (span_t){text, json_unescape(values[0].raw, text)};
    }
    span_t *text = &out->line;
    text->len -= text->len > 0 && text->p[text->len - 1] == '\n' ? 1 : 0;
    text->len -= text->len > 0 && text->p[text->len - 1] == '\r' ? 1 : 0;
    return true;
}

// The runtime's own, where the inner line does not have them.
static void
put_wrapping(const reading_t *self, const wrapping_t *w, line_fields_t *out)
{
    const query_t *q = self->query;

    if (out->fields[FIELD_TIME].p == NULL) {
        out->fields[FIELD_TIME] = w->time;
    }
    for (size_t i = 0; q != NULL && i < q->n_names; i++) {
        span_t *own = &out->fields[FIELD_OWN(i)];
        if (own->p == NULL && span_is(q->names[i], "stream")) {
            *own = w->stream;
        } else if (own->p == NULL && span_is(q->names[i], "log")) {
            *own = w->line;
        }
    }
}

bool
wrapped_match(
    const format_t *format, span_t line, line_fields_t *out, reject_t *why)
{
    reading_t *self = out->reading;
    wrapping_t w;

    *why = REJECT_STRUCTURE;
    if (format->reads == READ_CRI ? !unwrap_cri(line, &w)
                                  : !unwrap_docker(self, line, &w)) {
        return false;
    }
    if (self == NULL) {
        return true;
    }
    memset(out->fields, 0, sizeof out->fields); // the last line's wrapping
    out->reading = self->inner;
    bool ok = format->inner->match(format->inner, w.line, out, why);
    out->reading = self;
    if (ok) {
        put_wrapping(self, &w, out);
    }
    return ok;
}
