// SPDX-License-Identifier: Apache-2.0
// format: a line to its fields. A format is data: a sequence of fields and
// delimiters, named (formats/*.format) or given as a web server's
// configuration has it; one description drives detection, validation and
// field finding.
#ifndef LOGTALLY_WORKER_FORMAT_FORMAT_H
#define LOGTALLY_WORKER_FORMAT_FORMAT_H

#include "common/base/limits.h"
#include "common/query/query.h"
#include "common/tally/totals.h"

typedef struct format format_t;

size_t format_count(void);
const format_t *format_at(size_t i);
const char *format_name(const format_t *self);
// A sentence about it.
const char *format_about(const format_t *self);
// FORMAT_GIVEN for one that is no named one.
size_t format_index(const format_t *self);
// Whether `auto` may choose it.
bool format_is_automatic(const format_t *self);
// Bit per format_index whose lines include every line of this one.
uint64_t format_within(const format_t *self);
// Bit per format_index that this one is chosen before where it accepts half
// of the lines that the other accepts.
uint64_t format_before(const format_t *self);
// ERR_NOT_FOUND: no such name. "auto" is not a format.
MUST_CHECK errcode_t format_find(const char *name, const format_t **out);

// A format by what -f says: a name, or a description (a text with `$` or `%`
// in it, or one that begins with "re:"). ERR_FORMAT: *error says what is
// wrong and where; no more than LIMIT_FORMAT_NAME bytes are read. Of a
// description *owned is the format too, and the caller's; else it is NULL.
MUST_CHECK errcode_t format_open(const char *text, const format_t **out,
    format_t **owned, query_error_t *error);
void format_destroy(format_t **self_p);
// Whether its times may be without a year.
bool format_lacks_years(const format_t *self);
// A bit per field that some line of it has, parts of a request included.
uint32_t format_fields(const format_t *self);
// Names that its description has and the language does not know; i from 0,
// p == NULL: no more.
span_t format_other_name(const format_t *self, size_t i);

// Comma-separated names, for messages.
void format_list(buf_t *out);

// Where the value of a query's own name stands.
#define FIELD_OWN(name) (FIELD_COUNT + 1 + (name))

// Whether a line may have a field of this name, which is not built in.
bool format_has_name(const format_t *self, span_t name);
// Lines of it have to be read with a reading.
bool format_wants_reading(const format_t *self);
// Lets the lines of a described format (`owned` of format_open) have the own
// names of the query.
void format_bind(format_t *self, const query_t *query);

// The fields of one line, lent from it. A span with p == NULL is absent.
// Derived fields (method, url, proto, path, query) are split on demand by
// format_field.
typedef struct line_fields {
    span_t line;
    const format_t *format; // how values are written; NULL: as in CLF
    int64_t written;        // when the file was; 0: unknown
    bool *guessed;          // set by times that have their year from that
    // By field_t; then of what nobody asks for; then by FIELD_OWN.
    span_t fields[FIELD_COUNT + 1 + LIMIT_FREE_NAMES];
    struct reading *reading; // see reading.h; may be NULL
} line_fields_t;

// Structure only; the line is without its ending and not blank. true when
// accepted; else *why is set.
bool format_match(
    const format_t *self, span_t line, line_fields_t *out, reject_t *why);

// As format_match, where *out is as an earlier call for the same format left
// it, or zeroed: only the fields that the format has are touched.
bool format_match_next(
    const format_t *self, span_t line, line_fields_t *out, reject_t *why);
// A field that is a part of the request (method, url, path, query, proto);
// p == NULL when the request has no such part.
bool format_is_of_request(field_t field);
span_t format_request_part(span_t request, field_t field);
// path or query of a url.
span_t format_url_part(span_t url, field_t field);
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
// "-", or not of its type (then *bad is set). A negative `dur` is missing:
// proxies log -1 for what did not happen.
void format_field(
    const line_fields_t *line, field_t field, cell_t *out, bool *bad);
// The same of a field's logged bytes, which *line has or not.
void format_value(const line_fields_t *line, field_t field, span_t raw,
    cell_t *out, bool *bad);

#endif
