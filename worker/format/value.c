// SPDX-License-Identifier: Apache-2.0
// The value of a field: from the logged bytes to a cell of the field's type.
#include "worker/format/format_inside.h"

#include "worker/format/find.h"

#include <string.h>

#define INTEGER_DIGITS_MAX 18
#define TIME_END           DEC_INT(253402300800) // year 10000

static span_t
before(span_t s, const uint8_t *at)
{
    return (span_t){s.p, (size_t)(at - s.p)};
}

static span_t
after(span_t s, const uint8_t *at)
{
    return (span_t){at + 1, s.len - (size_t)(at - s.p) - 1};
}

span_t
format_url_part(span_t url, field_t field)
{
    const uint8_t *end = url.p + url.len;
    const uint8_t *mark = find_one(url.p, url.p, end, '?');

    if (field == FIELD_PATH) {
        return before(url, mark);
    }
    return mark < end ? after(url, mark) : (span_t){0};
}

// request splits at its first and last space; with fewer than two spaces its
// three parts are missing.
span_t
format_request_part(span_t request, field_t field)
{
    const uint8_t *end = request.p + request.len;
    const uint8_t *first = find_one(request.p, request.p, end, ' ');
    const uint8_t *last = find_behind_last(first, end, ' ');

    if (last <= first + 1) { // none, or the first is the last
        return (span_t){0};
    }
    if (field == FIELD_METHOD) {
        return before(request, first);
    }
    if (field == FIELD_PROTO) {
        return (span_t){last, (size_t)(end - last)};
    }
    span_t url = {first + 1, (size_t)(last - first - 2)};
    return field == FIELD_URL ? url : format_url_part(url, field);
}

bool
format_is_of_request(field_t field)
{
    return field == FIELD_METHOD || field == FIELD_URL || field == FIELD_PATH ||
           field == FIELD_QUERY || field == FIELD_PROTO;
}

span_t
format_raw(const line_fields_t *line, field_t field)
{
    span_t raw = line->fields[field];

    if (field == FIELD_LINE) {
        return line->line;
    }
    if (raw.p != NULL) {
        return raw;
    }
    if ((field == FIELD_PATH || field == FIELD_QUERY) &&
        line->fields[FIELD_URL].p != NULL) {
        return format_url_part(line->fields[FIELD_URL], field);
    }
    if (format_is_of_request(field) && line->fields[FIELD_REQUEST].p != NULL) {
        return format_request_part(line->fields[FIELD_REQUEST], field);
    }
    return (span_t){0};
}

static bool
parse_integer(span_t s, dec_t *out)
{
    size_t i = s.len > 0 && s.p[0] == '-' ? 1 : 0;
    size_t first = i;
    int64_t v = 0;

    if (s.len == first || s.len - first > INTEGER_DIGITS_MAX) {
        return false;
    }
    for (; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
        v = v * 10 + (s.p[i] - '0');
    }
    *out = DEC_INT(first > 0 ? -v : v);
    return true;
}

static bool
has_names(const line_fields_t *line)
{
    return line->format != NULL && format_wants_reading(line->format);
}

// As the line's format writes it.
static bool
parse_time(const line_fields_t *line, span_t raw, dec_t *out)
{
    unsigned ways = line->format != NULL ? line->format->times : TIME_CLF;

    if (time_read(raw, ways, line->written, out)) {
        if (line->guessed != NULL && time_lacks_year(raw)) {
            *line->guessed = true;
        }
        return true;
    }
    // JSON may write seconds with an exponent, or more decimals than fit.
    return (ways & TIME_EPOCH) != 0 && has_names(line) &&
           number_read(raw, out) && *out >= 0 && *out < TIME_END;
}

static bool
parse_duration(const line_fields_t *line, span_t raw, dec_t *out)
{
    dur_unit_t unit = line->format != NULL ? line->format->unit : DUR_S;

    return dur_read(raw, unit, out) ||
           (has_names(line) && unit == DUR_S && number_read(raw, out));
}

static bool
parse_number(const line_fields_t *line, type_t type, span_t raw, dec_t *out)
{
    switch (type) {
    case TYPE_INTEGER:
    case TYPE_SIZE:
        return parse_integer(raw, out);
    case TYPE_DECIMAL:
        return dec_parse(raw, out) == ERR_OK;
    case TYPE_DURATION:
        return parse_duration(line, raw, out);
    case TYPE_TIME:
        return parse_time(line, raw, out);
    case TYPE_TEXT:
    case TYPE_IP:
    case TYPE_COUNT_:
        break;
    }
    return false;
}

void
format_value(const line_fields_t *line, field_t field, span_t raw, cell_t *out,
    bool *bad)
{
    type_t type = field_infos[field].type;

    *bad = false;
    *out = (cell_t){.kind = CELL_MISSING};
    if (format_is_missing(raw)) {
        return;
    }
    if (!type_is_number(type)) {
        out->kind = CELL_TEXT;
        out->text = raw;
    } else if (parse_number(line, type, raw, &out->number)) {
        bool none = type == TYPE_DURATION && out->number < 0;
        out->kind = none ? CELL_MISSING : CELL_NUMBER;
    } else {
        *bad = true;
    }
}

void
format_field(const line_fields_t *line, field_t field, cell_t *out, bool *bad)
{
    format_value(line, field, format_raw(line, field), out, bad);
}
