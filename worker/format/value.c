// SPDX-License-Identifier: Apache-2.0
// The value of a field: from the logged bytes to a cell of the field's type.
#include "worker/format/format.h"

#include "worker/format/find.h"

#include <string.h>

#define INTEGER_DIGITS_MAX 18
#define CLF_TIME_LEN       26 // dd/Mon/yyyy:hh:mm:ss +hhmm

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

static span_t
url_part(span_t url, field_t field)
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
    const uint8_t *last = end;

    while (last > first && last[-1] != ' ') { // a protocol is short
        last--;
    }
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
    return field == FIELD_URL ? url : url_part(url, field);
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

// n digits at p, or -1.
static int
digits(const uint8_t *p, size_t n)
{
    int v = 0;

    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return -1;
        }
        v = v * 10 + (p[i] - '0');
    }
    return v;
}

static int
month(const uint8_t *p)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int m = 0; m < 12; m++) {
        if (memcmp(p, names + 3 * m, 3) == 0) {
            return m + 1;
        }
    }
    return -1;
}

static int
days_in(int year, int m)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[m - 1] + (m == 2 && leap ? 1 : 0);
}

// Days since 1970-01-01 in the proleptic Gregorian calendar; years begin in
// March, so that the leap day is a year's last.
static int64_t
days_from_civil(int year, int m, int day)
{
    int64_t y = year - (m <= 2 ? 1 : 0);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           719468;
}

static bool
in_range(int v, int min, int max)
{
    return v >= min && v <= max;
}

static bool
parse_clf_date(const uint8_t *p, int64_t *days)
{
    int day = digits(p, 2);
    int m = month(p + 3);
    int year = digits(p + 7, 4);

    if (p[2] != '/' || p[6] != '/' || m < 0 || !in_range(year, 1, 9999) ||
        !in_range(day, 1, days_in(year, m))) {
        return false;
    }
    *days = days_from_civil(year, m, day);
    return true;
}

// dd/Mon/yyyy:hh:mm:ss +hhmm
static bool
parse_clf_time(span_t s, dec_t *out)
{
    const uint8_t *p = s.p;
    int64_t days;

    if (s.len != CLF_TIME_LEN || p[11] != ':' || p[14] != ':' || p[17] != ':' ||
        p[20] != ' ' || (p[21] != '+' && p[21] != '-') ||
        !parse_clf_date(p, &days)) {
        return false;
    }
    int hour = digits(p + 12, 2);
    int minute = digits(p + 15, 2);
    int second = digits(p + 18, 2);
    int zone_hour = digits(p + 22, 2);
    int zone_minute = digits(p + 24, 2);
    if (!in_range(hour, 0, 23) || !in_range(minute, 0, 59) ||
        !in_range(second, 0, 59) || !in_range(zone_hour, 0, 23) ||
        !in_range(zone_minute, 0, 59)) {
        return false;
    }
    int64_t zone = (zone_hour * 60 + zone_minute) * 60;
    int64_t local = days * 86400 + hour * 3600 + minute * 60 + second;
    *out = DEC_INT(p[21] == '+' ? local - zone : local + zone);
    return true;
}

static bool
parse_number(type_t type, span_t raw, dec_t *out)
{
    switch (type) {
    case TYPE_INTEGER:
    case TYPE_SIZE:
        return parse_integer(raw, out);
    case TYPE_DECIMAL:
    case TYPE_DURATION:
        return dec_parse(raw, out) == ERR_OK;
    case TYPE_TIME:
        return parse_clf_time(raw, out);
    case TYPE_TEXT:
    case TYPE_IP:
    case TYPE_COUNT_:
        break;
    }
    return false;
}

void
format_field(const line_fields_t *line, field_t field, cell_t *out, bool *bad)
{
    span_t raw = format_raw(line, field);
    type_t type = field_infos[field].type;

    *bad = false;
    *out = (cell_t){.kind = CELL_MISSING};
    if (format_is_missing(raw)) {
        return;
    }
    if (!type_is_number(type)) {
        out->kind = CELL_TEXT;
        out->text = raw;
    } else if (parse_number(type, raw, &out->number)) {
        out->kind = CELL_NUMBER;
    } else {
        *bad = true;
    }
}
