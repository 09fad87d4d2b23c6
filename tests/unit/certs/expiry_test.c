// SPDX-License-Identifier: Apache-2.0
#include "certs/expiry.h"

#include "tests/unit/cmocka_all.h"

static void
test_a_day_ends_with_its_last_second(void **state)
{
    int64_t day, next;

    (void)state;
    CHECK_OK(expiry_parse(SPAN_LIT("2024-02-29"), &day));
    CHECK_OK(expiry_parse(SPAN_LIT("2024-03-01T00:00:00Z"), &next));
    CHECK_U64(day, 1709251200);
    CHECK_U64(day, next);
}

static void
test_what_is_no_date_is_refused(void **state)
{
    static const char *const wrong[] = {"", "2024", "2024-2-9", "2023-02-29",
        "2024-13-01", "2024-00-10", "2024-01-32", "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z", "2024-01-01T00:00:00",
        "2024-01-01 00:00:00Z", "1969-12-31", "2024-01-01Z", "never",
        "99999-01-01"};
    int64_t out;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_ERR(expiry_parse(span_str(wrong[i]), &out), ERR_MALFORMED);
    }
}

static void
test_what_is_printed_parses_back(void **state)
{
    static const int64_t values[] = {1, 1709251199, 1709251200, 4102444800};
    char text[EXPIRY_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        int64_t back;
        expiry_print(values[i], text);
        CHECK_OK(expiry_parse(span_str(text), &back));
        CHECK_U64(back, values[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_day_ends_with_its_last_second),
        cmocka_unit_test(test_what_is_no_date_is_refused),
        cmocka_unit_test(test_what_is_printed_parses_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
