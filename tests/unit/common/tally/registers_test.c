// SPDX-License-Identifier: Apache-2.0
#include "common/tally/registers.h"

#include "tests/unit/cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static uint8_t ranks[REGISTERS_BLOCKS * REGISTERS_BLOCK];

static uint64_t
estimate(void)
{
    uint32_t counts[REGISTERS_RANKS] = {0};

    for (size_t i = 0; i < sizeof ranks; i++) {
        counts[ranks[i]]++;
    }
    return registers_estimate(counts);
}

static void
add(uint64_t salt, uint64_t n)
{
    char text[64];
    int len = snprintf(text, sizeof text, "%llu/%llu", (unsigned long long)salt,
        (unsigned long long)n);
    registers_place_t at =
        registers_place((span_t){(uint8_t *)text, (size_t)len});
    uint8_t *rank = &ranks[at.block * REGISTERS_BLOCK + at.at];

    assert_true(at.at < REGISTERS_BLOCK && at.rank > 0);
    assert_true(at.rank < REGISTERS_RANKS);
    *rank = at.rank > *rank ? at.rank : *rank;
}

static void
test_few_values_are_told_nearly_exactly(void **state)
{
    (void)state;
    memset(ranks, 0, sizeof ranks);
    CHECK_U64(estimate(), 0);
    for (uint64_t n = 1; n <= 100; n++) {
        add(1, n);
        assert_true(estimate() + 1 >= n && estimate() <= n + 1);
    }
}

// Ten sets at each size: their mean error is that of the method within a
// third, and none is off by five times it.
static void
test_the_error_is_the_stated_one(void **state)
{
    static const uint64_t sizes[] = {1000, 30000, 200000};

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        double squares = 0;
        for (uint64_t salt = 0; salt < 10; salt++) {
            memset(ranks, 0, sizeof ranks);
            for (uint64_t n = 0; n < sizes[s]; n++) {
                add(salt, n);
            }
            double off = (double)estimate() / (double)sizes[s] - 1;
            assert_true(fabs(off) < 5 * 0.0082);
            squares += off * off;
        }
        assert_true(sqrt(squares / 10) < 0.0082 * 1.34);
    }
}

static void
test_registers_that_are_all_full_end_somewhere(void **state)
{
    (void)state;
    memset(ranks, REGISTERS_RANKS - 1, sizeof ranks);
    assert_true(estimate() >= (uint64_t)1e17);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_values_are_told_nearly_exactly),
        cmocka_unit_test(test_the_error_is_the_stated_one),
        cmocka_unit_test(test_registers_that_are_all_full_end_somewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
