// SPDX-License-Identifier: Apache-2.0
#include "common/query/time_text.h"

// Days since 1970-01-01 of a date of the Gregorian calendar.
static int64_t
days_of(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = y / 400, yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool
digits(span_t *s, size_t n, int64_t low, int64_t high, int64_t *out)
{
    int64_t v = 0;

    if (s->len < n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9') {
            return false;
        }
        v = v * 10 + (s->p[i] - '0');
    }
    *s = (span_t){s->p + n, s->len - n};
    *out = v;
    return v >= low && v <= high;
}

static bool
take(span_t *s, char c)
{
    if (s->len == 0 || s->p[0] != (uint8_t)c) {
        return false;
    }
    *s = (span_t){s->p + 1, s->len - 1};
    return true;
}

static int64_t
month_days(int64_t y, int64_t m)
{
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return m == 2                                  ? (leap ? 29 : 28)
           : m == 4 || m == 6 || m == 9 || m == 11 ? 30
                                                   : 31;
}

static bool
fraction(span_t *s, dec_t *out)
{
    dec_t unit = DEC_ONE;

    *out = 0;
    while (s->len > 0 && s->p[0] >= '0' && s->p[0] <= '9' && unit > 1) {
        unit /= 10;
        *out += unit * (s->p[0] - '0');
        *s = (span_t){s->p + 1, s->len - 1};
    }
    return unit < DEC_ONE;
}

static bool
offset(span_t *s, int64_t *out)
{
    int64_t h = 0, m = 0;
    bool minus = s->len > 0 && s->p[0] == '-';

    *out = 0;
    if (s->len == 0 || (take(s, 'Z') && s->len == 0)) {
        return true;
    }
    if ((!take(s, '+') && !take(s, '-')) || !digits(s, 2, 0, 23, &h)) {
        return false;
    }
    take(s, ':');
    if (!digits(s, 2, 0, 59, &m)) {
        return false;
    }
    *out = (minus ? -1 : 1) * (h * 3600 + m * 60);
    return s->len == 0;
}

bool
time_parse(span_t s, dec_t *out)
{
    int64_t y, mo, d, h = 0, mi = 0, sec = 0, off = 0;
    dec_t frac = 0;

    if (!digits(&s, 4, 1, 9999, &y) || !take(&s, '-') ||
        !digits(&s, 2, 1, 12, &mo) || !take(&s, '-') ||
        !digits(&s, 2, 1, month_days(y, mo), &d)) {
        return false;
    }
    if (s.len > 0) {
        if ((!take(&s, 'T') && !take(&s, ' ')) || !digits(&s, 2, 0, 23, &h) ||
            !take(&s, ':') || !digits(&s, 2, 0, 59, &mi)) {
            return false;
        }
        if (take(&s, ':') && (!digits(&s, 2, 0, 59, &sec) ||
                                 (take(&s, '.') && !fraction(&s, &frac)))) {
            return false;
        }
        if (!offset(&s, &off)) {
            return false;
        }
    }
    *out = DEC_INT(days_of(y, mo, d) * 86400 + h * 3600 + mi * 60 + sec - off) +
           frac;
    return true;
}

// A let may leave the years that logs know: days and years have 128 bits.
static void
print_clock(dec_t t, buf_t *out)
{
    const dec_t day = DEC_INT(86400);
    dec_t rest = t % day < 0 ? t % day + day : t % day;
    i128_t z = t / day - (t % day < 0) + 719468;
    i128_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = (int64_t)(z - era * 146097);
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153, m = mp < 10 ? mp + 3 : mp - 9;
    int64_t s = (int64_t)(rest / DEC_ONE);
    i128_t y = yoe + era * 400 + (m <= 2);
    char text[DEC_TEXT_MAX];

    if (y >= 0 && y <= 9999) {
        buf_printf(out, "%04d", (int)y);
    } else {
        buf_put(out, text, dec_format(DEC_INT(y), text));
    }
    buf_printf(out, "-%02d-%02dT%02d:%02d:%02d", (int)m,
        (int)(doy - (153 * mp + 2) / 5 + 1), (int)(s / 3600),
        (int)(s / 60 % 60), (int)(s % 60));
    if (rest % DEC_ONE != 0) {
        dec_format(rest % DEC_ONE, text);
        buf_put_str(out, text + 1); // without its 0
    }
}

void
time_print(dec_t t, buf_t *out)
{
    print_clock(t, out);
    buf_put_u8(out, 'Z');
}

void
time_print_at(dec_t t, int64_t offset_s, buf_t *out)
{
    int64_t ahead = offset_s < 0 ? -offset_s : offset_s;
    dec_t clock;

    if (dec_add(t, DEC_INT(offset_s), &clock) != ERR_OK) {
        time_print(t, out);
        return;
    }
    print_clock(clock, out);
    buf_printf(out, "%c%02d:%02d", offset_s < 0 ? '-' : '+',
        (int)(ahead / 3600), (int)(ahead / 60 % 60));
    if (ahead % 60 != 0) {
        buf_printf(out, ":%02d", (int)(ahead % 60));
    }
}
