// SPDX-License-Identifier: Apache-2.0
// The table under keys that were made to collide: with its hash replaced by
// one of which we know the collisions.
#define XXH_INLINE_ALL
#include <xxhash.h>

#undef XXH3_64bits_withSeed
#define XXH3_64bits_withSeed(p, len, seed) flooded((p), (len), (seed))
static unsigned long long flooded(
    const void *p, size_t len, unsigned long long seed);

#include "common/tally/keytable.c"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>

#define BUDGET ((size_t)64 << 20)
#define N_KEYS 20000u

static unsigned long long
flooded(const void *p, size_t len, unsigned long long secret)
{
    (void)p;
    (void)len;
    return secret;
}

static void
count_all(keytable_t *table)
{
    char text[TALLY_BATCH][16];
    span_t keys[TALLY_BATCH];
    uint32_t groups[TALLY_BATCH];

    for (size_t i = 0; i < N_KEYS; i += TALLY_BATCH) {
        for (size_t k = 0; k < TALLY_BATCH; k++) {
            snprintf(text[k], sizeof text[k], "%zu", (i + k) % N_KEYS);
            keys[k] = span_str(text[k]);
        }
        CHECK_OK(keytable_find_batch(table, keys, TALLY_BATCH, groups));
        for (size_t k = 0; k < TALLY_BATCH; k++) {
            assert_true(span_eq(keytable_key(table, groups[k]), keys[k]));
        }
    }
}

// Twenty thousand equal hashes would be 200 million probes.
static void
test_colliding_keys_are_hashed_anew(void **state)
{
    budget_t budget = {.limit = BUDGET};
    keytable_t *table = keytable_new(1, &budget);

    (void)state;
    count_all(table);
    assert_true(keytable_attacked(table));
    CHECK_U64(keytable_count(table), N_KEYS);
    count_all(table);
    CHECK_U64(keytable_count(table), N_KEYS);
    keytable_destroy(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_colliding_keys_are_hashed_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
