// SPDX-License-Identifier: Apache-2.0
// What a scan refuses, and how it says so.
#include "tests/unit/worker/scan/scan_made.h"

#include "common/base/limits.h"

#include <string.h>
#include <unistd.h>

static void
test_an_archive_cut_short_is_corrupt(void **state)
{
    buf_t text = {0}, out = {0};
    scan_error_t error;
    uint64_t size;

    (void)state;
    put_log(&text, 50);
    int gz = gzip_of(buf_span(&text), &size);
    scan_range_t range = range_of(gz, size - 5);
    range.kind = SOURCE_GZIP;
    range.file = 2;
    buf_put_str(&out, "before");
    CHECK_ERR(scan("count", "combined", &range, 1, &out, &error), ERR_CORRUPT);
    CHECK_SPAN(buf_span(&out), "before");
    CHECK_U64(error.file, 2);
    assert_memory_equal(error.text, "/log: ", 6);
    close(gz);
    buf_fini(&text);
    buf_fini(&out);
}

static void
check_refused(const char *query, const char *format, const char *text,
    errcode_t rc, uint32_t file, const char *sentence)
{
    int fd = file_of(span_str(text));
    scan_range_t range = range_of(fd, strlen(text));
    scan_error_t error;
    buf_t out = {0};

    range.file = 1;
    CHECK_ERR(scan(query, format, &range, 1, &out, &error), rc);
    assert_string_equal(error.text, sentence);
    CHECK_U64(error.file, file);
    CHECK_U64(out.len, 0);
    buf_fini(&out);
    close(fd);
}

static void
test_a_wrong_job_is_no_files_fault(void **state)
{
    (void)state;
    check_refused("count by f(ip)", "auto", "", ERR_QUERY, UINT32_MAX,
        "unknown function 'f'");
    check_refused("count by nonsense", "combined", "", ERR_QUERY, UINT32_MAX,
        "the query: the format combined has no field 'nonsense'");
    check_refused("count", "combinde", "", ERR_FORMAT, UINT32_MAX,
        "unknown format 'combinde'");
}

static void
test_names_that_a_format_lacks_are_its_files_fault(void **state)
{
    (void)state;
    check_refused("count by level", "auto",
        "192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1\n",
        ERR_QUERY, 1, "/log: the format common has no field 'level'");
}

static void
test_lines_of_no_format_name_the_file(void **state)
{
    (void)state;
    int fd = file_of(SPAN_LIT("hello\n"));
    scan_range_t range = range_of(fd, 6);
    scan_error_t error;
    buf_t out = {0};

    range.file = 1;
    CHECK_ERR(scan("count", "auto", &range, 1, &out, &error), ERR_FORMAT);
    assert_memory_equal(error.text, "/log: no format fits", 20);
    CHECK_U64(error.file, 1);
    buf_fini(&out);
    close(fd);
}

static void
test_a_number_past_128_bits_names_the_byte(void **state)
{
    (void)state;
    check_refused("sum(bytes*bytes*bytes)", "combined",
        "\n192.0.2.1 - - [14/Nov/2023:22:13:20 +0000] \"GET / HTTP/1.1\" 200 "
        "99999999999999999 \"-\" \"-\"\n",
        ERR_OVERFLOW, 1, "/log, at byte 1: arithmetic overflow");
}

static void
test_a_file_that_shrank_has_changed(void **state)
{
    int fd = file_of(SPAN_LIT("\n\n"));
    scan_range_t range = range_of(fd, 3);
    scan_error_t error;
    buf_t out = {0};

    (void)state;
    CHECK_ERR(scan("count", "combined", &range, 1, &out, &error), ERR_CHANGED);
    buf_fini(&out);
    close(fd);
}

// Also where most lines are only looked at for what they lack.
static void
test_a_large_file_that_shrank_has_changed(void **state)
{
    buf_t text = {0}, out = {0};
    scan_error_t error;

    (void)state;
    put_log(&text, 20000);
    int fd = file_of(buf_span(&text));
    scan_range_t range = range_of(fd, text.len + (4u << 20));
    for (range.begin = 0; range.begin < range.end; range.begin += 999999) {
        CHECK_ERR(scan("'needle' | count", "combined", &range, 1, &out, &error),
            ERR_CHANGED);
        CHECK_U64(out.len, 0);
        assert_memory_equal(error.text, "/log: ", 6);
    }
    buf_fini(&text);
    buf_fini(&out);
    close(fd);
}

static void
test_ranges_outside_their_file_are_refused(void **state)
{
    static const uint64_t bad[][2] = {{1, 0}, {0, 4}, {4, 4}, {0, UINT64_MAX}};
    int fd = file_of(SPAN_LIT("a\nb"));
    scan_error_t error;
    buf_t out = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        scan_range_t range = range_of(fd, 3);
        range.begin = bad[i][0];
        range.end = bad[i][1];
        CHECK_ERR(
            scan("count", "auto", &range, 1, &out, &error), ERR_MALFORMED);
    }
    buf_fini(&out);
    close(fd);
}

static void
test_groups_past_the_budget_are_an_error(void **state)
{
    buf_t text = {0}, out = {0};
    scan_error_t error;

    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        put_line(&text, i);
    }
    int fd = file_of(buf_span(&text));
    scan_range_t range = range_of(fd, text.len);
    scan_job_t job = {.query = "count by bytes",
        .format = "auto",
        .ranges = &range,
        .n_ranges = 1,
        .budget = 64u << 10};
    CHECK_ERR(scan_shard(&job, &out, &error), ERR_TOO_LARGE);
    assert_true(error.text[0] != '\0');
    buf_fini(&text);
    buf_fini(&out);
    close(fd);
}

// ---- the head that `auto` looks at

static void
put_blank(buf_t *out, size_t n)
{
    memset(buf_reserve(out, n), '\n', n);
    out->len += n;
}

static void
test_a_head_of_blank_lines_wants_a_named_format(void **state)
{
    buf_t text = {0}, out = {0};
    scan_error_t error;

    (void)state;
    put_blank(&text, LIMIT_LINE + 2);
    int fd = file_of(buf_span(&text));
    scan_range_t range = range_of(fd, text.len);
    CHECK_OK(scan("count", "auto", &range, 1, &out, &error));
    put_line(&text, 1);
    close(fd);

    fd = file_of(buf_span(&text));
    range = range_of(fd, text.len);
    CHECK_ERR(scan("count", "auto", &range, 1, &out, &error), ERR_FORMAT);
    assert_string_equal(error.text,
        "/log: no line in its first 1 MiB shows a format; name one with -f");
    range.end = LIMIT_LINE;
    CHECK_OK(scan("count", "auto", &range, 1, &out, &error));
    close(fd);
    buf_fini(&text);
    buf_fini(&out);
}

// A line of the combined format, cut, can be one of another format.
static void
test_a_line_cut_by_the_head_chooses_nothing(void **state)
{
    buf_t text = {0}, out = {0};
    scan_error_t error;

    (void)state;
    put_blank(&text, LIMIT_LINE + 2 - 68);
    put_line(&text, 1);
    int fd = file_of(buf_span(&text));
    scan_range_t range = range_of(fd, text.len);
    CHECK_ERR(scan("count", "auto", &range, 1, &out, &error), ERR_FORMAT);
    assert_string_equal(error.text,
        "/log: no line in its first 1 MiB shows a format; name one with -f");
    close(fd);
    buf_fini(&text);
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_archive_cut_short_is_corrupt),
        cmocka_unit_test(test_a_wrong_job_is_no_files_fault),
        cmocka_unit_test(test_names_that_a_format_lacks_are_its_files_fault),
        cmocka_unit_test(test_lines_of_no_format_name_the_file),
        cmocka_unit_test(test_a_number_past_128_bits_names_the_byte),
        cmocka_unit_test(test_a_file_that_shrank_has_changed),
        cmocka_unit_test(test_a_large_file_that_shrank_has_changed),
        cmocka_unit_test(test_ranges_outside_their_file_are_refused),
        cmocka_unit_test(test_groups_past_the_budget_are_an_error),
        cmocka_unit_test(test_a_head_of_blank_lines_wants_a_named_format),
        cmocka_unit_test(test_a_line_cut_by_the_head_chooses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
