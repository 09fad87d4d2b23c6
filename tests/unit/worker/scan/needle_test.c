// SPDX-License-Identifier: Apache-2.0
#include "worker/scan/needle.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

// What is found, and the newlines before it, by reading byte by byte.
static const uint8_t *
find_slowly(
    span_t text, const uint8_t *p, const uint8_t *end, uint64_t *newlines)
{
    *newlines = 0;
    for (; p < end; p++) {
        if ((size_t)(end - p) >= text.len && memcmp(p, text.p, text.len) == 0) {
            return p;
        }
        *newlines += *p == '\n';
    }
    return NULL;
}

// By every kind of search that this processor has.
static void
check(const needle_t *needle, const uint8_t *p, const uint8_t *end)
{
    uint64_t expected, newlines;
    const uint8_t *hit = find_slowly(needle->text, p, end, &expected);

    assert_ptr_equal(needle_find(needle, p, end, &newlines), hit);
    CHECK_U64(newlines, expected);
    for (size_t i = 0; i < NEEDLE_FINDERS; i++) {
        needle_find_t *find = needle_finder_at(i);
        if (find != NULL) {
            newlines = 77;
            assert_ptr_equal(find(needle, p, end, &newlines), hit);
            CHECK_U64(newlines, expected);
        }
    }
}

// At every place of blocks of every length, in memory that ends with them.
static void
test_a_needle_is_found_wherever_it_is(void **state)
{
    static const char *const texts[] = {"n", "ne", "needle in hay"};

    (void)state;
    for (size_t t = 0; t < 3; t++) {
        needle_t needle = needle_new(span_str(texts[t]));
        for (size_t len = needle.text.len; len < 150; len++) {
            uint8_t *block = test_malloc(len);
            for (size_t at = 0; at + needle.text.len <= len; at++) {
                memset(block, at % 3 == 0 ? '\n' : 'x', len);
                memcpy(block + at, needle.text.p, needle.text.len);
                check(&needle, block, block + len);
            }
            memset(block, 'x', len);
            check(&needle, block, block + len);
            test_free(block);
        }
    }
}

// Two bytes at their distance are not enough.
static void
test_what_only_looks_like_it_is_passed(void **state)
{
    static const uint8_t hay[] =
        "abxdabydabzdabcx................................................."
        "...........................abcd..abcd";
    const uint8_t *end = hay + sizeof hay - 1;
    needle_t needle = needle_new(SPAN_LIT("abcd"));
    needle_t other = needle_new(SPAN_LIT("abce"));
    uint64_t newlines;

    (void)state;
    assert_ptr_equal(needle_find(&needle, hay, end, &newlines), end - 10);
    assert_ptr_equal(needle_find(&needle, end - 9, end, &newlines), end - 4);
    check(&needle, hay, end);
    check(&other, hay, end);
    check(&other, end, end);
}

// Whatever a sample says of the bytes, the same places are found.
static void
test_what_is_rare_changes_no_answer(void **state)
{
    static const char *const samples[] = {
        "", "e", "needle", "nnnnnnnnnnleeeed", "nedleeddlnnnn"};
    uint8_t hay[4096];
    uint32_t seed = 7;

    (void)state;
    for (size_t i = 0; i < sizeof hay; i++) {
        seed = seed * 1664525u + 1013904223u;
        hay[i] = (uint8_t) "nedl\n"[(seed >> 16) % 5];
    }
    for (size_t s = 0; s < 5; s++) {
        static const char *const texts[] = {
            "d", "ee", "lend", "needle", "eeeen"};
        for (size_t t = 0; t < 5; t++) {
            needle_t needle = needle_new(span_str(texts[t]));
            needle_learn(&needle, span_str(samples[s]));
            assert_true(needle.text.len == 1 || needle.a != needle.b);
            for (size_t at = 0; at < sizeof hay; at += 61) {
                check(&needle, hay + at, hay + sizeof hay);
            }
        }
    }
}

static void
test_lines_are_counted(void **state)
{
    uint8_t block[10000];
    needle_t needle = needle_new(SPAN_LIT("n"));

    (void)state;
    memset(block, '\n', sizeof block);
    for (size_t len = 0; len < sizeof block; len += 37) {
        check(&needle, block, block + len);
    }
    memset(block, 'x', sizeof block);
    block[5] = block[17] = block[9999] = '\n';
    check(&needle, block, block + sizeof block);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_needle_is_found_wherever_it_is),
        cmocka_unit_test(test_what_only_looks_like_it_is_passed),
        cmocka_unit_test(test_what_is_rare_changes_no_answer),
        cmocka_unit_test(test_lines_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
