// SPDX-License-Identifier: Apache-2.0
#include "common/tally/partial.h"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

static query_agg_t aggs[] = {
    {.func = AGG_COUNT}, {.func = AGG_SUM}, {.func = AGG_MIN}};
static query_key_t keys[1];
static const query_t query = {
    .keys = keys, .n_keys = 1, .aggs = aggs, .n_aggs = 3};

#define BUDGET  ((size_t)64 << 20)
#define N_FILES 4u

static void
count(tally_t *tally, const char *name, dec_t bytes)
{
    cell_t cell = {.kind = CELL_TEXT, .text = span_str(name)};
    agg_state_t *states;
    buf_t key = {0};

    cell_encode(&cell, &key);
    CHECK_OK(tally_group(tally, buf_span(&key), &states));
    agg_add_lines(&states[0], 1);
    agg_add(AGG_SUM, tally_state(tally, states, 1), bytes);
    agg_add(AGG_MIN, tally_state(tally, states, 2), bytes);
    buf_fini(&key);
}

static void
note_lines(totals_t *totals, uint32_t file, uint64_t accepted)
{
    file_total_t *f = totals_file(totals, file);

    f->bytes += 100;
    f->lines += accepted + 1;
    f->accepted += accepted;
    totals->bytes += 100;
    totals->lines += accepted + 1;
    totals->accepted += accepted;
    totals->rejected[REJECT_UNCLOSED]++;
    totals_sample(totals, file, 7, REJECT_UNCLOSED, SPAN_LIT("GET \"/"));
}

// Counts the n-th of `parts` shares of 500 lines.
static void
make_part(size_t n, size_t parts, buf_t *out)
{
    tally_t *tally = tally_new(&query, BUDGET);
    totals_t totals = {0};
    char name[32];

    for (size_t i = n; i < 500; i += parts) {
        snprintf(name, sizeof name, "/path/%zu", i % 37);
        count(tally, name, DEC_INT((dec_t)i) - DEC_INT(200));
    }
    note_lines(&totals, (uint32_t)(n % N_FILES), 3);
    CHECK_OK(partial_encode(tally, &totals, out));
    totals_fini(&totals);
    tally_destroy(&tally);
}

// Merges parts in the given direction and encodes the whole again.
static void
merge_parts(size_t parts, bool backwards, buf_t *out)
{
    tally_t *tally = tally_new(&query, BUDGET);
    totals_t totals = {0};

    for (size_t i = 0; i < parts; i++) {
        buf_t part = {0};
        make_part(backwards ? parts - 1 - i : i, parts, &part);
        CHECK_OK(partial_merge(buf_span(&part), N_FILES, tally, &totals));
        buf_fini(&part);
    }
    CHECK_U64(totals.lines, parts * 4);
    totals_fini(&totals);
    CHECK_OK(partial_encode(tally, &totals, out));
    tally_destroy(&tally);
}

static void
test_any_cut_in_any_order_gives_the_same_bytes(void **state)
{
    buf_t one = {0};

    (void)state;
    merge_parts(1, false, &one);
    for (size_t parts = 2; parts < 8; parts++) {
        for (int backwards = 0; backwards < 2; backwards++) {
            buf_t many = {0};
            merge_parts(parts, backwards != 0, &many);
            assert_true(span_eq(buf_span(&one), buf_span(&many)));
            buf_fini(&many);
        }
    }
    buf_fini(&one);
}

static errcode_t
try_merge(span_t bytes, size_t *groups, uint64_t *lines)
{
    tally_t *tally = tally_new(&query, BUDGET);
    totals_t totals = {0};
    errcode_t rc = partial_merge(bytes, N_FILES, tally, &totals);

    *groups = tally_groups(tally);
    *lines = totals.lines;
    totals_fini(&totals);
    tally_destroy(&tally);
    return rc;
}

static void
test_every_truncation_is_refused_and_leaves_nothing(void **state)
{
    buf_t part = {0};
    size_t groups;
    uint64_t lines;

    (void)state;
    make_part(0, 3, &part);
    for (size_t len = 0; len < part.len; len++) {
        assert_int_not_equal(
            try_merge((span_t){part.p, len}, &groups, &lines), ERR_OK);
        CHECK_U64(groups + lines, 0);
    }
    buf_put_u8(&part, 0);
    CHECK_ERR(try_merge(buf_span(&part), &groups, &lines), ERR_MALFORMED);
    buf_fini(&part);
}

static void
test_bit_flips_are_refused_or_whole(void **state)
{
    buf_t part = {0};
    size_t groups;
    uint64_t lines;

    (void)state;
    make_part(0, 3, &part);
    for (size_t bit = 0; bit < part.len * 8; bit++) {
        part.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (try_merge(buf_span(&part), &groups, &lines) == ERR_OK) {
            assert_true(groups > 0 && lines > 0);
        } else {
            CHECK_U64(groups + lines, 0);
        }
        part.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_fini(&part);
}

static void
test_totals_that_do_not_add_up_are_refused(void **state)
{
    tally_t *tally = tally_new(&query, BUDGET);
    totals_t totals = {0};
    buf_t part = {0};
    size_t groups;
    uint64_t lines;

    (void)state;
    note_lines(&totals, 0, 3);
    totals.accepted++;
    CHECK_OK(partial_encode(tally, &totals, &part));
    CHECK_ERR(try_merge(buf_span(&part), &groups, &lines), ERR_CORRUPT);
    buf_fini(&part);
    totals_fini(&totals);
    tally_destroy(&tally);
}

static void
test_samples_are_the_first_of_each_file(void **state)
{
    totals_t a = {0};
    totals_t b = {0};

    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        totals_sample(
            i % 2 == 0 ? &a : &b, 1, 100 - i, REJECT_EMPTY, SPAN_LIT("x"));
    }
    totals_merge(&a, &b);
    CHECK_U64(a.n_samples, LIMIT_SAMPLES);
    CHECK_U64(a.samples[0].offset, 81);
    CHECK_U64(a.samples[4].offset, 85);
    totals_fini(&a);
    totals_fini(&b);
}

static void
test_budget_is_kept(void **state)
{
    tally_t *tally = tally_new(&query, 600 << 10);
    agg_state_t *states;
    errcode_t rc = ERR_OK;
    uint32_t i = 0;

    (void)state;
    for (; rc == ERR_OK && i < 1000000; i++) {
        rc = tally_group(
            tally, (span_t){(const uint8_t *)&i, sizeof i}, &states);
    }
    CHECK_ERR(rc, ERR_TOO_LARGE);
    assert_true(tally_bytes(tally) <= 600 << 10);
    i = 0;
    CHECK_OK(
        tally_group(tally, (span_t){(const uint8_t *)&i, sizeof i}, &states));
    tally_destroy(&tally);
}

// A peer may claim any count; two of them must not wrap to a small one.
static void
test_a_count_past_64_bits_is_an_error_in_any_order(void **state)
{
    static const uint64_t counts[] = {UINT64_MAX - 3, 2, 7, UINT64_MAX / 2};
    cell_t cell;

    (void)state;
    for (size_t first = 0; first < 4; first++) {
        agg_state_t sum[AGG_WORDS_MAX] = {0};
        for (size_t i = 0; i < 4; i++) {
            agg_state_t part[AGG_WORDS_MAX] = {counts[(first + i) % 4]};
            agg_merge(AGG_COUNT, sum, part);
        }
        CHECK_ERR(agg_value(AGG_COUNT, sum, &cell), ERR_OVERFLOW);
        CHECK_ERR(agg_value(AGG_AVG, sum, &cell), ERR_OVERFLOW);
    }
}

static void
test_a_query_without_keys_has_one_group(void **state)
{
    static const query_t bare = {.aggs = aggs, .n_aggs = 3};
    tally_t *tally = tally_new(&bare, BUDGET);
    tally_t *merged = tally_new(&bare, BUDGET);
    agg_state_t *states;
    totals_t totals = {0};
    buf_t part = {0};

    (void)state;
    CHECK_OK(tally_group(tally, (span_t){0}, &states));
    agg_add_lines(&states[0], 3);
    CHECK_OK(partial_encode(tally, &totals, &part));
    CHECK_OK(partial_merge(buf_span(&part), 1, merged, &totals));
    CHECK_OK(partial_merge(buf_span(&part), 1, merged, &totals));
    CHECK_U64(tally_groups(merged), 1);
    CHECK_OK(tally_group(merged, (span_t){0}, &states));
    CHECK_U64(states[0], 6);
    totals_fini(&totals);
    tally_destroy(&tally);
    tally_destroy(&merged);
    buf_fini(&part);
}

// Groups for many batches; some keys are longer than all room for a batch.
static void
count_long(tally_t *tally, size_t i)
{
    static char name[200000];
    size_t len = i % 50 == 7 ? i * 31 % sizeof name : 8 + i % 40;

    memset(name, (int)('a' + i % 3), sizeof name);
    snprintf(name, 8, "%07zu", i % 3000);
    name[7] = 'x';
    name[len < 8 ? 8 : len] = 0;
    count(tally, name, DEC_INT((dec_t)i));
}

static void
test_long_keys_and_many_groups_merge_alike(void **state)
{
    tally_t *one = tally_new(&query, BUDGET);
    tally_t *merged = tally_new(&query, BUDGET);
    totals_t totals = {0};
    buf_t whole = {0}, again = {0};

    (void)state;
    for (size_t part = 0; part < 3; part++) {
        tally_t *some = tally_new(&query, BUDGET);
        buf_t bytes = {0};
        for (size_t i = 0; i < 9000; i++) {
            if (i * 7 % 3 == part) {
                count_long(some, i);
                count_long(one, i);
            }
        }
        CHECK_OK(partial_encode(some, &totals, &bytes));
        CHECK_OK(partial_merge(buf_span(&bytes), N_FILES, merged, &totals));
        buf_fini(&bytes);
        tally_destroy(&some);
    }
    CHECK_OK(partial_encode(one, &totals, &whole));
    CHECK_OK(partial_encode(merged, &totals, &again));
    assert_true(span_eq(buf_span(&whole), buf_span(&again)));
    buf_fini(&whole);
    buf_fini(&again);
    tally_destroy(&one);
    tally_destroy(&merged);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_cut_in_any_order_gives_the_same_bytes),
        cmocka_unit_test(test_every_truncation_is_refused_and_leaves_nothing),
        cmocka_unit_test(test_bit_flips_are_refused_or_whole),
        cmocka_unit_test(test_totals_that_do_not_add_up_are_refused),
        cmocka_unit_test(test_samples_are_the_first_of_each_file),
        cmocka_unit_test(test_budget_is_kept),
        cmocka_unit_test(test_a_count_past_64_bits_is_an_error_in_any_order),
        cmocka_unit_test(test_a_query_without_keys_has_one_group),
        cmocka_unit_test(test_long_keys_and_many_groups_merge_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
