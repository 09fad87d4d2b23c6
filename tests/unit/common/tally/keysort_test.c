// SPDX-License-Identifier: Apache-2.0
#include "common/tally/tally.h"

#include "common/base/xalloc.h"
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#define BUDGET ((size_t)256 << 20)

static query_agg_t aggs[] = {{.func = AGG_COUNT}};
static query_key_t query_keys[1];
static const query_t query = {
    .keys = query_keys, .n_keys = 1, .aggs = aggs, .n_aggs = 1};

static uint32_t seed = 3;

static uint32_t
any(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static void
add(tally_t *tally, const void *p, size_t len)
{
    uint32_t group;
    span_t key = {p, len};

    CHECK_OK(tally_groups_find(tally, &key, 1, &group));
}

// Every group once, and each key above the one before.
static void
check_order(tally_t *tally)
{
    size_t ends[TALLY_PARTS];
    tally_list_groups(tally, 1, ends);
    size_t n = ends[0];
    const uint32_t *sorted = tally_sort_next(tally, n);
    uint8_t *seen = xcalloc(n + 1, 1);

    CHECK_U64(n, tally_groups(tally));
    for (size_t i = 0; i < n; i++) {
        assert_true(sorted[i] < n && seen[sorted[i]]++ == 0);
        assert_true(i == 0 || span_cmp(tally_entry(tally, sorted[i - 1]).key,
                                  tally_entry(tally, sorted[i]).key) < 0);
    }
    free(seen);
}

// n keys of up to `longest` bytes, each byte one of `letters`.
static void
check_random(size_t n, uint32_t longest, uint32_t letters)
{
    tally_t *tally = tally_new(&query, BUDGET);
    uint8_t key[256];

    for (size_t i = 0; i < n; i++) {
        size_t len = any(longest + 1);
        for (size_t k = 0; k < len; k++) {
            key[k] = (uint8_t)any(letters);
        }
        add(tally, key, len);
    }
    check_order(tally);
    tally_destroy(&tally);
}

static void
test_keys_of_all_kinds_come_in_order(void **state)
{
    static const uint32_t longest[] = {0, 1, 7, 8, 9, 17, 64, 255};
    static const uint32_t letters[] = {1, 2, 3, 255};
    static const size_t many[] = {1, 2, 11, 12, 13, 191, 192, 193, 5000};

    (void)state;
    for (size_t l = 0; l < sizeof longest / sizeof *longest; l++) {
        for (size_t c = 0; c < sizeof letters / sizeof *letters; c++) {
            for (size_t n = 0; n < sizeof many / sizeof *many; n++) {
                check_random(many[n], longest[l], letters[c]);
            }
        }
    }
}

static void
test_an_empty_table_has_no_order(void **state)
{
    tally_t *tally = tally_new(&query, BUDGET);

    (void)state;
    check_order(tally);
    tally_destroy(&tally);
}

// Zeros at the end of a key are no padding.
static void
test_keys_that_are_only_zeros_come_by_length(void **state)
{
    static const uint8_t zeros[3000];
    tally_t *tally = tally_new(&query, BUDGET);

    (void)state;
    for (size_t i = 0; i < sizeof zeros; i++) {
        add(tally, zeros, (i * 7919) % sizeof zeros);
    }
    check_order(tally);
    tally_destroy(&tally);
}

// Keys that differ only ever deeper must not use up the stack.
static void
test_keys_made_to_be_deep_come_in_order(void **state)
{
    enum { DEEP = 12000 };
    static uint8_t key[DEEP];
    tally_t *tally = tally_new(&query, BUDGET);

    (void)state;
    memset(key, 'x', sizeof key);
    for (size_t at = 0; at < DEEP; at += 8) {
        key[at] = 'y';
        add(tally, key, sizeof key);
        key[at] = 'x';
    }
    check_order(tally);
    tally_destroy(&tally);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_of_all_kinds_come_in_order),
        cmocka_unit_test(test_an_empty_table_has_no_order),
        cmocka_unit_test(test_keys_that_are_only_zeros_come_by_length),
        cmocka_unit_test(test_keys_made_to_be_deep_come_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
