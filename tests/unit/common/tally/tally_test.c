// SPDX-License-Identifier: Apache-2.0
#include "common/tally/tally.h"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#define BUDGET   ((size_t)64 << 20)
#define TEXT_MAX 32u

static query_agg_t aggs[] = {{.func = AGG_COUNT}};
static query_key_t query_keys[1];
static const query_t query = {
    .keys = query_keys, .n_keys = 1, .aggs = aggs, .n_aggs = 1};

typedef struct batch {
    char text[TALLY_BATCH][TEXT_MAX];
    span_t keys[TALLY_BATCH];
    uint32_t groups[TALLY_BATCH];
} batch_t;

// n keys of `distinct` different ones, the same for the same seed.
static void
fill_batch(batch_t *b, size_t n, uint32_t distinct, uint32_t *seed)
{
    for (size_t i = 0; i < n; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        snprintf(b->text[i], TEXT_MAX, "/path/%u", (*seed >> 8) % distinct);
        b->keys[i] = span_str(b->text[i]);
    }
}

// The same keys one by one and in batches of all sizes, into two tables.
static void
test_a_batch_finds_what_single_lookups_find(void **state)
{
    tally_t *one = tally_new(&query, BUDGET);
    tally_t *many = tally_new(&query, BUDGET);
    uint32_t seed = 5;
    batch_t b;

    (void)state;
    for (size_t round = 0; round < 2000; round++) {
        size_t n = round % (TALLY_BATCH + 1);
        fill_batch(&b, n, 20000, &seed);
        CHECK_OK(tally_groups_find(many, b.keys, n, b.groups));
        for (size_t i = 0; i < n; i++) {
            agg_state_t *states;
            CHECK_OK(tally_group(one, b.keys[i], &states));
            CHECK_U64(b.groups[i], tally_number(one, states));
            assert_true(span_eq(tally_entry(many, b.groups[i]).key, b.keys[i]));
        }
    }
    CHECK_U64(tally_groups(one), tally_groups(many));
    tally_destroy(&one);
    tally_destroy(&many);
}

static void
test_equal_keys_in_one_batch_are_one_group(void **state)
{
    tally_t *tally = tally_new(&query, BUDGET);
    uint32_t seed = 1;
    batch_t b;

    (void)state;
    fill_batch(&b, TALLY_BATCH, 1, &seed);
    CHECK_OK(tally_groups_find(tally, b.keys, TALLY_BATCH, b.groups));
    for (size_t i = 0; i < TALLY_BATCH; i++) {
        CHECK_U64(b.groups[i], 0);
    }
    CHECK_U64(tally_groups(tally), 1);
    tally_destroy(&tally);
}

// Keys of all lengths up to some blocks of the arena, the empty one too.
static void
test_keys_of_any_length_are_kept(void **state)
{
    enum { LONGEST = 1 << 20 };
    static uint8_t text[LONGEST];
    tally_t *tally = tally_new(&query, BUDGET);
    uint32_t group;

    (void)state;
    memset(text, 'x', sizeof text);
    for (int again = 0; again < 2; again++) {
        uint32_t number = 0;
        for (size_t len = 0; len < LONGEST; len = len * 5 / 4 + 1) {
            span_t key = {text, len};
            CHECK_OK(tally_groups_find(tally, &key, 1, &group));
            CHECK_U64(group, number);
            number++;
        }
    }
    for (uint32_t g = 0; g < tally_groups(tally); g++) {
        span_t key = tally_entry(tally, g).key;
        assert_true(key.len == 0 || memcmp(key.p, text, key.len) == 0);
    }
    tally_destroy(&tally);
}

static void
test_a_batch_over_the_budget_keeps_its_first_groups(void **state)
{
    tally_t *tally = tally_new(&query, 600 << 10);
    uint32_t seed = 9;
    errcode_t rc = ERR_OK;
    batch_t b;

    (void)state;
    while (rc == ERR_OK) {
        fill_batch(&b, TALLY_BATCH, 1u << 24, &seed);
        rc = tally_groups_find(tally, b.keys, TALLY_BATCH, b.groups);
    }
    CHECK_ERR(rc, ERR_TOO_LARGE);
    assert_true(tally_bytes(tally) <= 600 << 10);
    size_t n = tally_groups(tally);
    span_t last = tally_entry(tally, n - 1).key;
    CHECK_OK(tally_groups_find(tally, &last, 1, b.groups));
    CHECK_U64(b.groups[0], n - 1);
    tally_destroy(&tally);
}

// The room is taken at once, and all that is counted is found again.
static void
test_expected_groups_find_room_made(void **state)
{
    tally_t *tally = tally_new(&query, BUDGET);
    tally_t *grown = tally_new(&query, BUDGET);
    uint32_t seed = 7, again = 7;
    batch_t b, c;

    (void)state;
    tally_expect(tally, 3000);
    size_t before = tally_bytes(tally);
    assert_true(before >= 3000 * (8 + 16));
    for (size_t round = 0; round < 40; round++) {
        fill_batch(&b, TALLY_BATCH, 1u << 24, &seed);
        fill_batch(&c, TALLY_BATCH, 1u << 24, &again);
        CHECK_OK(tally_groups_find(tally, b.keys, TALLY_BATCH, b.groups));
        CHECK_OK(tally_groups_find(grown, c.keys, TALLY_BATCH, c.groups));
        assert_memory_equal(b.groups, c.groups, sizeof b.groups);
    }
    CHECK_U64(tally_bytes(tally), tally_bytes(grown));
    tally_expect(tally, 10); // there are more already
    CHECK_U64(tally_bytes(tally), tally_bytes(grown));
    tally_destroy(&tally);
    tally_destroy(&grown);
}

static void
test_more_than_the_budget_may_be_expected(void **state)
{
    tally_t *tally = tally_new(&query, 600 << 10);
    uint32_t seed = 9;
    batch_t b;

    (void)state;
    tally_expect(tally, 1u << 24);
    tally_expect(tally, SIZE_MAX);
    assert_true(tally_bytes(tally) <= 600 << 10);
    fill_batch(&b, TALLY_BATCH, 1u << 24, &seed);
    CHECK_OK(tally_groups_find(tally, b.keys, TALLY_BATCH, b.groups));
    CHECK_U64(tally_groups(tally), TALLY_BATCH);
    tally_destroy(&tally);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_batch_finds_what_single_lookups_find),
        cmocka_unit_test(test_equal_keys_in_one_batch_are_one_group),
        cmocka_unit_test(test_keys_of_any_length_are_kept),
        cmocka_unit_test(test_a_batch_over_the_budget_keeps_its_first_groups),
        cmocka_unit_test(test_expected_groups_find_room_made),
        cmocka_unit_test(test_more_than_the_budget_may_be_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
