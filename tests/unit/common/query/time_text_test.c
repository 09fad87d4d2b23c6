// SPDX-License-Identifier: Apache-2.0
#include "common/query/time_text.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

static void
check_print(dec_t t, const char *want)
{
    buf_t out = {0};

    time_print(t, &out);
    buf_put_u8(&out, 0);
    assert_string_equal((char *)out.p, want);
    buf_fini(&out);
}

static void
test_times_are_printed_as_iso_8601(void **state)
{
    (void)state;
    check_print(0, "1970-01-01T00:00:00Z");
    check_print(DEC_INT(1699999200), "2023-11-14T22:00:00Z");
    check_print(DEC_INT(951782400), "2000-02-29T00:00:00Z");
    check_print(DEC_INT(1) + 500000000, "1970-01-01T00:00:01.5Z");
    check_print(-1, "1969-12-31T23:59:59.999999999Z");
    check_print(DEC_INT(-62135596800), "0001-01-01T00:00:00Z");
    check_print(DEC_INT(253402300799), "9999-12-31T23:59:59Z");
}

// A let may add centuries to a time.
static void
test_times_past_the_calendar_are_printed_too(void **state)
{
    const dec_t most = (dec_t)(~(u128_t)0 >> 1);

    (void)state;
    check_print(DEC_INT(253402300800), "10000-01-01T00:00:00Z");
    check_print(DEC_INT(-62135596800) - 1, "0000-12-31T23:59:59.999999999Z");
    check_print(DEC_INT(-62167219201), "-1-12-31T23:59:59Z");
    check_print(most, "5391559471918239498981-03-22T13:41:55.884105727Z");
    check_print(-most - 1, "-5391559471918239495042-10-11T10:18:04.115894272Z");
}

static void
test_what_is_printed_parses_back(void **state)
{
    (void)state;
    for (int64_t i = -2000; i < 2000; i++) {
        dec_t t = DEC_INT(i * 30000001) + i * 1000, got = 1;
        buf_t out = {0};
        time_print(t, &out);
        assert_true(time_parse(buf_span(&out), &got));
        assert_true(got == t);
        buf_fini(&out);
    }
}

static void
test_other_spellings_of_a_time_are_read(void **state)
{
    static const char *const same[] = {"2023-11-14T22:00", "2023-11-14 22:00",
        "2023-11-14T22:00:00", "2023-11-14T22:00:00Z",
        "2023-11-15T00:00:00+02:00", "2023-11-14T20:30:00.000-0130"};
    dec_t got;

    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_true(time_parse(span_str(same[i]), &got));
        assert_true(got == DEC_INT(1699999200));
    }
    assert_true(time_parse(SPAN_LIT("2023-11-14"), &got));
    assert_true(got == DEC_INT(1699920000));
}

static void
test_what_is_no_time_is_refused(void **state)
{
    static const char *const wrong[] = {"", "2023", "2023-11", "2023-13-01",
        "2023-02-29", "1900-02-29", "0000-01-01", "2023-11-14T",
        "2023-11-14T24:00", "2023-11-14T22:60", "2023-11-14T22:00:60",
        "2023-11-14T22:00:00.", "2023-11-14T22:00:00.1234567890",
        "2023-11-14T22:00:00+24:00", "2023-11-14T22:00:00Zz",
        "2023-11-14T22:00:00+2", "2023-11-14x", "20231114"};
    dec_t got;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (time_parse(span_str(wrong[i]), &got)) {
            fail_msg("%s is taken", wrong[i]);
        }
    }
}

static void
check_at(dec_t t, int64_t offset_s, const char *want)
{
    buf_t out = {0};

    time_print_at(t, offset_s, &out);
    buf_put_u8(&out, 0);
    assert_string_equal((char *)out.p, want);
    buf_fini(&out);
}

static void
test_a_time_is_printed_by_another_clock(void **state)
{
    const dec_t t = DEC_INT(1700000000);
    const dec_t most = (dec_t)((~(u128_t)0) >> 1);
    buf_t out = {0};

    (void)state;
    check_at(t, 0, "2023-11-14T22:13:20+00:00");
    check_at(t, 9 * 3600, "2023-11-15T07:13:20+09:00");
    check_at(t + DEC_ONE / 2, -3 * 3600 - 1800, "2023-11-14T18:43:20.5-03:30");
    check_at(0, -17762, "1969-12-31T19:03:58-04:56:02");
    time_print_at(most, 3600, &out); // no such clock: UTC
    assert_int_equal(out.p[out.len - 1], 'Z');
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_time_is_printed_by_another_clock),
        cmocka_unit_test(test_times_are_printed_as_iso_8601),
        cmocka_unit_test(test_times_past_the_calendar_are_printed_too),
        cmocka_unit_test(test_what_is_printed_parses_back),
        cmocka_unit_test(test_other_spellings_of_a_time_are_read),
        cmocka_unit_test(test_what_is_no_time_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
