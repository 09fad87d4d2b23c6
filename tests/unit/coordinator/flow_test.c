// SPDX-License-Identifier: Apache-2.0
#include "coordinator/flow.h"

#include "tests/unit/cmocka_all.h"

static void
test_each_second_has_what_was_read_in_it(void **state)
{
    flow_t f = {0};

    (void)state;
    assert_false(flow_note(&f, 500, 1000)); // before there was a flow
    assert_false(flow_note(&f, 600, 1900));
    assert_true(flow_note(&f, 700, 2000));
    assert_false(flow_note(&f, 750, 2999));
    assert_true(flow_note(&f, 1700, 3010));
    CHECK_U64(f.n, 2);
    CHECK_U64(flow_at(&f, 0), 200);
    CHECK_U64(flow_at(&f, 1), 1000);
    CHECK_U64(flow_at(&f, 2), 0);
}

static void
test_seconds_that_nobody_saw_share_what_was_read(void **state)
{
    flow_t f = {0};

    (void)state;
    (void)flow_note(&f, 0, 0);
    (void)flow_note(&f, 0, 1);
    assert_true(flow_note(&f, 100, 3001));
    CHECK_U64(f.n, 3);
    CHECK_U64(flow_at(&f, 0), 33);
    CHECK_U64(flow_at(&f, 2), 33);
    assert_true(flow_note(&f, 100, 4001));
    CHECK_U64(flow_at(&f, 3), 1); // nothing is lost
}

static void
test_old_seconds_are_forgotten(void **state)
{
    flow_t f = {0};
    int64_t now = 1;

    (void)state;
    (void)flow_note(&f, 0, now);
    for (uint64_t i = 1; i <= FLOW_SECONDS + 10; i++) {
        (void)flow_note(&f, i * 7, now += 1000);
    }
    CHECK_U64(flow_at(&f, 9), 0);
    CHECK_U64(flow_at(&f, 10), 7);
    CHECK_U64(flow_at(&f, FLOW_SECONDS + 9), 7);
    (void)flow_note(&f, (FLOW_SECONDS + 10) * 7, now += INT64_C(1000) * 86400);
    CHECK_U64(f.n, FLOW_SECONDS + 10 + 86400);
    CHECK_U64(flow_at(&f, f.n - FLOW_SECONDS), 0);
    CHECK_U64(flow_at(&f, f.n - 1), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_second_has_what_was_read_in_it),
        cmocka_unit_test(test_seconds_that_nobody_saw_share_what_was_read),
        cmocka_unit_test(test_old_seconds_are_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
