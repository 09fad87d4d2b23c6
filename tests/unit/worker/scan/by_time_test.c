// SPDX-License-Identifier: Apache-2.0
// The search over made-up files: line i of LINE bytes has time times[i].
#include "worker/scan/by_time.h"

#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#define LINE    512u
#define N_LINES 20000u
#define HOUR    (3600 * DEC_ONE)

static dec_t times[N_LINES];
static unsigned looks;

static errcode_t
look(void *ctx, uint64_t offset, by_time_line_t *out)
{
    uint64_t i = (offset + LINE - 1) / LINE;

    (void)ctx;
    looks++;
    *out = (by_time_line_t){0};
    if (i < N_LINES) {
        *out = (by_time_line_t){true, i * LINE, times[i]};
    }
    return ERR_OK;
}

static errcode_t
look_fails(void *ctx, uint64_t offset, by_time_line_t *out)
{
    (void)ctx;
    (void)offset;
    (void)out;
    return ERR_IO;
}

static by_time_t
search(uint64_t begin, uint64_t end, dec_t since, dec_t until)
{
    time_bounds_t bounds = {since, until};
    by_time_t found;

    looks = 0;
    CHECK_OK(by_time_find(&bounds, begin, end, look, NULL, &found));
    assert_true(found.begin >= begin && found.end <= end);
    assert_true(found.begin <= found.end);
    assert_true(looks < 100);
    return found;
}

// No line within the bounds is outside of what was found.
static void
check_whole(const by_time_t *found, uint64_t begin, uint64_t end, dec_t since,
    dec_t until)
{
    for (uint64_t i = (begin + LINE - 1) / LINE; i * LINE < end; i++) {
        bool inside = i * LINE >= found->begin && i * LINE < found->end;
        assert_true(inside || times[i] < since || times[i] >= until);
    }
}

static void
test_nothing_within_bounds_is_left_out(void **state)
{
    uint32_t seed = 7;

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        dec_t now = HOUR * 1000;
        for (unsigned i = 0; i < N_LINES; i++) {
            seed = seed * 1664525 + 1013904223;
            now += (dec_t)(seed >> 20) * DEC_ONE / 100;
            times[i] = now - (dec_t)(seed >> 8 & 0xffff) * DEC_ONE / 10;
        }
        dec_t span = now - HOUR * 1000;
        dec_t since = HOUR * 1000 + span * (round % 13) / 12;
        dec_t until = since + span * (round % 7) / 30;
        uint64_t begin = (uint64_t)(round % 5) * LINE * 2100 + round;
        uint64_t end = (uint64_t)N_LINES * LINE - round % 3 * LINE * 900;
        by_time_t found = search(begin, end, since, until);
        assert_false(found.disorder);
        check_whole(&found, begin, end, since, until);
    }
}

static void
rise(dec_t step)
{
    for (unsigned i = 0; i < N_LINES; i++) {
        times[i] = step * i;
    }
}

static void
test_a_narrow_part_is_found(void **state)
{
    uint64_t size = (uint64_t)N_LINES * LINE;

    (void)state;
    rise(60 * DEC_ONE);
    by_time_t found = search(0, size, 100 * HOUR, 101 * HOUR);
    assert_true(found.end - found.begin < 5 * 60 * LINE + 3 * BY_TIME_GRAIN);
    found = search(0, size, 1000 * HOUR, TIME_GREATEST);
    assert_true(found.begin > size - 2 * BY_TIME_GRAIN);
    found = search(0, size, TIME_LEAST, -3 * HOUR);
    CHECK_U64(found.end - found.begin, 0);
    found = search(0, size, TIME_LEAST, TIME_GREATEST);
    CHECK_U64(found.end - found.begin, size);
}

static void
test_disorder_that_is_seen_has_all_read(void **state)
{
    uint64_t size = (uint64_t)N_LINES * LINE;

    (void)state;
    rise(60 * DEC_ONE);
    for (unsigned i = N_LINES / 2; i < N_LINES; i++) {
        times[i] = 60 * DEC_ONE * (i - N_LINES / 2);
    }
    by_time_t found = search(0, size, 100 * HOUR, 101 * HOUR);
    assert_true(found.disorder);
    CHECK_U64(found.end - found.begin, size);
}

static void
test_a_small_range_is_not_searched(void **state)
{
    (void)state;
    rise(60 * DEC_ONE);
    by_time_t found = search(0, BY_TIME_LEAST - 1, 1000 * HOUR, 1001 * HOUR);
    CHECK_U64(found.end, BY_TIME_LEAST - 1);
    CHECK_U64(looks, 0);
}

static void
test_errors_are_passed_on(void **state)
{
    time_bounds_t bounds = {0, HOUR};
    by_time_t found;

    (void)state;
    CHECK_ERR(by_time_find(&bounds, 0, BY_TIME_LEAST, look_fails, NULL, &found),
        ERR_IO);
}

static void
test_a_line_two_hours_late_is_in_order(void **state)
{
    dec_t latest = TIME_LEAST;

    (void)state;
    assert_true(by_time_keeps(&latest, 10 * HOUR));
    assert_true(by_time_keeps(&latest, 8 * HOUR));
    assert_false(by_time_keeps(&latest, 8 * HOUR - 1));
    assert_true(by_time_keeps(&latest, TIME_GREATEST));
    assert_true(by_time_keeps(&latest, TIME_GREATEST - 2 * HOUR));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_within_bounds_is_left_out),
        cmocka_unit_test(test_a_narrow_part_is_found),
        cmocka_unit_test(test_disorder_that_is_seen_has_all_read),
        cmocka_unit_test(test_a_small_range_is_not_searched),
        cmocka_unit_test(test_errors_are_passed_on),
        cmocka_unit_test(test_a_line_two_hours_late_is_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
