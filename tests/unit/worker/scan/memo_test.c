// SPDX-License-Identifier: Apache-2.0
#include "worker/scan/memo.h"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

static void
test_what_was_put_is_there(void **state)
{
    memo_t *memo = memo_new();
    span_t raw = SPAN_LIT("200");
    memo_entry_t *entry = memo_at(memo, raw);

    (void)state;
    assert_false(memo_is(entry, raw));
    memo_put(entry, raw, 7, 1);
    entry = memo_at(memo, raw);
    assert_true(memo_is(entry, raw));
    CHECK_U64(entry->group, 7);
    CHECK_U64(entry->bad, 1);
    assert_false(memo_is(entry, SPAN_LIT("20")));
    assert_false(memo_is(entry, SPAN_LIT("201")));
    memo_forget(memo);
    assert_false(memo_is(memo_at(memo, raw), raw));
    memo_destroy(&memo);
}

static void
test_nothing_is_a_key_too(void **state)
{
    memo_t *memo = memo_new();
    span_t none = SPAN_LIT("");
    memo_entry_t *entry = memo_at(memo, none);

    (void)state;
    assert_false(memo_is(entry, none));
    memo_put(entry, none, 3, 0);
    assert_true(memo_is(memo_at(memo, none), none));
    memo_destroy(&memo);
}

// Many keys share a place; none is ever taken for another.
static void
test_a_newcomer_is_not_taken_for_who_was_there(void **state)
{
    memo_t *memo = memo_new();

    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        char text[16];
        span_t raw = {(uint8_t *)text, (size_t)sprintf(text, "%u", i)};
        memo_entry_t *entry = memo_at(memo, raw);
        assert_false(memo_is(entry, raw));
        memo_put(entry, raw, i, 0);
        CHECK_U64(memo_at(memo, raw)->group, i);
    }
    memo_destroy(&memo);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_put_is_there),
        cmocka_unit_test(test_nothing_is_a_key_too),
        cmocka_unit_test(test_a_newcomer_is_not_taken_for_who_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
