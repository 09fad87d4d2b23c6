// SPDX-License-Identifier: Apache-2.0
#include "worker/format/format.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

#define HEAD "192.0.2.7 - frank smith [10/Oct/2023:13:55:36 -0700] "
#define REQ  "\"GET /a\\\"b?c=d e HTTP/1.1\" "
#define LINE HEAD REQ "404 2326 \"-\" \"Mozilla\" 0.5 x"

static const format_t *
named(const char *name)
{
    const format_t *format;

    CHECK_OK(format_find(name, &format));
    return format;
}

static void
match(const char *name, const char *line, line_fields_t *out)
{
    reject_t why;

    assert_true(format_match(named(name), span_str(line), out, &why));
}

static void
check_rejected(const char *name, const char *line, reject_t want)
{
    line_fields_t fields;
    reject_t why = REJECT_COUNT;

    assert_false(format_match(named(name), span_str(line), &fields, &why));
    assert_int_equal(why, want);
}

static void
check_field(const line_fields_t *line, field_t field, const char *want)
{
    cell_t cell;
    bool bad;

    format_field(line, field, &cell, &bad);
    assert_false(bad);
    if (want == NULL) {
        assert_int_equal(cell.kind, CELL_MISSING);
        return;
    }
    assert_int_equal(cell.kind, CELL_TEXT);
    assert_true(span_is(cell.text, want));
}

static void
test_combined_line_has_its_fields(void **state)
{
    line_fields_t f;

    (void)state;
    match("combined", LINE, &f);
    check_field(&f, FIELD_IP, "192.0.2.7");
    check_field(&f, FIELD_IDENT, NULL);
    check_field(&f, FIELD_USER, "frank smith");
    check_field(&f, FIELD_METHOD, "GET");
    check_field(&f, FIELD_URL, "/a\\\"b?c=d e");
    check_field(&f, FIELD_PATH, "/a\\\"b");
    check_field(&f, FIELD_QUERY, "c=d e");
    check_field(&f, FIELD_PROTO, "HTTP/1.1");
    check_field(&f, FIELD_REFERER, NULL);
    check_field(&f, FIELD_UA, "Mozilla");
    check_field(&f, FIELD_VHOST, NULL);
    check_field(&f, FIELD_LINE, LINE);
}

static void
test_numbers_and_times_have_values(void **state)
{
    line_fields_t f;
    cell_t cell;
    bool bad;

    (void)state;
    match("combined", LINE, &f);
    format_field(&f, FIELD_STATUS, &cell, &bad);
    assert_true(cell.number == DEC_INT(404));
    format_field(&f, FIELD_TIME, &cell, &bad);
    assert_true(cell.number == DEC_INT(1696971336));
    match("combined", HEAD "\"x\" abc 1e3", &f);
    format_field(&f, FIELD_STATUS, &cell, &bad);
    assert_true(bad && cell.kind == CELL_MISSING);
}

static void
test_time_out_of_range_is_missing(void **state)
{
    static const char *const times[] = {"30/Feb/2023:00:00:00 +0000",
        "10/oct/2023:13:55:36 -0700", "10/Oct/2023:24:00:00 +0000",
        "10/Oct/2023:13:55:60 +0000", "10/Oct/0000:13:55:36 +0000",
        "10/Oct/2023:13:55:36 +0060", "10/Oct/2023:13:55:36", ""};
    line_fields_t f = {0};
    cell_t cell;
    bool bad;

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        f.fields[FIELD_TIME] = span_str(times[i]);
        format_field(&f, FIELD_TIME, &cell, &bad);
        assert_true(bad && cell.kind == CELL_MISSING);
    }
    f.fields[FIELD_TIME] = SPAN_LIT("29/Feb/2024:23:59:59 +0000");
    format_field(&f, FIELD_TIME, &cell, &bad);
    assert_true(cell.number == DEC_INT(1709251199));
}

static void
test_tail_is_optional_in_combined_alone(void **state)
{
    line_fields_t f;

    (void)state;
    match("combined", HEAD "\"\" 200 -", &f);
    match("common", HEAD "\"\" 200 -", &f);
    match("combined", LINE " ", &f);
    check_field(&f, FIELD_METHOD, "GET");
    check_rejected("common", LINE, REJECT_TRAILING);
    match("vhost_combined", "a.example:443 " LINE, &f);
    check_field(&f, FIELD_VHOST, "a.example");
    check_rejected("vhost_combined", LINE, REJECT_STRUCTURE);
}

static void
test_broken_structure_is_rejected_with_its_reason(void **state)
{
    (void)state;
    check_rejected("combined", "rubbish", REJECT_STRUCTURE);
    check_rejected("combined", " - - [x] \"\" 1 2", REJECT_EMPTY);
    check_rejected("combined", HEAD "\"GET / 200 1", REJECT_UNCLOSED);
    check_rejected("combined", HEAD "\"GET \\", REJECT_UNCLOSED);
    check_rejected("combined", HEAD "\"\" 200", REJECT_STRUCTURE);
    check_rejected("combined", HEAD "\"\" 200 1 \"-\"", REJECT_STRUCTURE);
    check_rejected("combined", HEAD "\"\" 200 1 \"\" \"\"x", REJECT_TRAILING);
}

static const char *
detected(const char *head)
{
    const format_t *format;
    buf_t why = {0};
    errcode_t rc = format_detect(span_str(head), true, &format, &why);
    bool said = why.len > 0;

    buf_fini(&why);
    assert_int_equal(said, rc != ERR_OK);
    return rc != ERR_OK ? "error" : format == NULL ? "" : format_name(format);
}

static void
test_auto_takes_the_narrower_of_equals(void **state)
{
    (void)state;
    assert_string_equal(detected(LINE "\n\n" LINE "\r\n"), "combined");
    assert_string_equal(detected(HEAD "\"\" 200 1\n"), "common");
    assert_string_equal(detected(HEAD "\"\" 200 1\n" LINE), "combined");
    assert_string_equal(detected("a.example:80 " LINE), "vhost_combined");
    assert_string_equal(
        detected("a.example:80 " HEAD "\"\" 200 1"), "vhost_common");
    assert_string_equal(detected("{\"json\": 1}\n"), "json");
    assert_string_equal(detected("no format has this\n"), "error");
    assert_string_equal(detected("\n\r\n"), "");
}

static void
test_every_truncation_keeps_inside_the_line(void **state)
{
    char line[] = "a.example:443 " LINE;
    line_fields_t f;
    reject_t why;

    (void)state;
    for (size_t len = 1; len < sizeof line; len++) {
        uint8_t *copy = test_malloc(len);
        memcpy(copy, line, len);
        for (size_t i = 0; i < format_count(); i++) {
            if (format_match(format_at(i), (span_t){copy, len}, &f, &why)) {
                span_t ip = f.fields[FIELD_IP];
                assert_true(ip.p == NULL || ip.p >= copy);
            }
        }
        test_free(copy);
    }
}

static void
look_at_all(const line_fields_t *line, const uint8_t *text, size_t len)
{
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        span_t field = line->fields[i];
        cell_t cell;
        bool bad = false;
        assert_true(field.p == NULL ||
                    (field.p >= text && field.p + field.len <= text + len));
        format_field(line, (field_t)i, &cell, &bad);
    }
}

static void
test_every_flipped_bit_keeps_inside_the_line(void **state)
{
    static const char line[] = "a.example:443 " LINE;
    size_t len = sizeof line - 1;
    line_fields_t f;
    reject_t why;

    (void)state;
    for (size_t bit = 0; bit < len * 8; bit++) {
        uint8_t *copy = test_malloc(len);
        memcpy(copy, line, len);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        for (size_t i = 0; i < format_count(); i++) {
            if (format_match(format_at(i), (span_t){copy, len}, &f, &why)) {
                look_at_all(&f, copy, len);
            }
        }
        test_free(copy);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_combined_line_has_its_fields),
        cmocka_unit_test(test_numbers_and_times_have_values),
        cmocka_unit_test(test_time_out_of_range_is_missing),
        cmocka_unit_test(test_tail_is_optional_in_combined_alone),
        cmocka_unit_test(test_broken_structure_is_rejected_with_its_reason),
        cmocka_unit_test(test_auto_takes_the_narrower_of_equals),
        cmocka_unit_test(test_every_truncation_keeps_inside_the_line),
        cmocka_unit_test(test_every_flipped_bit_keeps_inside_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
