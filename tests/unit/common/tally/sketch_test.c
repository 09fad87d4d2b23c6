// SPDX-License-Identifier: Apache-2.0
#include "common/tally/sketch.h"

#include "tests/unit/cmocka_all.h"

#include <math.h>

#define DEC_MOST ((dec_t)(~(u128_t)0 >> 1))

// Ten thousandths that `shown` is away from v.
static bool
is_near(dec_t shown, dec_t v)
{
    long double off = fabsl((long double)shown - (long double)v);

    return off <= 0.01L * fabsl((long double)v);
}

static void
check(dec_t v)
{
    int bucket = sketch_bucket(v);

    assert_true(sketch_has(bucket));
    assert_true(is_near(sketch_value(bucket, false), v));
    if (v % DEC_ONE == 0) {
        assert_true(is_near(sketch_value(bucket, true), v));
    }
    assert_int_equal(sketch_bucket(-v), -bucket);
}

// Both ends of every bucket, found by bisection, and its first integer.
static void
test_every_bucket_tells_to_one_percent(void **state)
{
    dec_t first = 1;

    (void)state;
    for (int bucket = 1; sketch_has(bucket + 1); bucket++) {
        dec_t low = first, high = first;
        while (sketch_bucket(high) == bucket) {
            high = high > DEC_MOST / 2 ? DEC_MOST : high * 2;
        }
        while (high - low > 1) {
            dec_t middle = low + (high - low) / 2;
            *(sketch_bucket(middle) == bucket ? &low : &high) = middle;
        }
        check(first);
        check(low);
        dec_t whole = (first + DEC_ONE - 1) / DEC_ONE * DEC_ONE;
        if (whole <= low) {
            check(whole);
        }
        first = high;
    }
    check(DEC_MOST);
}

static void
test_small_integers_are_exact(void **state)
{
    (void)state;
    for (dec_t n = 0; n <= 50; n++) {
        assert_true(
            sketch_value(sketch_bucket(DEC_INT(n)), true) == DEC_INT(n));
        assert_true(
            sketch_value(sketch_bucket(DEC_INT(-n)), true) == DEC_INT(-n));
    }
}

static void
test_the_least_number_has_a_bucket(void **state)
{
    int bucket = sketch_bucket(-DEC_MOST - 1);

    (void)state;
    assert_true(sketch_has(bucket));
    assert_false(sketch_has(bucket - 1));
    assert_true(sketch_value(bucket, false) < 0);
    assert_true(sketch_value(bucket, true) < 0);
}

static void
test_values_have_four_digits(void **state)
{
    (void)state;
    for (dec_t v = 123456789012345; v > 0; v = v * 7 / 10) {
        dec_t shown = sketch_value(sketch_bucket(v), false);
        while (shown > 9999) {
            assert_true(shown % 10 == 0);
            shown /= 10;
        }
    }
}

static void
test_ranks(void **state)
{
    (void)state;
    CHECK_U64(sketch_rank(0, 10), 0);
    CHECK_U64(sketch_rank(DEC_ONE, 10), 9);
    CHECK_U64(sketch_rank(DEC_ONE / 2, 10), 4);
    CHECK_U64(sketch_rank(DEC_ONE / 2, 1), 0);
    CHECK_U64(sketch_rank(DEC_ONE, UINT64_MAX - 1), UINT64_MAX - 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bucket_tells_to_one_percent),
        cmocka_unit_test(test_small_integers_are_exact),
        cmocka_unit_test(test_the_least_number_has_a_bucket),
        cmocka_unit_test(test_values_have_four_digits),
        cmocka_unit_test(test_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
