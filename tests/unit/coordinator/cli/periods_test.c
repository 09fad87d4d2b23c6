// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/periods.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

#define NOW 1700000000 // 2023-11-14T22:13:20Z

static int
parse(const char *since, const char *until, const char *compare, periods_t *out)
{
    return periods_parse(since, until, compare, NOW, out);
}

static void
test_the_other_period_is_as_long(void **state)
{
    periods_t p;
    buf_t text = {0};

    (void)state;
    assert_int_equal(
        parse("2023-11-10", "2023-11-12", "2023-11-01", &p), EXIT_DONE);
    periods_filter(&p, &text);
    buf_put_str(&text, " / ");
    periods_filter_before(&p, &text);
    buf_put_u8(&text, 0);
    assert_string_equal((const char *)text.p,
        "time >= \"2023-11-10T00:00:00Z\" and time < "
        "\"2023-11-12T00:00:00Z\" / time >= \"2023-11-01T00:00:00Z\" and "
        "time < \"2023-11-03T00:00:00Z\"");
    buf_fini(&text);
}

static void
test_without_an_end_it_is_now(void **state)
{
    periods_t p;
    buf_t text = {0};

    (void)state;
    assert_int_equal(parse("today", NULL, "yesterday", &p), EXIT_DONE);
    periods_note(&p, &text);
    buf_put_u8(&text, 0);
    assert_string_equal((const char *)text.p,
        "from 2023-11-14T00:00:00Z until 2023-11-14T22:13:20Z, compared with "
        "(_before) from 2023-11-13T00:00:00Z until 2023-11-13T22:13:20Z");
    buf_fini(&text);
}

static void
test_periods_may_touch_on_either_side(void **state)
{
    periods_t p;

    (void)state;
    assert_int_equal(
        parse("2023-11-10", "2023-11-11", "2023-11-09", &p), EXIT_DONE);
    assert_int_equal(
        parse("2023-11-10", "2023-11-11", "2023-11-11", &p), EXIT_DONE);
}

static void
test_periods_may_not_overlap(void **state)
{
    periods_t p;

    (void)state;
    assert_int_equal(
        parse("2023-11-10", "2023-11-11", "2023-11-09T00:00:01Z", &p),
        EXIT_USAGE);
    assert_int_equal(
        parse("2023-11-10", "2023-11-11", "2023-11-10T23:59:59Z", &p),
        EXIT_USAGE);
    assert_int_equal(
        parse("2023-11-10", "2023-11-11", "2023-11-10", &p), EXIT_USAGE);
}

static void
test_what_cannot_be_compared(void **state)
{
    periods_t p;

    (void)state;
    assert_int_equal(parse(NULL, "today", "yesterday", &p), EXIT_USAGE);
    assert_int_equal(parse("today", "yesterday", "2020-01-01", &p), EXIT_USAGE);
    assert_int_equal(parse("today", "today", "2020-01-01", &p), EXIT_USAGE);
    assert_int_equal(parse("today", NULL, "soon", &p), EXIT_USAGE);
    assert_int_equal(parse("2023-11-15", NULL, "2020-01-01", &p), EXIT_USAGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_other_period_is_as_long),
        cmocka_unit_test(test_without_an_end_it_is_now),
        cmocka_unit_test(test_periods_may_touch_on_either_side),
        cmocka_unit_test(test_periods_may_not_overlap),
        cmocka_unit_test(test_what_cannot_be_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
