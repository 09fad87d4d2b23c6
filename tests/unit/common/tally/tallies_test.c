// SPDX-License-Identifier: Apache-2.0
// Partials of many groups, in sections, merged by threads side by side.
#include "common/base/limits.h"
#include "common/tally/partial.h"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>

#define BUDGET ((size_t)256 << 20)
#define MANY   20000u // groups: more than fit one section

static query_agg_t aggs[] = {{.func = AGG_COUNT}, {.func = AGG_MAX}};
static query_key_t query_keys[1];
static const query_t query = {
    .keys = query_keys, .n_keys = 1, .aggs = aggs, .n_aggs = 2};

static void
count(tally_t *tally, uint32_t i)
{
    char name[32];
    agg_state_t *states;
    buf_t key = {0};

    snprintf(name, sizeof name, "/path/%u", i);
    cell_encode(&(cell_t){.kind = CELL_TEXT, .text = span_str(name)}, &key);
    CHECK_OK(tally_group(tally, buf_span(&key), &states));
    agg_add_lines(&states[0], i % 7 + 1);
    agg_add(AGG_MAX, tally_state(tally, states, 1), DEC_INT(i));
    buf_fini(&key);
}

// Of n groups from `first` on, every `step`-th.
static void
encode(uint32_t first, uint32_t n, uint32_t step, buf_t *out)
{
    tally_t *tally = tally_new(&query, BUDGET);
    totals_t totals = {0};

    for (uint32_t i = 0; i < n; i++) {
        count(tally, first + i * step);
    }
    CHECK_OK(partial_encode(tally, &totals, out));
    tally_destroy(&tally);
}

static void
pack(buf_t *bytes)
{
    buf_t packed = {0};

    partial_pack(buf_span(bytes), &packed);
    buf_fini(bytes);
    *bytes = packed;
}

static errcode_t
merge(tallies_t *tallies, span_t bytes, size_t *groups)
{
    totals_t totals = {0};
    errcode_t rc =
        partial_check(bytes, 1, &query, tallies_pool(tallies), &totals);

    totals_fini(&totals);
    rc = rc != ERR_OK ? rc : partial_add(bytes, tallies);
    *groups = 0;
    for (size_t i = 0; i < TALLY_PARTS; i++) {
        *groups += tally_groups(tallies_parts(tallies)[i]);
    }
    return rc;
}

// All parts in one table again, as bytes.
static void
gather(tallies_t *tallies, buf_t *out)
{
    tally_t *tally = tally_new(&query, BUDGET);
    totals_t totals = {0};

    for (size_t i = 0; i < TALLY_PARTS; i++) {
        const tally_t *part = tallies_parts(tallies)[i];
        for (size_t g = 0; g < tally_groups(part); g++) {
            tally_entry_t entry = tally_entry(part, g);
            agg_state_t *states;
            CHECK_U64(tally_part(entry.key, TALLY_PARTS), i);
            CHECK_OK(tally_group(tally, entry.key, &states));
            agg_merge(AGG_COUNT, states, entry.states);
            agg_merge(AGG_MAX, states + 1, entry.states + 1);
        }
    }
    CHECK_OK(partial_encode(tally, &totals, out));
    tally_destroy(&tally);
}

// Few groups, one section; many, and overlapping, in sections; in any order.
static void
merge_all(unsigned threads, unsigned turn, buf_t *out)
{
    static const uint32_t parts[][3] = {
        {0, MANY, 1}, {7, 30, 11}, {MANY / 2, MANY, 1}, {3, MANY, 5}};
    pool_t *pool = pool_new(threads);
    tallies_t *tallies = tallies_new(&query, BUDGET, pool);
    size_t groups;

    for (unsigned i = 0; i < 4; i++) {
        const uint32_t *p = parts[(i + turn) % 4];
        buf_t bytes = {0};
        encode(p[0], p[1], p[2], &bytes);
        if ((i + turn) % 3 == 0) {
            pack(&bytes);
        }
        CHECK_OK(merge(tallies, buf_span(&bytes), &groups));
        buf_fini(&bytes);
    }
    gather(tallies, out);
    tallies_destroy(&tallies);
    pool_destroy(&pool);
}

static void
test_any_threads_and_order_give_the_same_groups(void **state)
{
    buf_t first = {0};

    (void)state;
    merge_all(1, 0, &first);
    for (unsigned turn = 0; turn < 4; turn++) {
        buf_t again = {0};
        merge_all(turn + 1, turn, &again);
        assert_true(span_eq(buf_span(&first), buf_span(&again)));
        buf_fini(&again);
    }
    buf_fini(&first);
}

static errcode_t
try_merge(span_t bytes, size_t *groups)
{
    tallies_t *tallies = tallies_new(&query, BUDGET, NULL);
    errcode_t rc = merge(tallies, bytes, groups);

    tallies_destroy(&tallies);
    return rc;
}

// A step of a prime number hits every kind of byte.
static void
check_truncations(bool packed, size_t step)
{
    buf_t bytes = {0};
    size_t groups;

    encode(0, MANY, 1, &bytes);
    if (packed) {
        pack(&bytes);
    }
    for (size_t len = 0; len < bytes.len; len += step) {
        assert_int_not_equal(
            try_merge((span_t){bytes.p, len}, &groups), ERR_OK);
        CHECK_U64(groups, 0);
    }
    buf_put_u8(&bytes, 0);
    CHECK_ERR(try_merge(buf_span(&bytes), &groups), ERR_MALFORMED);
    buf_fini(&bytes);
}

static void
test_truncated_sections_are_refused_and_leave_nothing(void **state)
{
    (void)state;
    check_truncations(false, 20011);
    check_truncations(true, 8009);
}

static void
check_flips(bool packed, size_t step)
{
    buf_t bytes = {0};
    size_t groups;

    encode(0, MANY, 1, &bytes);
    if (packed) {
        pack(&bytes);
    }
    for (size_t bit = 0; bit < bytes.len * 8; bit += bit < 200 ? 1 : step) {
        bytes.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        errcode_t rc = try_merge(buf_span(&bytes), &groups);
        CHECK_U64(groups, rc == ERR_OK ? MANY : 0);
        bytes.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_fini(&bytes);
}

static void
test_flipped_bits_in_sections_are_refused_or_whole(void **state)
{
    (void)state;
    check_flips(false, 40009);
    check_flips(true, 20011);
}

static void
test_packing_is_smaller_and_the_same_each_time(void **state)
{
    buf_t plain = {0}, packed = {0}, again = {0}, small = {0}, same = {0};

    (void)state;
    encode(0, MANY, 1, &plain);
    partial_pack(buf_span(&plain), &packed);
    partial_pack(buf_span(&plain), &again);
    assert_true(packed.len < plain.len);
    assert_true(span_eq(buf_span(&packed), buf_span(&again)));
    encode(0, 20, 1, &small);
    partial_pack(buf_span(&small), &same);
    assert_true(span_eq(buf_span(&small), buf_span(&same)));
    buf_fini(&plain);
    buf_fini(&packed);
    buf_fini(&again);
    buf_fini(&small);
    buf_fini(&same);
}

// The frame says what it holds; a section must claim just that, and all
// sections together no more than a partial may have.
static void
test_a_section_that_claims_another_length_is_refused(void **state)
{
    static const uint32_t claims[] = {
        0, 1, 16 << 10, LIMIT_PARTIAL, UINT32_MAX};
    buf_t bytes = {0};
    size_t groups, at;

    (void)state;
    encode(0, MANY, 1, &bytes);
    pack(&bytes);
    for (at = 4; bytes.p[at] != TALLY_PARTS; at++) {
    }
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        for (size_t k = 0; k < 4; k++) {
            bytes.p[at + 1 + k] = (uint8_t)(claims[i] >> 8 * k);
        }
        assert_int_not_equal(try_merge(buf_span(&bytes), &groups), ERR_OK);
        CHECK_U64(groups, 0);
    }
    buf_fini(&bytes);
}

// Two sections exchanged: all is in order, but keys are in the wrong part and
// would be counted as two groups each.
static void
test_keys_in_another_section_are_refused(void **state)
{
    buf_t bytes = {0}, wrong = {0};
    size_t groups, at;
    uint32_t len[2], packed;

    (void)state;
    encode(0, MANY, 1, &bytes);
    for (at = 4; bytes.p[at] != TALLY_PARTS; at++) {
    }
    at++;
    rd_t r = rd_init((span_t){bytes.p + at, bytes.len - at});
    span_t sections[2];
    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(rd_u32(&r, &len[i]));
        CHECK_OK(rd_u32(&r, &packed));
        CHECK_OK(rd_bytes(&r, len[i], &sections[i]));
    }
    buf_put(&wrong, bytes.p, at);
    for (size_t i = 2; i-- > 0;) {
        buf_put_u32(&wrong, len[i]);
        buf_put_u32(&wrong, 0);
        buf_put_span(&wrong, sections[i]);
    }
    buf_put(&wrong, r.p, rd_left(&r));
    CHECK_U64(wrong.len, bytes.len);
    CHECK_ERR(try_merge(buf_span(&wrong), &groups), ERR_MALFORMED);
    CHECK_U64(groups, 0);
    buf_fini(&bytes);
    buf_fini(&wrong);
}

static void
test_the_budget_is_of_all_parts_together(void **state)
{
    buf_t bytes = {0};
    size_t groups, used = 0;
    pool_t *pool = pool_new(3);
    tallies_t *tallies = tallies_new(&query, 1 << 20, pool);

    (void)state;
    encode(0, MANY, 1, &bytes);
    CHECK_ERR(merge(tallies, buf_span(&bytes), &groups), ERR_TOO_LARGE);
    for (size_t i = 0; i < TALLY_PARTS; i++) {
        used += tally_bytes(tallies_parts(tallies)[i]);
    }
    assert_true(used <= 1 << 20);
    buf_fini(&bytes);
    tallies_destroy(&tallies);
    pool_destroy(&pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_threads_and_order_give_the_same_groups),
        cmocka_unit_test(test_truncated_sections_are_refused_and_leave_nothing),
        cmocka_unit_test(test_flipped_bits_in_sections_are_refused_or_whole),
        cmocka_unit_test(test_packing_is_smaller_and_the_same_each_time),
        cmocka_unit_test(test_a_section_that_claims_another_length_is_refused),
        cmocka_unit_test(test_keys_in_another_section_are_refused),
        cmocka_unit_test(test_the_budget_is_of_all_parts_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
