// SPDX-License-Identifier: Apache-2.0
#include "coordinator/rate.h"

#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

static void
test_no_rate_before_a_second(void **state)
{
    rate_t r = {0};

    (void)state;
    assert_int_equal(rate_get(&r), 0);
    rate_add(&r, 5000, 700);
    assert_int_equal(rate_get(&r), 0);
    rate_add(&r, 5999, 800);
    assert_int_equal(rate_get(&r), 0);
    rate_add(&r, 6000, 800);
    assert_int_equal(rate_get(&r), 100);
}

// What it did an hour ago, or not at all, says nothing about now.
static void
test_only_the_last_seconds_count(void **state)
{
    rate_t r = {0};
    uint64_t n = 0;

    (void)state;
    for (uint64_t ms = 0; ms <= 60000; ms += 100) {
        rate_add(&r, ms, n);
    }
    assert_int_equal(rate_get(&r), 0);
    for (uint64_t ms = 60100; ms <= 72000; ms += 100) {
        rate_add(&r, ms, n += 500);
    }
    assert_in_range(rate_get(&r), 4999, 5001);
    rate_add(&r, 3600000, n);
    assert_int_equal(rate_get(&r), 0);
}

static void
test_what_is_taken_back_is_no_rate(void **state)
{
    rate_t r = {0};

    (void)state;
    rate_add(&r, 0, 9000);
    rate_add(&r, 2000, 4000);
    assert_int_equal(rate_get(&r), 0);
    rate_add(&r, 4000, 9400);
    assert_int_equal(rate_get(&r), 100);
}

static void
test_another_clock_begins_anew(void **state)
{
    rate_t r = {0};

    (void)state;
    rate_add(&r, 90000, 100);
    rate_add(&r, 95000, 90000);
    rate_add(&r, 10, 100);
    assert_int_equal(rate_get(&r), 0);
    rate_add(&r, 2010, 300);
    assert_int_equal(rate_get(&r), 100);
}

// However often and late it is told: never above what happened.
static void
test_any_times(void **state)
{
    (void)state;
    srandom(1);
    for (unsigned run = 0; run < 200; run++) {
        rate_t r = {0};
        uint64_t ms = (uint64_t)random(), n = 0;
        uint64_t step = 1 + (uint64_t)random() % 3000;
        for (unsigned i = 0; i < 300; i++) {
            uint64_t passed = (uint64_t)random() % step;
            rate_add(&r, ms += passed, n += passed * 7);
            assert_true(r.n_at <= RATE_POINTS);
            uint64_t rate = rate_get(&r);
            assert_true(rate == 0 || rate == 7000);
        }
        assert_int_equal(rate_get(&r), step < 10 ? rate_get(&r) : 7000);
    }
    rate_t r = {0};
    rate_add(&r, 0, 0);
    rate_add(&r, UINT64_MAX, UINT64_MAX);
    assert_int_equal(rate_get(&r), 1000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_rate_before_a_second),
        cmocka_unit_test(test_only_the_last_seconds_count),
        cmocka_unit_test(test_what_is_taken_back_is_no_rate),
        cmocka_unit_test(test_another_clock_begins_anew),
        cmocka_unit_test(test_any_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
