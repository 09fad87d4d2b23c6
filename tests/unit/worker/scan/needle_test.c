// SPDX-License-Identifier: Apache-2.0
#include "worker/scan/needle.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

// At every place of blocks of every length, in memory that ends with them.
static void
test_a_needle_is_found_wherever_it_is(void **state)
{
    static const char *const texts[] = {"n", "ne", "needle in hay"};

    (void)state;
    for (size_t t = 0; t < 3; t++) {
        span_t needle = span_str(texts[t]);
        for (size_t len = needle.len; len < 60; len++) {
            uint8_t *block = test_malloc(len);
            for (size_t at = 0; at + needle.len <= len; at++) {
                memset(block, 'x', len);
                memcpy(block + at, needle.p, needle.len);
                assert_ptr_equal(
                    needle_find(needle, block, block + len), block + at);
            }
            memset(block, 'x', len);
            assert_null(needle_find(needle, block, block + len));
            test_free(block);
        }
    }
}

// First and last byte at their distance are not enough.
static void
test_what_only_looks_like_it_is_passed(void **state)
{
    static const uint8_t hay[] = "abxdabydabzdabcx................abcd..abcd";
    const uint8_t *end = hay + sizeof hay - 1;

    (void)state;
    assert_ptr_equal(needle_find(SPAN_LIT("abcd"), hay, end), hay + 32);
    assert_ptr_equal(needle_find(SPAN_LIT("abcd"), hay + 33, end), hay + 38);
    assert_null(needle_find(SPAN_LIT("abce"), hay, end));
    assert_null(needle_find(SPAN_LIT("a"), end, end));
}

static void
test_lines_are_counted(void **state)
{
    uint8_t block[10000];

    (void)state;
    memset(block, '\n', sizeof block);
    for (size_t len = 0; len < sizeof block; len += 37) {
        CHECK_U64(needle_lines(block, block + len), len);
    }
    memset(block, 'x', sizeof block);
    block[5] = block[17] = block[9999] = '\n';
    CHECK_U64(needle_lines(block, block + sizeof block), 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_needle_is_found_wherever_it_is),
        cmocka_unit_test(test_what_only_looks_like_it_is_passed),
        cmocka_unit_test(test_lines_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
