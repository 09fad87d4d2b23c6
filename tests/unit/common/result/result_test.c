// SPDX-License-Identifier: Apache-2.0
#include "common/result/result.h"

#include "tests/unit/common/result/table.h"

#include <sodium.h>
#include <string.h>

static void
add_paths(fixture_t *t)
{
    table_add(t, 3, TEXT("/b"));
    table_add(t, 1, TEXT("/c"));
    table_add(t, 3, TEXT("/a"));
    table_add(t, 3, MISSING);
    table_add(t, 7, TEXT("/d"));
}

static void
check_paths(const char *query, const char *want)
{
    fixture_t t;

    table_init(&t, query);
    add_paths(&t);
    assert_string_equal(table_rows(&t), want);
    table_fini(&t);
}

static void
test_default_order_is_count_down_then_keys_up(void **state)
{
    (void)state;
    check_paths("count by path", "/d 7|- 3|/a 3|/b 3|/c 1");
}

static void
test_time_buckets_come_first(void **state)
{
    fixture_t t;

    (void)state;
    table_init(&t, "count by path, time:1h");
    table_add(&t, 1, TEXT("/a"), NUMBER(7200));
    table_add(&t, 9, TEXT("/b"), NUMBER(7200));
    table_add(&t, 2, TEXT("/c"), NUMBER(3600));
    table_add(&t, 1, TEXT("/b"), MISSING);
    assert_string_equal(table_rows(&t),
        "/b - 1|/c 1970-01-01T01:00:00Z 2|/b 1970-01-01T02:00:00Z 9|"
        "/a 1970-01-01T02:00:00Z 1");
    table_fini(&t);
}

static void
test_sort_puts_missing_first_up_and_last_down(void **state)
{
    (void)state;
    check_paths("count by path | sort path", "- 3|/a 3|/b 3|/c 1|/d 7");
    check_paths("count by path | sort -path", "/d 7|/c 1|/b 3|/a 3|- 3");
}

static void
test_ties_of_a_sort_follow_the_default_order(void **state)
{
    (void)state;
    check_paths("count by path | sort count", "/c 1|- 3|/a 3|/b 3|/d 7");
    check_paths("count by path | sort -count | head 3", "/d 7|- 3|/a 3");
}

static void
test_top_and_bottom_cut(void **state)
{
    (void)state;
    check_paths("top 2 path", "/d 7|- 3");
    check_paths("bottom 2 path", "/c 1|- 3");
    check_paths("count by path | head 1", "/d 7");
    check_paths("count by path | head 0", "");
}

static void
test_grouped_top_cuts_inside_each_group(void **state)
{
    fixture_t t;

    (void)state;
    table_init(&t, "top 2 path by host");
    table_add(&t, 1, TEXT("b"), TEXT("/x"));
    table_add(&t, 5, TEXT("b"), TEXT("/y"));
    table_add(&t, 5, TEXT("b"), TEXT("/w"));
    table_add(&t, 2, TEXT("a"), TEXT("/y"));
    assert_string_equal(table_rows(&t), "a /y 2|b /w 5|b /y 5");
    table_fini(&t);
}

static void
test_where_and_let_see_the_columns(void **state)
{
    (void)state;
    check_paths("count by path | where count > 1 | let half = count / 2 | "
                "sort half",
        "- 3 1.5|/a 3 1.5|/b 3 1.5|/d 7 3.5");
    check_paths("count by path | where not path = \"/a\" | head 2", "/d 7|- 3");
    check_paths("count by path | where path ~ \"[cd]$\"", "/d 7|/c 1");
    check_paths("count by path | where count > 100", "");
}

static void
test_let_may_be_missing(void **state)
{
    (void)state;
    check_paths("count by path | let none = 1 / (count - 3) | head 3",
        "/d 7 0.25|- 3 -|/a 3 -");
}

static void
test_a_number_past_128_bits_is_an_error(void **state)
{
    fixture_t t;

    (void)state;
    table_init(&t, "count by path | let big = count * count * count");
    table_add(&t, UINT64_MAX - 1, TEXT("/a"));
    CHECK_ERR(result_build(t.query, &t.tally, 1, &t.result), ERR_OVERFLOW);
    assert_null(t.result);
    table_fini(&t);
}

static void
test_a_sum_past_128_bits_is_an_error(void **state)
{
    const dec_t most = (dec_t)(~(u128_t)0 >> 1);
    fixture_t t;

    (void)state;
    table_init(&t, "sum(bytes)");
    agg_state_t *states = table_add(&t, 0, MISSING);
    agg_add(AGG_SUM, states, most);
    agg_add(AGG_SUM, states, 1);
    CHECK_ERR(result_build(t.query, &t.tally, 1, &t.result), ERR_OVERFLOW);
    assert_null(t.result);
    table_fini(&t);
}

static void
test_a_key_of_another_type_is_refused(void **state)
{
    fixture_t t;

    (void)state;
    table_init(&t, "count by status");
    table_add(&t, 1, TEXT("a text"));
    CHECK_ERR(result_build(t.query, &t.tally, 1, &t.result), ERR_MALFORMED);
    assert_null(t.result);
    table_fini(&t);
}

static void
test_nothing_counted_is_no_row_or_one(void **state)
{
    fixture_t t;

    (void)state;
    table_init(&t, "count by path | sort path | head 3 per path");
    assert_string_equal(table_rows(&t), "");
    table_fini(&t);
    table_init(&t, "count, sum(bytes), avg(bytes), max(time)");
    table_add(&t, 0, MISSING);
    assert_string_equal(table_rows(&t), "0 0 - -");
    table_fini(&t);
}

// Many groups in a scattered order, so that selecting and moving rows is seen.
static void
add_many(fixture_t *t, size_t n)
{
    char name[32];

    for (size_t i = 0; i < n; i++) {
        size_t scattered = i * 7919 % n;
        snprintf(name, sizeof name, "/%05zu", scattered);
        table_add(t, 1 + scattered / 2, TEXT(name));
    }
}

static void
check_falling(const result_t *r, size_t n)
{
    CHECK_U64(r->n_rows, n);
    for (size_t i = 1; i < n; i++) {
        const cell_t *a = &r->cells[(i - 1) * r->n_columns];
        const cell_t *b = &r->cells[i * r->n_columns];
        int c = cell_cmp(&a[1], &b[1]);
        assert_true(c > 0 || (c == 0 && cell_cmp(&a[0], &b[0]) < 0));
    }
}

// Every pair of rows against the definition, where first bytes of texts,
// doubles of numbers and missing cells are close to one another.
static void
check_sorted(fixture_t *t, bool descending)
{
    const result_t *r = t->result;

    for (size_t i = 1; i < r->n_rows; i++) {
        const cell_t *a = &r->cells[(i - 1) * r->n_columns];
        const cell_t *b = &r->cells[i * r->n_columns];
        int c = cell_cmp(a, b);
        assert_true(c != 0 && (c < 0) != descending);
    }
}

static void
test_cells_that_are_close_are_told_apart(void **state)
{
    static const char *const texts[] = {"", "a", "aa", "aaaaaaaa", "aaaaaaab",
        "aaaaaaaaa", "aaaaaaaab", "b", "\x7f", "\x80", "\xff", "\xff\xff"};
    const dec_t most = (dec_t)(~(u128_t)0 >> 1);
    const dec_t numbers[] = {0, 1, -1, DEC_ONE, -DEC_ONE, most, most - 1, -most,
        -most - 1, ((dec_t)1 << 60) + 1, (dec_t)1 << 60};

    (void)state;
    for (int descending = 0; descending < 2; descending++) {
        fixture_t t;
        table_init(&t,
            descending ? "count by ua | sort -ua" : "count by ua | sort ua");
        table_add(&t, 5, MISSING);
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            table_add(&t, i % 3, TEXT(texts[i * 7 % 12]));
        }
        table_build(&t);
        CHECK_U64(t.result->n_rows, 13);
        check_sorted(&t, descending);
        table_fini(&t);
        table_init(&t, descending ? "count by bytes | sort -bytes"
                                  : "count by bytes | sort bytes");
        table_add(&t, 5, MISSING);
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            cell_t cell = {.kind = CELL_NUMBER, .number = numbers[i * 4 % 11]};
            table_add_cells(&t, i % 3, &cell);
        }
        table_build(&t);
        CHECK_U64(t.result->n_rows, 12);
        check_sorted(&t, descending);
        table_fini(&t);
    }
}

static void
test_a_cut_gives_the_first_rows_of_the_whole_order(void **state)
{
    enum { MANY = 5003 };
    static const size_t cuts[] = {1, 2, 10, 600, 626, 3000, MANY, 9000};
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        fixture_t t;
        snprintf(text, sizeof text, "count by path | head %zu", cuts[i]);
        table_init(&t, text);
        add_many(&t, MANY);
        table_build(&t);
        check_falling(t.result, cuts[i] < MANY ? cuts[i] : MANY);
        CHECK_SPAN(t.result->cells[0].text, "/05002");
        table_fini(&t);
    }
}

static void
test_texts_outlive_the_table(void **state)
{
    fixture_t t;

    (void)state;
    table_init(&t, "count by path | let again = path | head 2");
    add_paths(&t);
    table_build(&t);
    tally_destroy(&t.tally);
    query_destroy(&t.query);
    assert_string_equal(table_rows(&t), "/d 7 /d|- 3 -");
    table_fini(&t);
}

static void
take_fingerprint(const char *query, bool backwards, uint64_t more, uint8_t *out)
{
    static const char *const names[] = {"/a", "/b", "/c", "/d"};
    fixture_t t;

    table_init(&t, query);
    for (size_t i = 0; i < 4; i++) {
        size_t name = backwards ? 3 - i : i;
        table_add(&t, 1 + name, TEXT(names[name]));
    }
    table_add(&t, more, TEXT("/a"));
    table_build(&t);
    memcpy(out, t.result->receipt.fingerprint, 32);
    table_fini(&t);
}

static void
test_fingerprint_is_of_query_and_rows_alone(void **state)
{
    uint8_t one[32], other[32];

    (void)state;
    take_fingerprint("count by path", false, 0, one);
    take_fingerprint("  count   by $uri", true, 0, other);
    assert_memory_equal(one, other, 32);
    take_fingerprint("count by path", false, 1, other);
    assert_memory_not_equal(one, other, 32);
    take_fingerprint("count by path | sort -count", false, 0, other);
    assert_memory_not_equal(one, other, 32);
}

// The definition, step by step: the canonical text as a block, then cells.
static void
test_fingerprint_can_be_worked_out_by_others(void **state)
{
    uint8_t want[32], got[32];
    cell_t cells[] = {TEXT("/d"), NUMBER(4)};
    buf_t bytes = {0};

    (void)state;
    buf_put_block(&bytes, SPAN_LIT("top 1 path"));
    cell_encode(&cells[0], &bytes);
    cell_encode(&cells[1], &bytes);
    crypto_generichash(want, 32, bytes.p, bytes.len, NULL, 0);
    take_fingerprint("top 1 path", true, 0, got);
    assert_memory_equal(want, got, 32);
    buf_fini(&bytes);
}

// The first rows of a query, by two ways.
static void
check_first(const char *query, size_t most, size_t all)
{
    fixture_t t, whole;
    size_t got;

    table_init(&t, query);
    table_init(&whole, query);
    for (size_t i = 0; i < 40; i++) {
        char path[8];
        snprintf(path, sizeof path, "/%zu", i * 7 % 40);
        table_add(&t, 1 + i % 5, TEXT(path));
        table_add(&whole, 1 + i % 5, TEXT(path));
    }
    table_build(&whole);
    CHECK_U64(whole.result->n_rows, all);
    CHECK_OK(
        result_build_first(t.query, NULL, &t.tally, 1, most, &got, &t.result));
    CHECK_U64(got, all);
    CHECK_U64(t.result->n_rows, most < all ? most : all);
    result_cut(whole.result, most, 100);
    assert_memory_equal(
        whole.result->receipt.fingerprint, t.result->receipt.fingerprint, 32);
    assert_string_equal(table_rows(&t), table_rows(&whole));
    table_fini(&t);
    table_fini(&whole);
}

static void
test_the_first_rows_are_those_of_the_whole(void **state)
{
    (void)state;
    for (size_t most = 1; most < 50; most += 3) {
        check_first("count by path", most, 40);
        check_first("count by path | sort path", most, 40);
        check_first("count by path | where count > 2", most, 24);
        check_first("count by path | let x = count * 2 | sort -x", most, 40);
        check_first("count by path | sort path | head 7 | sort -path", most, 7);
        check_first("top 12 path", most, 12);
        check_first("top 12 path | let x = count + 1", most, 12);
    }
}

static void
test_a_cut_text_ends_with_a_whole_character(void **state)
{
    fixture_t t;

    (void)state;
    table_init(&t, "count by path");
    table_add(&t, 1,
        TEXT("/a\xc3\xa4"
             "b"));
    table_build(&t);
    result_cut(t.result, 1, 4);
    assert_string_equal(table_rows(&t), "/a\xc3\xa4 1");
    result_cut(t.result, 1, 3);
    assert_string_equal(table_rows(&t), "/a 1");
    result_cut(t.result, 0, 3);
    assert_string_equal(table_rows(&t), "");
    table_fini(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_rows_are_those_of_the_whole),
        cmocka_unit_test(test_a_cut_text_ends_with_a_whole_character),
        cmocka_unit_test(test_default_order_is_count_down_then_keys_up),
        cmocka_unit_test(test_time_buckets_come_first),
        cmocka_unit_test(test_sort_puts_missing_first_up_and_last_down),
        cmocka_unit_test(test_ties_of_a_sort_follow_the_default_order),
        cmocka_unit_test(test_top_and_bottom_cut),
        cmocka_unit_test(test_grouped_top_cuts_inside_each_group),
        cmocka_unit_test(test_where_and_let_see_the_columns),
        cmocka_unit_test(test_let_may_be_missing),
        cmocka_unit_test(test_a_number_past_128_bits_is_an_error),
        cmocka_unit_test(test_a_sum_past_128_bits_is_an_error),
        cmocka_unit_test(test_a_key_of_another_type_is_refused),
        cmocka_unit_test(test_nothing_counted_is_no_row_or_one),
        cmocka_unit_test(test_cells_that_are_close_are_told_apart),
        cmocka_unit_test(test_a_cut_gives_the_first_rows_of_the_whole_order),
        cmocka_unit_test(test_texts_outlive_the_table),
        cmocka_unit_test(test_fingerprint_is_of_query_and_rows_alone),
        cmocka_unit_test(test_fingerprint_can_be_worked_out_by_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
