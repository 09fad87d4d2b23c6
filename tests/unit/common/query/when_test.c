// SPDX-License-Identifier: Apache-2.0
// Points in time as a person writes them, on 2023-11-14 at 22:13:20 UTC.
#include "common/query/when.h"

#include "common/query/time_text.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

#define NOW DEC_INT(1700000000)

static void
check(const char *text, int64_t offset_s, const char *want, bool local)
{
    buf_t got = {0};
    when_t when;

    if (!when_parse(span_str(text), NOW, offset_s, &when)) {
        fail_msg("'%s' was not read", text);
    }
    time_print(when.time, &got);
    buf_put_u8(&got, 0);
    assert_string_equal((char *)got.p, want);
    assert_int_equal(when.local, local);
    buf_fini(&got);
}

static void
test_ago_counts_back_from_now(void **state)
{
    (void)state;
    check("now", 0, "2023-11-14T22:13:20Z", false);
    check("2h ago", 0, "2023-11-14T20:13:20Z", false);
    check(" 90 min  ago ", 3600, "2023-11-14T20:43:20Z", false);
    check("1 second ago", 0, "2023-11-14T22:13:19Z", false);
    check("3d ago", 0, "2023-11-11T22:13:20Z", false);
    check("2 weeks ago", 0, "2023-10-31T22:13:20Z", false);
    check("0s ago", 0, "2023-11-14T22:13:20Z", false);
}

// At +09:00 it is the 15th already.
static void
test_days_are_those_of_the_zone(void **state)
{
    (void)state;
    check("today", 0, "2023-11-14T00:00:00Z", true);
    check("yesterday", 0, "2023-11-13T00:00:00Z", true);
    check("today", 9 * 3600, "2023-11-15T00:00:00Z", true);
    check("yesterday 08:30", 9 * 3600, "2023-11-14T08:30:00Z", true);
    check("today 23:59:59.5", -11 * 3600, "2023-11-14T23:59:59.5Z", true);
}

static void
test_iso_times_may_bring_their_zone(void **state)
{
    (void)state;
    check("2023-11-14", 3600, "2023-11-14T00:00:00Z", true);
    check("2023-11-14 22:00", 3600, "2023-11-14T22:00:00Z", true);
    check("2023-11-14T22:00Z", 3600, "2023-11-14T22:00:00Z", false);
    check("2023-11-14T22:00:00+02:00", 0, "2023-11-14T20:00:00Z", false);
    check("2023-11-14T22:00:00-02:00", 0, "2023-11-15T00:00:00Z", false);
}

static void
test_what_is_no_time_is_refused(void **state)
{
    static const char *const texts[] = {"", " ", "2h", "ago", "2 ago", "2x ago",
        "-2h ago", "2h ago!", "2h agoo", "1234567890s ago", "999999999w ago",
        "tomorrow", "yesterday 25:00", "yesterdayx", "today Z", "today 10:00Z",
        "today 10:00+01:00", "today 10:00-01:00", "2023-13-01", "2023-02-29",
        "2023-11-14T", "22:00", "Now", "now now", "0000-01-01",
        "0001-01-01T00:00+01:00",
        ("2023-11-14T22:00:00 and something longer "
         "than any time that there is to write")};
    when_t when;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (when_parse(span_str(texts[i]), NOW, 0, &when)) {
            fail_msg("'%s' was read", texts[i]);
        }
    }
}

static void
check_narrow(const char *text, bool since, bool until, const char *canonical)
{
    const dec_t from = NOW - DEC_INT(20), to = NOW;
    query_error_t error;
    query_t *q, *narrowed;
    buf_t out = {0};

    CHECK_OK(query_parse(text, &q, &error));
    when_narrow(q, since ? &from : NULL, until ? &to : NULL, &out);
    buf_put_u8(&out, 0);
    if (query_parse((char *)out.p, &narrowed, &error) != ERR_OK) {
        fail_msg("%s: %s", (char *)out.p, error.message);
    }
    assert_string_equal(narrowed->canonical, canonical);
    query_destroy(&narrowed);
    query_destroy(&q);
    buf_fini(&out);
}

#define SINCE "time >= \"2023-11-14T22:13:00Z\""
#define UNTIL "time < \"2023-11-14T22:13:20Z\""

static void
test_a_query_is_narrowed_by_its_time(void **state)
{
    (void)state;
    check_narrow("count", true, true, SINCE " and " UNTIL " | count");
    check_narrow(
        "404 or 5xx", true, false, SINCE " and (status = 404 or 5xx) | count");
    check_narrow("top ip", false, true, UNTIL " | top 10 ip");
    check_narrow("404 | count", false, false, "status = 404 | count");
    check_narrow("let k = bytes * 2 | where k > 3 | sum(k)", true, false,
        "let k = bytes * 2 | where " SINCE " and k > 3 | sum(k)");
    check_narrow("let k = bytes * 2 | sum(k)", true, false,
        "let k = bytes * 2 | where " SINCE " | sum(k)");
    check_narrow("if(404, 1, 2) = 1", true, false,
        SINCE " and if(status = 404, 1, 2) = 1 | count");
}

static void
test_every_truncation_and_flip_is_answered(void **state)
{
    static const char *const good[] = {
        "yesterday 14:00", "12 hours ago", "2023-11-14T22:00:00.5+02:00"};
    when_t when;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char text[64];
        size_t len = strlen(good[i]);
        for (size_t n = 0; n <= len; n++) {
            (void)when_parse(
                (span_t){(const uint8_t *)good[i], n}, NOW, 0, &when);
        }
        for (size_t bit = 0; bit < len * 8; bit++) {
            memcpy(text, good[i], len);
            text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
            (void)when_parse(
                (span_t){(const uint8_t *)text, len}, NOW, 0, &when);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ago_counts_back_from_now),
        cmocka_unit_test(test_days_are_those_of_the_zone),
        cmocka_unit_test(test_iso_times_may_bring_their_zone),
        cmocka_unit_test(test_what_is_no_time_is_refused),
        cmocka_unit_test(test_a_query_is_narrowed_by_its_time),
        cmocka_unit_test(test_every_truncation_and_flip_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
