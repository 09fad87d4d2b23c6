// SPDX-License-Identifier: Apache-2.0
#include "common/result/output.h"

#include "tests/unit/common/result/table.h"

#include <string.h>

static void
check_print(const char *query, const cell_t *key, output_kind_t kind,
    size_t width, const char *want)
{
    fixture_t t;

    table_init(&t, query);
    table_add_cells(&t, 1234567, key);
    table_build(&t);
    assert_string_equal(table_print(&t, kind, true, width), want);
    table_fini(&t);
}

// One text as a cell of that kind, without the count beside it.
static void
check_text(output_kind_t kind, span_t text, const char *want)
{
    fixture_t t;
    cell_t cell = {.kind = CELL_TEXT, .text = text};
    char whole[256];

    table_init(&t, "top path");
    table_add_cells(&t, 1, &cell);
    table_build(&t);
    snprintf(whole, sizeof whole,
        kind == OUTPUT_TSV     ? "%s\t1\n"
        : kind == OUTPUT_CSV   ? "%s,1\r\n"
        : kind == OUTPUT_JSONL ? "{\"path\":%s,\"count\":1}\n"
                               : "%s",
        want);
    assert_string_equal(table_print(&t, kind, false, 0), whole);
    table_fini(&t);
}

#define CHECK_TEXT(kind, text, want) check_text(kind, SPAN_LIT(text), want)

static void
test_kinds_have_names(void **state)
{
    static const char *const names[] = {
        "table", "tsv", "csv", "json", "jsonl", "md", "html"};
    output_kind_t kind;

    (void)state;
    for (size_t i = 0; i < OUTPUT_KIND_COUNT; i++) {
        CHECK_OK(output_kind_parse(names[i], &kind));
        assert_int_equal(kind, i);
    }
    CHECK_ERR(output_kind_parse("", &kind), ERR_NOT_FOUND);
    CHECK_ERR(output_kind_parse("JSON", &kind), ERR_NOT_FOUND);
    CHECK_ERR(output_kind_parse("htm", &kind), ERR_NOT_FOUND);
}

static void
test_tsv_escapes_what_would_break_a_line(void **state)
{
    (void)state;
    CHECK_TEXT(OUTPUT_TSV, "/a b", "/a b");
    CHECK_TEXT(OUTPUT_TSV, "a\tb\nc\\d\r", "a\\tb\\nc\\\\d\\r");
    CHECK_TEXT(OUTPUT_TSV, "\0\033[31m\x7f", "\\x00\\x1b[31m\\x7f");
    CHECK_TEXT(OUTPUT_TSV, "\xff/\xc3\xa9", "\\xff/\xc3\xa9");
    CHECK_TEXT(OUTPUT_TSV, "\xe2\x80\xae", "\\xe2\\x80\\xae");
    CHECK_TEXT(OUTPUT_TSV, "", "");
    CHECK_TEXT(OUTPUT_TSV, "=1+1", "=1+1");
}

static void
test_csv_quotes_and_takes_the_sting_out_of_formulas(void **state)
{
    (void)state;
    CHECK_TEXT(OUTPUT_CSV, "/a", "/a");
    CHECK_TEXT(OUTPUT_CSV, "", "");
    CHECK_TEXT(OUTPUT_CSV, "a,b", "\"a,b\"");
    CHECK_TEXT(OUTPUT_CSV, "say \"x\"", "\"say \"\"x\"\"\"");
    CHECK_TEXT(OUTPUT_CSV, "=cmd()", "\"'=cmd()\"");
    CHECK_TEXT(OUTPUT_CSV, "+1", "\"'+1\"");
    CHECK_TEXT(OUTPUT_CSV, "-1", "\"'-1\"");
    CHECK_TEXT(OUTPUT_CSV, "@x", "\"'@x\"");
    CHECK_TEXT(OUTPUT_CSV, "\t=1", "\"'\\x09=1\"");
    CHECK_TEXT(OUTPUT_CSV, "\r=1", "\"'\\x0d=1\"");
    CHECK_TEXT(OUTPUT_CSV, "a\nb\0c", "a\\x0ab\\x00c");
    CHECK_TEXT(OUTPUT_CSV, "\xff", "\\xff");
}

static void
test_json_strings_are_exact_or_base64(void **state)
{
    (void)state;
    CHECK_TEXT(OUTPUT_JSONL, "/a", "\"/a\"");
    CHECK_TEXT(OUTPUT_JSONL, "", "\"\"");
    CHECK_TEXT(OUTPUT_JSONL, "\"\\\b\f\n\r\t", "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
    CHECK_TEXT(OUTPUT_JSONL, "\0\033\x7f", "\"\\u0000\\u001b\\u007f\"");
    CHECK_TEXT(OUTPUT_JSONL, "\xc3\xa9\xf0\x9f\x98\x80",
        "\"\xc3\xa9\xf0\x9f\x98\x80\"");
    CHECK_TEXT(OUTPUT_JSONL, "\xe2\x80\xa8\xf3\xa0\x80\x81",
        "\"\\u2028\\udb40\\udc01\"");
    CHECK_TEXT(OUTPUT_JSONL, "a\xff", "{\"base64\":\"Yf8=\"}");
    CHECK_TEXT(OUTPUT_JSONL, "\xc0\x80", "{\"base64\":\"wIA=\"}");
    CHECK_TEXT(OUTPUT_JSONL, "\xed\xa0\x80", "{\"base64\":\"7aCA\"}");
}

static void
test_markdown_cells_stay_cells(void **state)
{
    cell_t key = TEXT("a|b<c>&`*_[]\\\n");

    (void)state;
    check_print("top path", &key, OUTPUT_MD, 0,
        "| path | count |\n| --- | ---: |\n"
        "| a\\|b&lt;c>&amp;\\`\\*\\_\\[\\]\\\\\\x0a | 1234567 |\n");
    key = TEXT("");
    check_print("top path", &key, OUTPUT_MD, 0,
        "| path | count |\n| --- | ---: |\n|   | 1234567 |\n");
}

static void
test_missing_is_a_dash_or_null(void **state)
{
    cell_t key = MISSING;

    (void)state;
    check_print("top path", &key, OUTPUT_TSV, 0, "path\tcount\n-\t1234567\n");
    check_print("top path", &key, OUTPUT_CSV, 0, "path,count\r\n-,1234567\r\n");
    check_print("top path", &key, OUTPUT_JSONL, 0,
        "{\"path\":null,\"count\":1234567}\n");
    check_print("top path", &key, OUTPUT_MD, 0,
        "| path | count |\n| --- | ---: |\n| - | 1234567 |\n");
}

static void
test_numbers_and_times_by_type(void **state)
{
    static const struct {
        type_t type;
        dec_t v;
        const char *want;
    } rows[] = {{TYPE_INTEGER, DEC_INT(-7), "-7"},
        {TYPE_DECIMAL, 500000000, "0.5"}, {TYPE_DURATION, 1000000, "0.001"},
        {TYPE_SIZE, DEC_INT(1000000000000), "1000000000000"},
        {TYPE_TIME, DEC_INT(1699999200), "2023-11-14T22:00:00Z"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        buf_t out = {0};
        output_number(rows[i].type, rows[i].v, &out);
        buf_put_u8(&out, 0);
        assert_string_equal((char *)out.p, rows[i].want);
        buf_fini(&out);
    }
}

static void
test_header_of_tsv_and_csv_can_be_left_out(void **state)
{
    fixture_t t;

    (void)state;
    table_init(&t, "count, count if(5xx) as err by path");
    table_build(&t);
    assert_string_equal(
        table_print(&t, OUTPUT_TSV, true, 0), "path\tcount\terr\n");
    assert_string_equal(table_print(&t, OUTPUT_TSV, false, 0), "");
    assert_string_equal(table_print(&t, OUTPUT_CSV, false, 0), "");
    table_fini(&t);
}

static void
add_visits(fixture_t *t)
{
    table_add(t, 1234567, TEXT("/index.html"), NUMBER(1699999200));
    table_add(t, 89, TEXT("/caf\xc3\xa9"), NUMBER(1699999200));
    table_add(t, 1, MISSING, NUMBER(1700002800));
    table_add(t, 1, TEXT("/\033[2J"), MISSING);
    table_build(t);
}

static void
test_a_table_lines_up(void **state)
{
    fixture_t t;

    (void)state;
    table_init(&t, "count by path, time:1h");
    add_visits(&t);
    assert_string_equal(table_print(&t, OUTPUT_TABLE, true, 0),
        "path         time:1h                 count\n"
        "/\\x1b[2J     -                           1\n"
        "/index.html  2023-11-14T22:00:00Z  1234567\n"
        "/caf\xc3\xa9        2023-11-14T22:00:00Z       89\n"
        "-            2023-11-14T23:00:00Z        1\n");
    table_fini(&t);
}

static void
test_a_narrow_table_cuts_texts_and_no_numbers(void **state)
{
    fixture_t t;

    (void)state;
    table_init(&t, "count by path, time:1h");
    add_visits(&t);
    assert_string_equal(table_print(&t, OUTPUT_TABLE, true, 10),
        "path      time:1h                 count\n"
        "/\\x1b[2J  -                           1\n"
        "/index.\xe2\x80\xa6  2023-11-14T22:00:00Z  1234567\n"
        "/caf\xc3\xa9     2023-11-14T22:00:00Z       89\n"
        "-         2023-11-14T23:00:00Z        1\n");
    table_fini(&t);
}

static void
test_a_long_text_gives_way_first(void **state)
{
    cell_t keys[] = {
        TEXT("/a/very/long/path/that/takes/a/whole/line"), TEXT("192.0.2.7")};

    (void)state;
    check_print("count by path, ip", keys, OUTPUT_TABLE, 40,
        "path                  ip           count\n"
        "/a/very/long/path/t\xe2\x80\xa6  192.0.2.7  1234567\n");
}

static void
test_safe_text_leaves_nothing_for_a_terminal_to_obey(void **state)
{
    buf_t out = {0};

    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t byte = (uint8_t)c;
        output_safe_text((span_t){&byte, 1}, &out);
    }
    for (size_t i = 0; i < out.len; i++) {
        assert_in_range(out.p[i], 0x20, 0x7e);
    }
    buf_clear(&out);
    output_safe_text(SPAN_LIT("caf\xc3\xa9 \xc2\x85 \xe2\x80\xae"), &out);
    CHECK_SPAN(buf_span(&out), "caf\xc3\xa9 \\xc2\\x85 \\xe2\\x80\\xae");
    buf_fini(&out);
}

static void
fill_receipt(receipt_t *r)
{
    sample_t sample = {.offset = 4711,
        .reject = REJECT_UNCLOSED,
        .len = 6,
        .text = "a\033[2Jb"};

    r->complete = false;
    r->files = 3;
    r->totals = (totals_t){.bytes = 1234567890,
        .lines = 12354,
        .accepted = 12300,
        .rejected = {[REJECT_UNCLOSED] = 45},
        .blank = 9,
        .bad_values = 1};
    r->micros = 420000;
    r->shards = 80;
    r->retried = 2;
    receipt_add_host(r, "web1", 2, 1000000000, 10000);
    receipt_add_host(r, "web2", 1, 234567890, 2354);
    receipt_add_sample(r, "web1", "/var/log/a", &sample);
    receipt_add_missing(r, "web3:/var/log/x: host web3 is gone");
    receipt_add_note(r, "/var/log/a is combined");
}

static void
test_json_has_query_columns_rows_and_receipt(void **state)
{
    fixture_t t;

    (void)state;
    table_init(&t, "count, avg(dur) by status, time:1h");
    table_add(&t, 2, NUMBER(404), NUMBER(3600));
    table_build(&t);
    fill_receipt(&t.result->receipt);
    memset(t.result->receipt.fingerprint, 0xa5, 32);
    assert_string_equal(table_print(&t, OUTPUT_JSON, true, 0),
        "{\"query\":\"count, avg(dur) by status, time:1h\",\n"
        "\"columns\":[{\"name\":\"status\",\"type\":\"integer\"},"
        "{\"name\":\"time:1h\",\"type\":\"time\"},"
        "{\"name\":\"count\",\"type\":\"integer\"},"
        "{\"name\":\"avg(dur)\",\"type\":\"duration\"}],\n"
        "\"rows\":[\n[404,\"1970-01-01T01:00:00Z\",2,null]\n],\n"
        "\"receipt\":{\"complete\":false,\"fingerprint\":\""
        "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5\","
        "\"files\":3,\"bytes\":1234567890,\"lines\":12354,\"accepted\":12300,"
        "\"rejected\":{\"total\":45,\"reasons\":"
        "{\"a quoted value does not end\":45}},"
        "\"blank\":9,\"skipped\":0,\"bad_values\":1,\"unread\":0,\"seconds\":0."
        "42,"
        "\"shards\":80,\"retried\":2,"
        "\"hosts\":[{\"host\":\"web1\",\"files\":2,\"bytes\":1000000000,"
        "\"lines\":10000},{\"host\":\"web2\",\"files\":1,"
        "\"bytes\":234567890,\"lines\":2354}],"
        "\"samples\":[{\"host\":\"web1\",\"file\":\"/var/log/a\","
        "\"offset\":4711,\"reason\":\"a quoted value does not end\","
        "\"text\":\"a\\u001b[2Jb\"}],"
        "\"notes\":[\"/var/log/a is combined\"],"
        "\"missing\":[\"web3:/var/log/x: host web3 is gone\"]}}\n");
    table_fini(&t);
}

static void
check_receipt(const receipt_t *r, const char *want)
{
    buf_t out = {0};

    output_receipt(r, &out);
    buf_put_u8(&out, 0);
    assert_string_equal((char *)out.p, want);
    buf_fini(&out);
}

static void
test_the_receipt_reads_well(void **state)
{
    receipt_t r = {0};

    (void)state;
    fill_receipt(&r);
    check_receipt(&r, "12,354 lines of 3 files on 2 hosts (1.2 GB) in 0.42 s: "
                      "12,300 accepted, 45 rejected, 9 blank, "
                      "1 value that does not fit its type, 2 shards retried\n"
                      "  45 rejected: a quoted value does not end\n"
                      "    web1:/var/log/a at 4711: a\\x1b[2Jb\n"
                      "  /var/log/a is combined\n"
                      "missing: web3:/var/log/x: host web3 is gone\n");
    receipt_fini(&r);
}

static void
test_a_small_receipt_is_one_line(void **state)
{
    receipt_t r = {.complete = true,
        .files = 1,
        .totals = {.bytes = 999, .lines = 1, .accepted = 1}};

    (void)state;
    check_receipt(&r, "1 line of 1 file (999 B): 1 accepted, 0 rejected\n");
}

static void
test_a_long_receipt_is_cut(void **state)
{
    receipt_t r = {0};
    buf_t out = {0};
    size_t lines = 0;

    (void)state;
    for (size_t i = 0; i < 1500; i++) {
        receipt_add_missing(&r, "web1:/x: gone");
        receipt_add_note(&r, "/x is common");
    }
    output_receipt(&r, &out);
    for (size_t i = 0; i < out.len; i++) {
        lines += out.p[i] == '\n';
    }
    CHECK_U64(lines, 1 + 11 + 21);
    buf_put_u8(&out, 0);
    assert_non_null(
        strstr((char *)out.p, "missing: 1,480 more; -o json names them all\n"));
    buf_fini(&out);
    receipt_fini(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_have_names),
        cmocka_unit_test(test_tsv_escapes_what_would_break_a_line),
        cmocka_unit_test(test_csv_quotes_and_takes_the_sting_out_of_formulas),
        cmocka_unit_test(test_json_strings_are_exact_or_base64),
        cmocka_unit_test(test_markdown_cells_stay_cells),
        cmocka_unit_test(test_missing_is_a_dash_or_null),
        cmocka_unit_test(test_numbers_and_times_by_type),
        cmocka_unit_test(test_header_of_tsv_and_csv_can_be_left_out),
        cmocka_unit_test(test_a_table_lines_up),
        cmocka_unit_test(test_a_narrow_table_cuts_texts_and_no_numbers),
        cmocka_unit_test(test_a_long_text_gives_way_first),
        cmocka_unit_test(test_safe_text_leaves_nothing_for_a_terminal_to_obey),
        cmocka_unit_test(test_json_has_query_columns_rows_and_receipt),
        cmocka_unit_test(test_the_receipt_reads_well),
        cmocka_unit_test(test_a_small_receipt_is_one_line),
        cmocka_unit_test(test_a_long_receipt_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
