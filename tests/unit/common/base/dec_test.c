// SPDX-License-Identifier: Apache-2.0
#include "common/base/dec.h"

#include "tests/unit/cmocka_all.h"

static dec_t
dec(const char *s)
{
    dec_t v = 0;

    CHECK_OK(dec_parse(span_str(s), &v));
    return v;
}

static void
check_text(dec_t v, const char *want)
{
    char text[DEC_TEXT_MAX];

    dec_format(v, text);
    assert_string_equal(text, want);
}

static const dec_t top = (dec_t)(~(u128_t)0 >> 1);

static void
test_texts_come_back(void **state)
{
    static const char *const texts[] = {"0", "-1", "0.000000001", "12.5",
        "-0.05", "170141183460469231731687303715.884105727",
        "-170141183460469231731687303715.884105728"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        check_text(dec(texts[i]), texts[i]);
    }
}

static void
test_wrong_texts_are_refused(void **state)
{
    static const char *const texts[] = {
        "", "-", ".5", "5.", "1e3", " 1", "+1", "1.0000000001", "0x1"};
    dec_t v;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK_ERR(dec_parse(span_str(texts[i]), &v), ERR_MALFORMED);
    }
    CHECK_ERR(
        dec_parse(span_str("170141183460469231731687303715.884105728"), &v),
        ERR_OVERFLOW);
}

static void
test_division_rounds_halves_to_even(void **state)
{
    dec_t v;

    (void)state;
    CHECK_OK(dec_div(dec("1"), dec("3"), &v));
    check_text(v, "0.333333333");
    CHECK_OK(dec_div(dec("0.000000001"), dec("2"), &v));
    check_text(v, "0");
    CHECK_OK(dec_div(dec("0.000000003"), dec("2"), &v));
    check_text(v, "0.000000002");
    CHECK_OK(dec_div(dec("-404"), dec("100"), &v));
    check_text(v, "-4.04");
    CHECK_ERR(dec_div(dec("1"), 0, &v), ERR_NOT_FOUND);
}

static void
test_products_of_256_bits_come_back_or_overflow(void **state)
{
    dec_t v;

    (void)state;
    CHECK_OK(dec_mul(top, dec("1"), &v));
    assert_true(v == top);
    CHECK_OK(dec_mul(-top - 1, dec("1"), &v));
    assert_true(v == -top - 1);
    CHECK_OK(dec_mul(dec("12345678901234.5"), dec("-1000000000000000"), &v));
    check_text(v, "-12345678901234500000000000000");
    CHECK_ERR(dec_mul(top, dec("1.000000001"), &v), ERR_OVERFLOW);
    CHECK_ERR(dec_mul(-top - 1, dec("-1"), &v), ERR_OVERFLOW);
    CHECK_ERR(dec_div(top, dec("0.5"), &v), ERR_OVERFLOW);
}

static void
test_floor_and_remainder_of_negatives(void **state)
{
    dec_t v;

    (void)state;
    CHECK_OK(dec_floor(dec("-1"), dec("5"), &v));
    check_text(v, "-5");
    CHECK_OK(dec_floor(dec("10.5"), dec("0.2"), &v));
    check_text(v, "10.4");
    CHECK_ERR(dec_floor(-top - 1, dec("5"), &v), ERR_OVERFLOW);
    CHECK_OK(dec_mod(dec("-7"), dec("5"), &v));
    check_text(v, "-2");
}

static void
test_sums_overflow_only_at_the_end(void **state)
{
    dec_sum_t sum = {0};
    dec_sum_t back = {0};
    dec_t v;

    (void)state;
    dec_sum_add(&sum, top);
    dec_sum_add(&sum, top);
    CHECK_ERR(dec_sum_value(&sum, &v), ERR_OVERFLOW);
    dec_sum_add(&back, -top);
    dec_sum_add(&back, -top);
    dec_sum_merge(&back, &sum);
    CHECK_OK(dec_sum_value(&back, &v));
    check_text(v, "0");
}

static void
test_average_rounds_halves_to_even(void **state)
{
    dec_sum_t sum = {0};
    dec_t v;

    (void)state;
    dec_sum_add(&sum, dec("-0.000000003"));
    CHECK_OK(dec_sum_avg(&sum, 2, &v));
    check_text(v, "-0.000000002");
    dec_sum_add(&sum, -top);
    dec_sum_add(&sum, -top);
    CHECK_OK(dec_sum_avg(&sum, 4, &v));
    CHECK_ERR(dec_sum_avg(&sum, 1, &v), ERR_OVERFLOW);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_come_back),
        cmocka_unit_test(test_wrong_texts_are_refused),
        cmocka_unit_test(test_division_rounds_halves_to_even),
        cmocka_unit_test(test_products_of_256_bits_come_back_or_overflow),
        cmocka_unit_test(test_floor_and_remainder_of_negatives),
        cmocka_unit_test(test_sums_overflow_only_at_the_end),
        cmocka_unit_test(test_average_rounds_halves_to_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
