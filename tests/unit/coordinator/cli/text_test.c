// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/text.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

static void
check(buf_t *got, const char *want)
{
    buf_put_u8(got, '\0');
    assert_string_equal((const char *)got->p, want);
    buf_clear(got);
}

static void
test_sizes_keep_three_digits(void **state)
{
    static const struct {
        uint64_t n;
        const char *want;
    } rows[] = {
        {0, "0 B"},
        {999, "999 B"},
        {1000, "1.0 KB"},
        {1540, "1.5 KB"},
        {99949, "99.9 KB"},
        {99951, "100 KB"},
        {999499, "999 KB"},
        {999500, "1.0 MB"},
        {123456789, "123 MB"},
        {UINT64_MAX, "18.4 EB"},
    };
    buf_t got = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        text_bytes(rows[i].n, &got);
        check(&got, rows[i].want);
    }
    buf_fini(&got);
}

static void
test_durations_grow_coarser(void **state)
{
    static const struct {
        uint64_t ms;
        const char *want;
    } rows[] = {
        {0, "0 ms"},
        {999, "999 ms"},
        {3210, "3.2 s"},
        {59949, "59.9 s"},
        {59999, "1 min 0 s"},
        {125000, "2 min 5 s"},
        {3600000, "1 h 0 min"},
        {90061000, "1 d 1 h"},
    };
    buf_t got = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        text_duration(rows[i].ms, &got);
        check(&got, rows[i].want);
    }
    buf_fini(&got);
}

static void
test_one_is_singular(void **state)
{
    buf_t got = {0};

    (void)state;
    text_plural(1, "file", &got);
    check(&got, "1 file");
    text_plural(0, "file", &got);
    check(&got, "0 files");
    buf_fini(&got);
}

static void
test_cut_counts_characters(void **state)
{
    static const char text[] = "gr\xc3\xbc\xc3\x9f"
                               "e von hier";
    buf_t got = {0};

    (void)state;
    assert_int_equal(text_width(span_str(text)), 14);
    buf_put_str(&got, text);
    text_cut(&got, 0, 14);
    check(&got, text);
    buf_put_str(&got, text);
    text_cut(&got, 0, 7);
    check(&got, "gr\xc3\xbc\xc3\x9f...");
    buf_put_str(&got, text);
    text_cut(&got, 0, 2);
    check(&got, "gr");
    buf_fini(&got);
}

static void
test_table_is_aligned(void **state)
{
    static const table_column_t columns[] = {
        {.head = "NAME"}, {.head = "N", .right = true}, {.head = "TEXT"}};
    table_t *table = table_new(columns, 3);
    buf_t got = {0};

    (void)state;
    table_text(table, "web1");
    table_number(table, 7);
    table_text(table, "");
    table_text(table, "a-longer-one");
    table_number(table, 12345);
    table_text(table, "something long");
    assert_int_equal(table_rows(table), 2);
    table_print(table, 0, &got);
    check(&got, "NAME              N  TEXT\n"
                "web1              7  -\n"
                "a-longer-one  12345  something long\n");
    table_print(table, 30, &got);
    check(&got, "NAME              N  TEXT\n"
                "web1              7  -\n"
                "a-longer-one  12345  someth...\n");
    table_destroy(&table);
    table_destroy(&table);
    buf_fini(&got);
}

static void
test_peers_text_cannot_harm_a_terminal(void **state)
{
    static const table_column_t columns[] = {{.head = "NAME"}};
    table_t *table = table_new(columns, 1);
    buf_t got = {0};

    (void)state;
    table_text(table, "\033[2Jx\n\x9b");
    table_print(table, 0, &got);
    assert_null(memchr(got.p, '\033', got.len));
    assert_null(memchr(got.p, 0x9b, got.len));
    assert_int_equal(
        memchr(got.p + 5, '\n', got.len - 5) == got.p + got.len - 1, 1);
    table_destroy(&table);
    buf_fini(&got);
}

static void
test_json_gets_its_commas(void **state)
{
    buf_t got = {0};

    (void)state;
    json_open(&got, NULL, '[');
    for (uint64_t i = 0; i < 2; i++) {
        json_open(&got, NULL, '{');
        json_number(&got, "n", i);
        json_text(&got, "t", "a \"quoted\\\" b");
        json_close(&got, '}');
    }
    json_close(&got, ']');
    check(&got, "[{\"n\":0,\"t\":\"a \\\"quoted\\\\\\\" b\"},"
                "{\"n\":1,\"t\":\"a \\\"quoted\\\\\\\" b\"}]");
    buf_fini(&got);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_keep_three_digits),
        cmocka_unit_test(test_durations_grow_coarser),
        cmocka_unit_test(test_one_is_singular),
        cmocka_unit_test(test_cut_counts_characters),
        cmocka_unit_test(test_table_is_aligned),
        cmocka_unit_test(test_peers_text_cannot_harm_a_terminal),
        cmocka_unit_test(test_json_gets_its_commas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
