// SPDX-License-Identifier: Apache-2.0
#include "certs/keylock.h"

#include "tests/unit/cmocka_all.h"

#include <sodium.h>
#include <string.h>

static const keylock_cost_t cheap = {1, 8192};

static void
lock(keylock_t *out, uint8_t secret[KEY_LEN])
{
    assert_true(sodium_init() >= 0);
    randombytes_buf(secret, KEY_LEN);
    CHECK_OK(keylock_close(secret, SPAN_LIT("correct horse"), &cheap, out));
}

static void
test_the_passphrase_opens_it(void **state)
{
    keylock_t a, b;
    uint8_t secret[KEY_LEN], back[KEY_LEN] = {0};

    (void)state;
    lock(&a, secret);
    CHECK_OK(keylock_open(&a, SPAN_LIT("correct horse"), back));
    assert_memory_equal(back, secret, KEY_LEN);
    // Twice the same is not the same: who sees both learns nothing.
    CHECK_OK(keylock_close(secret, SPAN_LIT("correct horse"), &cheap, &b));
    assert_memory_not_equal(a.salt, b.salt, sizeof a.salt);
    assert_memory_not_equal(a.box, b.box, sizeof a.box);
}

static void
test_no_other_passphrase_opens_it(void **state)
{
    static const char *const others[] = {
        "", "correct horse ", "correct hors", "Correct horse"};
    keylock_t l;
    uint8_t secret[KEY_LEN], back[KEY_LEN] = {0};

    (void)state;
    lock(&l, secret);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        CHECK_ERR(keylock_open(&l, span_str(others[i]), back), ERR_AUTH);
        assert_memory_not_equal(back, secret, KEY_LEN);
    }
}

// Every bit of it matters: salt, nonce, box.
static void
test_a_changed_lock_does_not_open(void **state)
{
    keylock_t l;
    uint8_t secret[KEY_LEN], back[KEY_LEN];
    uint8_t *parts[] = {l.salt, l.nonce, l.box};
    const size_t lens[] = {sizeof l.salt, sizeof l.nonce, sizeof l.box};

    (void)state;
    lock(&l, secret);
    for (size_t i = 0; i < 3; i++) {
        for (size_t bit = 0; bit < lens[i] * 8; bit++) {
            parts[i][bit / 8] ^= (uint8_t)(1u << bit % 8);
            CHECK_ERR(
                keylock_open(&l, SPAN_LIT("correct horse"), back), ERR_AUTH);
            parts[i][bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    l.cost.ops = 2;
    CHECK_ERR(keylock_open(&l, SPAN_LIT("correct horse"), back), ERR_AUTH);
}

// The limits are looked at before a byte is taken: 8 x 1 GiB would take
// seconds, so it is the check that is asked.
static bool
takes_passes(uint64_t n)
{
    return keylock_cost_is_valid(&(keylock_cost_t){n, 8192});
}

static bool
takes_memory(uint64_t bytes)
{
    return keylock_cost_is_valid(&(keylock_cost_t){1, bytes});
}

static void
test_limits(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_KDF_OPS, takes_passes);
    CHECK_LIMIT(LIMIT_KDF_MEMORY, takes_memory);
}

static void
test_no_more_is_paid_than_the_limits(void **state)
{
    keylock_t l;
    uint8_t secret[KEY_LEN], back[KEY_LEN];

    (void)state;
    lock(&l, secret);
    assert_true(keylock_cost_is_valid(
        &(keylock_cost_t){LIMIT_KDF_OPS, LIMIT_KDF_MEMORY}));
    l.cost = (keylock_cost_t){LIMIT_KDF_OPS + 1, 8192};
    CHECK_ERR(keylock_open(&l, SPAN_LIT("correct horse"), back), ERR_TOO_LARGE);
    l.cost = (keylock_cost_t){1, LIMIT_KDF_MEMORY + 1};
    CHECK_ERR(keylock_open(&l, SPAN_LIT("correct horse"), back), ERR_TOO_LARGE);
    l.cost = (keylock_cost_t){0, 8192};
    CHECK_ERR(keylock_open(&l, SPAN_LIT("correct horse"), back), ERR_TOO_LARGE);
    l.cost = (keylock_cost_t){1, 8191};
    CHECK_ERR(keylock_open(&l, SPAN_LIT("correct horse"), back), ERR_TOO_LARGE);
    assert_true(keylock_cost_is_valid(&keylock_usual));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_the_passphrase_opens_it),
        cmocka_unit_test(test_no_other_passphrase_opens_it),
        cmocka_unit_test(test_a_changed_lock_does_not_open),
        cmocka_unit_test(test_no_more_is_paid_than_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
