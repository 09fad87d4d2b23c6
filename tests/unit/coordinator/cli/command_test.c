// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/command.h"

#include "tests/unit/cmocka_all.h"

static const char *const words[] = {"submit", "status", "jobs", "keys"};

static void
test_a_slip_of_the_finger_is_understood(void **state)
{
    static const char *const slips[] = {
        "submti", "sumbit", "submi", "ssubmit", "submid", "sbumit"};

    (void)state;
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        assert_string_equal(nearest(slips[i], words, 4), "submit");
    }
    assert_string_equal(nearest("job", words, 4), "jobs");
}

static void
test_another_word_is_not_guessed_at(void **state)
{
    (void)state;
    assert_null(nearest("frobnicate", words, 4));
    assert_null(nearest("", words, 4));
    assert_null(nearest(
        "a-word-that-is-longer-than-any-command-could-be-ever", words, 4));
}

static void
test_job_numbers_are_numbers(void **state)
{
    static const char *const bad[] = {
        "", "0", "x", "1x", "-1", " 1", "1.5", "99999999999999999999999999"};
    uint64_t job = 0;

    (void)state;
    assert_true(job_parse("17", &job));
    assert_int_equal(job, 17);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(job_parse(bad[i], &job));
    }
}

static void
test_nothing_can_be_printed(void **state)
{
    buf_t none = {0};

    (void)state;
    assert_int_equal(print_out(&none), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_slip_of_the_finger_is_understood),
        cmocka_unit_test(test_another_word_is_not_guessed_at),
        cmocka_unit_test(test_job_numbers_are_numbers),
        cmocka_unit_test(test_nothing_can_be_printed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
