// SPDX-License-Identifier: Apache-2.0
#include "common/tally/totals.h"

#include "tests/unit/cmocka_all.h"

static totals_t
sound(void)
{
    totals_t t = {.bytes = 30, .lines = 5, .accepted = 3, .blank = 1};

    t.rejected[REJECT_STRUCTURE] = 1;
    *totals_file(&t, 2) = (file_total_t){2, 10, 2, 1, 0, 0};
    *totals_file(&t, 1) = (file_total_t){1, 20, 3, 2, 0, 0};
    return t;
}

static void
test_sound_totals_add_up(void **state)
{
    totals_t t = sound();

    (void)state;
    assert_true(totals_add_up(&t));
    CHECK_U64(t.files[0].file, 1);
    totals_fini(&t);
}

static void
test_one_off_does_not_add_up(void **state)
{
    totals_t t = sound();
    uint64_t *const counts[] = {&t.bytes, &t.lines, &t.accepted, &t.blank,
        &t.skipped, &t.rejected[REJECT_EMPTY], &t.files[0].bytes,
        &t.files[1].lines, &t.files[0].accepted};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        (*counts[i])++;
        assert_false(totals_add_up(&t));
        (*counts[i])--;
    }
    assert_true(totals_add_up(&t));
    totals_fini(&t);
}

// 2^64 too many rejected lines are not the same as none.
static void
test_sums_do_not_wrap(void **state)
{
    totals_t t = sound();

    (void)state;
    t.rejected[REJECT_TOO_LONG] = UINT64_MAX;
    t.rejected[REJECT_TRAILING] = 1;
    assert_false(totals_add_up(&t));
    totals_fini(&t);
    t = sound();
    t.files[0].bytes = UINT64_MAX;
    t.files[1].bytes = 31; // 30, modulo 2^64
    assert_false(totals_add_up(&t));
    totals_fini(&t);
}

static void
test_merged_totals_stay_at_the_top(void **state)
{
    totals_t sum = {0};
    totals_t part = {.bytes = UINT64_MAX - 1, .lines = 3, .blank = UINT64_MAX};

    (void)state;
    totals_merge(&sum, &part);
    totals_merge(&sum, &part);
    assert_true(sum.bytes == UINT64_MAX && sum.blank == UINT64_MAX);
    CHECK_U64(sum.lines, 6);
    totals_fini(&sum);
}

// Files of parts that overlap, in any order, are each there once and in order.
static void
test_files_of_any_parts_merge_in_order(void **state)
{
    enum { FILES = 61, PARTS = 40 };
    uint64_t want[FILES] = {0};
    totals_t sum = {0};
    uint32_t seed = 7;

    (void)state;
    for (int p = 0; p < PARTS; p++) {
        totals_t part = {0};
        for (int i = 0; i < p % 7; i++) {
            seed = seed * 1664525u + 1013904223u;
            uint32_t file = (seed >> 8) % FILES;
            totals_file(&part, file)->lines++;
            want[file]++;
        }
        totals_merge(&sum, &part);
        totals_fini(&part);
    }
    for (size_t i = 0, at = 0; i < FILES; i++) {
        bool there = at < sum.n_files && sum.files[at].file == i;
        CHECK_U64(there ? sum.files[at].lines : 0, want[i]);
        at += there ? 1 : 0;
        assert_true(i + 1 < FILES || at == sum.n_files);
    }
    totals_fini(&sum);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_totals_add_up),
        cmocka_unit_test(test_one_off_does_not_add_up),
        cmocka_unit_test(test_sums_do_not_wrap),
        cmocka_unit_test(test_files_of_any_parts_merge_in_order),
        cmocka_unit_test(test_merged_totals_stay_at_the_top),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
