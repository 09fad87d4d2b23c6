// SPDX-License-Identifier: Apache-2.0
// Aggregates that remember more than a few words.
#include "common/base/limits.h"
#include "common/tally/partial.h"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#define BUDGET  ((size_t)64 << 20)
#define N_LINES 700u
#define TEXT                                                                   \
    "count, distinct(ip), distinct~(ip), p90(bytes), first(url), "             \
    "last(url) by status"

static query_t *query;

static int
setup(void **state)
{
    query_error_t error;

    (void)state;
    return query_parse(TEXT, &query, &error) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
    (void)state;
    query_destroy(&query);
    return 0;
}

static cell_t
text_cell(char *room, size_t size, const char *what, size_t n)
{
    snprintf(room, size, "%s%zu", what, n);
    return (cell_t){.kind = CELL_TEXT, .text = span_str(room)};
}

// tally_add, or tally_add_later.
typedef errcode_t add_t(
    tally_t *, agg_state_t *, size_t, const cell_t *, const cell_t *);

static void
count_under(add_t *add, tally_t *tally, size_t i, uint64_t group)
{
    char ip[32], url[32];
    cell_t key = {.kind = CELL_NUMBER, .number = DEC_INT(group)};
    cell_t when = {.kind = CELL_NUMBER, .number = DEC_INT(i / 4 * 7919 % 97)};
    cell_t bytes = {
        .kind = CELL_NUMBER, .number = (dec_t)(i % 41) * DEC_ONE / 7 - DEC_ONE};
    cell_t values[] = {[1] = text_cell(ip, sizeof ip, "192.0.2.", i * 7 % 53),
        [2] = text_cell(ip, sizeof ip, "192.0.2.", i * 7 % 53),
        [3] = bytes,
        [4] = text_cell(url, sizeof url, i % 5 == 0 ? "/a/longer/" : "/", i),
        [5] = text_cell(url, sizeof url, i % 5 == 0 ? "/a/longer/" : "/", i)};
    agg_state_t *states;
    buf_t encoded = {0};

    cell_encode(&key, &encoded);
    CHECK_OK(tally_group(tally, buf_span(&encoded), &states));
    buf_fini(&encoded);
    agg_add_lines(states, 1);
    for (size_t a = 1; a < query->n_aggs; a++) {
        CHECK_OK(add(tally, states, a, &values[a], &when));
    }
}

static void
count_with(add_t *add, tally_t *tally, size_t i)
{
    count_under(add, tally, i, 200 + i % 3);
}

static void
count_line(tally_t *tally, size_t i)
{
    count_with(tally_add, tally, i);
}

// Every parts-th line from the n-th on.
static void
make_part(size_t n, size_t parts, buf_t *out)
{
    tally_t *tally = tally_new(query, BUDGET);
    totals_t totals = {0};

    for (size_t i = n; i < N_LINES; i += parts) {
        count_line(tally, i);
    }
    CHECK_OK(partial_encode(tally, &totals, out));
    totals_fini(&totals);
    tally_destroy(&tally);
}

static errcode_t
merge(tally_t *tally, span_t bytes)
{
    totals_t totals = {0};
    errcode_t rc = partial_merge(bytes, 1, tally, &totals);

    totals_fini(&totals);
    return rc;
}

static void
test_any_cut_in_any_order_gives_the_same_bytes(void **state)
{
    buf_t whole = {0};

    (void)state;
    make_part(0, 1, &whole);
    for (size_t parts = 2; parts < 30; parts += 3) {
        tally_t *tally = tally_new(query, BUDGET);
        totals_t totals = {0};
        buf_t again = {0};
        for (size_t i = 0; i < parts; i++) {
            buf_t part = {0};
            make_part(i * 31 % parts, parts, &part);
            CHECK_OK(merge(tally, buf_span(&part)));
            buf_fini(&part);
        }
        CHECK_OK(partial_encode(tally, &totals, &again));
        assert_true(span_eq(buf_span(&whole), buf_span(&again)));
        buf_fini(&again);
        totals_fini(&totals);
        tally_destroy(&tally);
    }
    buf_fini(&whole);
}

static void
test_values_that_wait_give_the_same_bytes(void **state)
{
    tally_t *tally = tally_new(query, BUDGET);
    totals_t totals = {0};
    buf_t at_once = {0}, later = {0};

    (void)state;
    make_part(0, 1, &at_once);
    for (size_t i = 0; i < N_LINES; i++) {
        count_with(tally_add_later, tally, i);
        if (i % 100 == 0) {
            CHECK_OK(tally_settle(tally));
        }
    }
    CHECK_OK(tally_settle(tally));
    CHECK_OK(tally_settle(tally));
    CHECK_OK(partial_encode(tally, &totals, &later));
    assert_true(span_eq(buf_span(&at_once), buf_span(&later)));
    totals_fini(&totals);
    tally_destroy(&tally);
    buf_fini(&at_once);
    buf_fini(&later);
}

static void
test_what_waits_is_held_to_the_budget(void **state)
{
    query_t *q;
    query_error_t error;
    agg_state_t *states;
    errcode_t rc = ERR_OK;

    (void)state;
    CHECK_OK(query_parse("distinct(ip)", &q, &error));
    tally_t *tally = tally_new(q, 64 << 10);
    CHECK_OK(tally_group(tally, (span_t){0}, &states));
    for (size_t i = 0; rc == ERR_OK && i < 100000; i++) {
        char room[32];
        cell_t value = text_cell(room, sizeof room, "192.0.2.", i);
        rc = tally_add_later(tally, states, 0, &value, NULL);
    }
    assert_int_equal(rc, ERR_TOO_LARGE);
    CHECK_OK(tally_settle(tally)); // nothing waits any more
    tally_destroy(&tally);
    query_destroy(&q);
}

static void
test_values_are_those_of_the_lines(void **state)
{
    tally_t *tally = tally_new(query, BUDGET);
    cell_t value;

    (void)state;
    for (size_t i = 0; i < N_LINES; i++) {
        count_line(tally, i);
    }
    tally_list(tally);
    tally_entry_t entry = tally_entry(tally, 0);
    CHECK_OK(tally_value(tally, entry.states, 1, &value));
    assert_true(value.number == DEC_INT(53));
    CHECK_OK(tally_value(tally, entry.states, 2, &value));
    assert_true(value.number == DEC_INT(53));
    CHECK_OK(tally_value(tally, entry.states, 3, &value));
    assert_true(value.number >= 35 * DEC_ONE / 7 - DEC_ONE &&
                value.number <= 38 * DEC_ONE / 7 - DEC_ONE);
    CHECK_OK(tally_value(tally, entry.states, 4, &value));
    assert_true(span_is(value.text, "/3")); // of 0 and 3, both at second 0
    tally_destroy(&tally);
}

static errcode_t
try_merge(span_t bytes, size_t *groups)
{
    tally_t *tally = tally_new(query, BUDGET);
    errcode_t rc = merge(tally, bytes);

    *groups = tally_groups(tally);
    tally_destroy(&tally);
    return rc;
}

static void
test_truncations_and_bit_flips_leave_nothing_behind(void **state)
{
    buf_t part = {0};
    size_t groups;

    (void)state;
    make_part(0, 12, &part);
    for (size_t len = 0; len < part.len; len++) {
        assert_int_not_equal(try_merge((span_t){part.p, len}, &groups), ERR_OK);
        CHECK_U64(groups, 0);
    }
    for (size_t bit = 0; bit < part.len * 8; bit++) {
        part.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (try_merge(buf_span(&part), &groups) != ERR_OK) {
            CHECK_U64(groups, 0);
        }
        part.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_fini(&part);
}

static void
test_the_budget_covers_values(void **state)
{
    tally_t *tally = tally_new(query, 1 << 20);
    agg_state_t *states;
    cell_t when = {.kind = CELL_NUMBER};
    errcode_t rc = ERR_OK;
    char room[64];
    size_t i;

    (void)state;
    CHECK_OK(tally_group(tally, (span_t){0}, &states));
    for (i = 0; rc == ERR_OK && i < 100000; i++) {
        cell_t value = text_cell(room, sizeof room, "2001:db8::", i);
        rc = tally_add(tally, states, 1, &value, &when);
    }
    CHECK_ERR(rc, ERR_TOO_LARGE);
    assert_true(i > 5000 && tally_bytes(tally) <= 1 << 20);
    tally_destroy(&tally);
}

static void
test_a_line_without_a_time_is_neither_first_nor_last(void **state)
{
    tally_t *tally = tally_new(query, BUDGET);
    agg_state_t *states;
    cell_t missing = {.kind = CELL_MISSING}, value;
    cell_t text = {.kind = CELL_TEXT, .text = SPAN_LIT("/x")};

    (void)state;
    CHECK_OK(tally_group(tally, (span_t){0}, &states));
    CHECK_OK(tally_add(tally, states, 4, &text, &missing));
    tally_list(tally);
    for (size_t a = 3; a < query->n_aggs; a++) {
        CHECK_OK(tally_value(tally, states, a, &value));
        assert_int_equal(value.kind, CELL_MISSING);
    }
    tally_destroy(&tally);
}

static size_t
group_number(tally_t *tally, uint64_t key)
{
    cell_t cell = {.kind = CELL_NUMBER, .number = DEC_INT(key)};
    agg_state_t *states;
    buf_t encoded = {0};

    cell_encode(&cell, &encoded);
    CHECK_OK(tally_group(tally, buf_span(&encoded), &states));
    buf_fini(&encoded);
    return tally_number(tally, states);
}

static void
check_same_values(tally_t *a, size_t in_a, tally_t *b, size_t in_b)
{
    tally_list_values(a);
    tally_list_values(b);
    for (size_t i = 0; i < query->n_aggs; i++) {
        cell_t x, y;
        CHECK_OK(tally_value(a, tally_entry(a, in_a).states, i, &x));
        CHECK_OK(tally_value(b, tally_entry(b, in_b).states, i, &y));
        assert_int_equal(x.kind, y.kind);
        assert_int_equal(cell_cmp(&x, &y), 0);
    }
}

// Groups 200 and 201 of two tables become one, 202 is left out.
static void
test_groups_that_are_folded_count_together(void **state)
{
    static const size_t aggs[] = {0, 1, 2, 3, 4, 5};
    tally_t *folded = tally_new(query, BUDGET);
    tally_t *straight = tally_new(query, BUDGET);
    uint32_t one = (uint32_t)group_number(folded, 1);

    (void)state;
    for (size_t t = 0; t < 2; t++) {
        tally_t *half = tally_new(query, BUDGET);
        uint32_t to[3] = {one, one, one};
        for (size_t i = t; i < N_LINES; i += 2) {
            count_with(tally_add, half, i);
        }
        to[group_number(half, 202)] = TALLY_NO_GROUP;
        CHECK_OK(tally_fold(folded, half, to, aggs));
        tally_destroy(&half);
    }
    for (size_t i = 0; i < N_LINES; i++) {
        if (i % 3 != 2) {
            count_under(tally_add, straight, i, 1);
        }
    }
    CHECK_U64(tally_groups(folded), 1);
    check_same_values(folded, one, straight, group_number(straight, 1));
    tally_destroy(&folded);
    tally_destroy(&straight);
}

// Ten groups at first, each with its own values, and more later: items stay
// with their group.
static void
test_groups_do_not_share_values(void **state)
{
    tally_t *tally = tally_new(query, BUDGET);
    cell_t when = {.kind = CELL_NUMBER}, value;
    agg_state_t *states;
    char room[32];

    (void)state;
    for (size_t i = 0; i < 4000; i++) {
        cell_t key = {.kind = CELL_NUMBER, .number = DEC_INT(i % 100)};
        cell_t ip = text_cell(room, sizeof room, "", i % (1 + i % 100));
        buf_t encoded = {0};
        cell_encode(&key, &encoded);
        CHECK_OK(tally_group(tally, buf_span(&encoded), &states));
        CHECK_OK(tally_add(tally, states, 1, &ip, &when));
        buf_fini(&encoded);
    }
    tally_list(tally);
    for (size_t g = 0; g < 100; g++) {
        bool seen[100] = {false};
        size_t n = 0;
        for (size_t i = g; i < 4000; i += 100) {
            n += !seen[i % (1 + g)];
            seen[i % (1 + g)] = true;
        }
        CHECK_OK(tally_value(tally, tally_entry(tally, g).states, 1, &value));
        assert_true(value.number == DEC_INT(n));
    }
    tally_destroy(&tally);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_cut_in_any_order_gives_the_same_bytes),
        cmocka_unit_test(test_values_that_wait_give_the_same_bytes),
        cmocka_unit_test(test_what_waits_is_held_to_the_budget),
        cmocka_unit_test(test_values_are_those_of_the_lines),
        cmocka_unit_test(test_truncations_and_bit_flips_leave_nothing_behind),
        cmocka_unit_test(test_the_budget_covers_values),
        cmocka_unit_test(test_a_line_without_a_time_is_neither_first_nor_last),
        cmocka_unit_test(test_groups_do_not_share_values),
        cmocka_unit_test(test_groups_that_are_folded_count_together),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
