// SPDX-License-Identifier: Apache-2.0
#include "certs/expiry.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400

// Digits stand where the form has a 0; all else must be equal.
static bool
has_form(span_t text, const char *form)
{
    if (text.len != strlen(form)) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        bool digit = text.p[i] >= '0' && text.p[i] <= '9';
        if (form[i] == '0' ? !digit : text.p[i] != (uint8_t)form[i]) {
            return false;
        }
    }
    return true;
}

static int
number(span_t text, size_t at, size_t digits)
{
    int n = 0;

    for (size_t i = 0; i < digits; i++) {
        n = n * 10 + (text.p[at + i] - '0');
    }
    return n;
}

errcode_t
expiry_parse(span_t text, int64_t *out)
{
    bool day = has_form(text, "0000-00-00");

    if (!day && !has_form(text, "0000-00-00T00:00:00Z")) {
        return ERR_MALFORMED;
    }
    struct tm t = {.tm_year = number(text, 0, 4) - 1900,
        .tm_mon = number(text, 5, 2) - 1,
        .tm_mday = number(text, 8, 2),
        .tm_hour = day ? 0 : number(text, 11, 2),
        .tm_min = day ? 0 : number(text, 14, 2),
        .tm_sec = day ? 0 : number(text, 17, 2)};
    struct tm made = t;
    int64_t value = timegm(&made);

    // timegm turns February 30 into March 2; before 1970 is a mistake.
    if (made.tm_mon != t.tm_mon || made.tm_mday != t.tm_mday ||
        made.tm_hour != t.tm_hour || made.tm_min != t.tm_min ||
        made.tm_sec != t.tm_sec || value <= 0) {
        return ERR_MALFORMED;
    }
    *out = day ? value + DAY_S : value;
    return ERR_OK;
}

void
expiry_print(int64_t value, char out[EXPIRY_TEXT])
{
    time_t t = value;
    struct tm tm = {0};

    (void)gmtime_r(&t, &tm);
    (void)strftime(out, EXPIRY_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
}
