// SPDX-License-Identifier: Apache-2.0
// format: a line to its fields. A format is data: a sequence of fields and
// delimiters, named; one description drives detection, validation and field
// finding.
#ifndef LOGTALLY_WORKER_FORMAT_FORMAT_H
#define LOGTALLY_WORKER_FORMAT_FORMAT_H

#include "common/query/query.h"
#include "common/tally/totals.h"

typedef struct format format_t;

size_t format_count(void);
const format_t *format_at(size_t i);
const char *format_name(const format_t *self);
size_t format_index(const format_t *self);
// Bit per format_index whose lines include every line of this one.
unsigned format_within(const format_t *self);
// ERR_NOT_FOUND: no such name. "auto" is not a format.
MUST_CHECK errcode_t format_find(const char *name, const format_t **out);
// Comma-separated names, for messages.
void format_list(buf_t *out);

// The fields of one line, lent from it. A span with p == NULL is absent.
// Derived fields (method, url, proto, path, query) are split on demand by
// format_field.
typedef struct line_fields {
    span_t line;
    span_t fields[FIELD_COUNT];
} line_fields_t;

// Structure only; the line is without its ending and not blank. true when
// accepted; else *why is set.
bool format_match(
    const format_t *self, span_t line, line_fields_t *out, reject_t *why);

// As format_match, where *out is as an earlier call for the same format left
// it, or zeroed: only the fields that the format has are touched.
bool format_match_next(
    const format_t *self, span_t line, line_fields_t *out, reject_t *why);
// A word cut at its last ':'. False: none, or nothing on one side of it; *why
// is set then.
bool format_split_port(span_t word, span_t *vhost, span_t *port, reject_t *why);
// A field that is a part of the request (method, url, path, query, proto);
// p == NULL when the request has no such part.
bool format_is_of_request(field_t field);
span_t format_request_part(span_t request, field_t field);
// The logged bytes of a field; p == NULL when absent.
span_t format_raw(const line_fields_t *line, field_t field);

// What `auto` chooses from the first lines of a file (head: its first bytes,
// at_end: the file has no more). *out is NULL with ERR_OK when there is no
// non-blank line. ERR_FORMAT: none fits or two fit equally well; why then
// says which, in a sentence.
MUST_CHECK errcode_t format_detect(
    span_t head, bool at_end, const format_t **out, buf_t *why);

// Whether a logged field is missing: absent, or "-".
static inline bool
format_is_missing(span_t raw)
{
    return raw.p == NULL || (raw.len == 1 && raw.p[0] == '-');
}

// The value of a field as a cell, by the field's type; missing when absent,
// "-", or not of its type (then *bad is set).
void format_field(
    const line_fields_t *line, field_t field, cell_t *out, bool *bad);

#endif
