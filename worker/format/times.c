// SPDX-License-Identifier: Apache-2.0
#include "worker/format/times.h"

#include <string.h>

#define DAY          86400
#define EPOCH_DIGITS 18u
#define INTEGER_ONE  DEC_INT(1)
#define WEEKDAY_LEN  4u

// What is left of the text.
typedef struct reader {
    const uint8_t *p;
    const uint8_t *end;
} reader_t;

typedef struct moment {
    int64_t days;
    int64_t second; // of the day
    dec_t fraction;
    int64_t offset; // seconds east of UTC
} moment_t;

static size_t
left(const reader_t *r)
{
    return (size_t)(r->end - r->p);
}

static bool
take(reader_t *r, char c)
{
    if (r->p == r->end || *r->p != (uint8_t)c) {
        return false;
    }
    r->p++;
    return true;
}

// n digits, or -1.
static int
digits(reader_t *r, size_t n)
{
    int v = 0;

    if (left(r) < n) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (r->p[i] < '0' || r->p[i] > '9') {
            return -1;
        }
        v = v * 10 + (r->p[i] - '0');
    }
    r->p += n;
    return v;
}

// 1 to 12, or -1.
static int
month(reader_t *r)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int m = 0; left(r) >= 3 && m < 12; m++) {
        if (memcmp(r->p, names + 3 * m, 3) == 0) {
            r->p += 3;
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
set_date(moment_t *m, int year, int mon, int day)
{
    if (!in_range(year, 1, 9999) || !in_range(mon, 1, 12) ||
        !in_range(day, 1, days_in(year, mon))) {
        return false;
    }
    m->days = days_from_civil(year, mon, day);
    return true;
}

// hh:mm:ss
static bool
take_clock(reader_t *r, moment_t *m)
{
    int hour = digits(r, 2);
    bool colons = take(r, ':');
    int minute = digits(r, 2);
    colons = take(r, ':') && colons;
    int second = digits(r, 2);

    m->second = hour * 3600 + minute * 60 + second;
    return colons && in_range(hour, 0, 23) && in_range(minute, 0, 59) &&
           in_range(second, 0, 59);
}

// Digits behind a point, in billionths.
static bool
take_fraction(reader_t *r, dec_t *out)
{
    dec_t unit = INTEGER_ONE / 10;
    const uint8_t *begin = r->p;

    *out = 0;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9') {
        *out += unit * (*r->p++ - '0');
        unit /= 10;
    }
    return r->p > begin;
}

static bool
take_part_of_second(reader_t *r, bool comma, moment_t *m)
{
    if (take(r, '.') || (comma && take(r, ','))) {
        return take_fraction(r, &m->fraction);
    }
    return true;
}

// +hhmm, +hh:mm where a colon may be, Z where that may be
static bool
take_offset(reader_t *r, bool iso, moment_t *m)
{
    bool east = take(r, '+');

    if (!east && !take(r, '-')) {
        return iso && take(r, 'Z');
    }
    int hour = digits(r, 2);
    if (iso) {
        (void)take(r, ':');
    }
    int minute = digits(r, 2);
    m->offset = (hour * 60 + minute) * (east ? 60 : -60);
    return in_range(hour, 0, 23) && in_range(minute, 0, 59);
}

static bool
moment_put(const reader_t *r, const moment_t *m, dec_t *out)
{
    *out = DEC_INT(m->days * DAY + m->second - m->offset) + m->fraction;
    return r->p == r->end;
}

// dd/Mon/yyyy:hh:mm:ss, and an offset or, where that may be, a fraction.
static bool
read_clf(reader_t r, unsigned ways, dec_t *out)
{
    moment_t m = {0};
    int day = digits(&r, 2);
    bool slashes = take(&r, '/');
    int mon = month(&r);
    slashes = take(&r, '/') && slashes;
    int year = digits(&r, 4);

    if (!slashes || !set_date(&m, year, mon, day) || !take(&r, ':') ||
        !take_clock(&r, &m)) {
        return false;
    }
    if ((ways & TIME_CLF) != 0 && take(&r, ' ')) {
        return take_offset(&r, false, &m) && moment_put(&r, &m, out);
    }
    return (ways & TIME_CLF_LOCAL) != 0 && take_part_of_second(&r, false, &m) &&
           moment_put(&r, &m, out);
}

static bool
read_iso(reader_t r, dec_t *out)
{
    moment_t m = {0};
    int year = digits(&r, 4);
    bool dashes = take(&r, '-');
    int mon = digits(&r, 2);
    dashes = take(&r, '-') && dashes;
    int day = digits(&r, 2);

    if (!dashes || !set_date(&m, year, mon, day) ||
        !(take(&r, 'T') || take(&r, ' ')) || !take_clock(&r, &m) ||
        !take_part_of_second(&r, true, &m)) {
        return false;
    }
    return (r.p == r.end || take_offset(&r, true, &m)) &&
           moment_put(&r, &m, out);
}

// yyyy/mm/dd hh:mm:ss
static bool
read_slashed(reader_t r, dec_t *out)
{
    moment_t m = {0};
    int year = digits(&r, 4);
    bool slashes = take(&r, '/');
    int mon = digits(&r, 2);
    slashes = take(&r, '/') && slashes;
    int day = digits(&r, 2);

    return slashes && set_date(&m, year, mon, day) && take(&r, ' ') &&
           take_clock(&r, &m) && moment_put(&r, &m, out);
}

static bool
read_epoch(reader_t r, int64_t per_second, dec_t *out)
{
    const uint8_t *begin = r.p;
    int64_t whole = 0;
    moment_t m = {0};

    while (r.p < r.end && *r.p >= '0' && *r.p <= '9') {
        if ((size_t)(r.p - begin) == EPOCH_DIGITS) {
            return false;
        }
        whole = whole * 10 + (*r.p++ - '0');
    }
    if (r.p == begin || !take_part_of_second(&r, false, &m) || r.p != r.end ||
        whole / per_second >= DAY * (int64_t)2932897) { // the year 10000
        return false;
    }
    *out = DEC_INT(whole / per_second) +
           DEC_INT(whole % per_second) / per_second + m.fraction / per_second;
    return true;
}

static int
year_of(int64_t seconds)
{
    int year = (int)(1970 + seconds / (DAY * 365));

    while (days_from_civil(year, 1, 1) * DAY > seconds) {
        year--;
    }
    return year;
}

// The last day of this name no more than a day behind `written`.
static bool
guess_date(moment_t *m, int mon, int day, int64_t written)
{
    if (written <= 0 || written >= DAY * (int64_t)2932000) {
        return false;
    }
    int latest = year_of(written + DAY);
    for (int year = latest; year > latest - 9; year--) { // to a leap year
        if (set_date(m, year, mon, day) &&
            m->days * DAY + m->second <= written + DAY) {
            return true;
        }
    }
    return false;
}

// [Www ]Mon dd hh:mm:ss[.fraction][ yyyy], a day below 10 with a space or a
// zero before it.
static bool
read_named(reader_t r, int64_t written, dec_t *out)
{
    static const char weekdays[] = "SunMonTueWedThuFriSat";
    moment_t m = {0};

    for (int i = 0; left(&r) >= WEEKDAY_LEN && i < 7; i++) {
        if (memcmp(r.p, weekdays + 3 * i, 3) == 0 && r.p[3] == ' ') {
            r.p += WEEKDAY_LEN;
            break;
        }
    }
    int mon = month(&r);
    if (mon < 0 || !take(&r, ' ')) {
        return false;
    }
    int day = digits(&r, take(&r, ' ') ? 1 : 2);
    if (!take(&r, ' ') || !take_clock(&r, &m) ||
        !take_part_of_second(&r, false, &m)) {
        return false;
    }
    bool dated = r.p == r.end
                     ? guess_date(&m, mon, day, written)
                     : take(&r, ' ') && set_date(&m, digits(&r, 4), mon, day);
    return dated && moment_put(&r, &m, out);
}

bool
time_read(span_t s, unsigned ways, int64_t written, dec_t *out)
{
    reader_t r = {s.p, s.p + s.len};

    if (s.len < 1) {
        return false;
    }
    if (s.p[0] >= 'A') {
        return (ways & TIME_NAMED) != 0 && read_named(r, written, out);
    }
    if (s.len > 2 && s.p[2] == '/') {
        return (ways & (TIME_CLF | TIME_CLF_LOCAL)) != 0 &&
               read_clf(r, ways, out);
    }
    if (s.len > 4 && s.p[4] == '-') {
        return (ways & TIME_ISO) != 0 && read_iso(r, out);
    }
    if (s.len > 4 && s.p[4] == '/') {
        return (ways & TIME_SLASHED) != 0 && read_slashed(r, out);
    }
    if ((ways & (TIME_EPOCH | TIME_EPOCH_MS | TIME_EPOCH_US)) == 0) {
        return false;
    }
    int64_t per_second = (ways & TIME_EPOCH) != 0      ? 1
                         : (ways & TIME_EPOCH_MS) != 0 ? 1000
                                                       : 1000000;
    return read_epoch(r, per_second, out);
}

bool
time_lacks_year(span_t s)
{
    return s.p[0] >= 'A' && s.p[s.len - sizeof "2023"] != ' ';
}

bool
dur_read(span_t s, dur_unit_t unit, dec_t *out)
{
    static const int64_t per_second[] = {[DUR_NONE] = 1,
        [DUR_S] = 1,
        [DUR_MS] = 1000,
        [DUR_US] = 1000000,
        [DUR_NS] = 1000000000};

    if (unit == DUR_MS && s.len > 2 && memcmp(s.p + s.len - 2, "ms", 2) == 0) {
        s.len -= 2;
    }
    if (unit == DUR_MS && s.len > 1 && s.p[0] == '+') { // haproxy's logasap
        s = (span_t){s.p + 1, s.len - 1};
    }
    if (dec_parse(s, out) != ERR_OK) {
        return false;
    }
    *out /= per_second[unit];
    return true;
}
