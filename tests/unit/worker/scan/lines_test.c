// SPDX-License-Identifier: Apache-2.0
#include "worker/scan/lines.h"

#include "common/base/limits.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int
file_of(const void *p, size_t len)
{
    int fd = memfd_create("lines", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, len), (ssize_t)len);
    return fd;
}

// Appends "offset:len[!]:text" of every line that [begin, end) owns.
static void
collect(int fd, uint64_t size, uint64_t begin, uint64_t end, buf_t *out)
{
    source_t *source;
    line_t line;
    bool more = true;

    CHECK_OK(source_open_file(
        fd, SOURCE_PLAIN, begin > 0 ? begin - 1 : 0, size, &source));
    lines_t *lines = lines_new(source, begin, end);
    for (;;) {
        CHECK_OK(lines_next(lines, &line, &more));
        if (!more) {
            break;
        }
        size_t shown = line.text.len < 40 ? line.text.len : 40;
        buf_printf(out, "%llu:%zu%s:", (unsigned long long)line.offset,
            line.too_long ? 0 : line.text.len, line.too_long ? "!" : "");
        buf_put(out, line.text.p, shown);
        buf_put_str(out, ";");
    }
    lines_destroy(&lines);
    source_destroy(&source);
}

static void
check_lines(const char *text, const char *expected)
{
    int fd = file_of(text, strlen(text));
    buf_t got = {0};

    collect(fd, strlen(text), 0, strlen(text), &got);
    assert_int_equal(got.len, strlen(expected));
    assert_memory_equal(got.p, expected, got.len);
    buf_fini(&got);
    close(fd);
}

static void
test_endings_are_dropped_only_before_a_newline(void **state)
{
    (void)state;
    check_lines("a\nb\r\n\r\n\nc", "0:1:a;2:1:b;5:0:;7:0:;8:1:c;");
    check_lines("a\r", "0:2:a\r;");
    check_lines("a\r\r\n", "0:2:a\r;");
}

static void
test_every_cut_gives_the_same_lines(void **state)
{
    static const char text[] = "\n\nfirst\r\n\r\nx\n\n\nlonger line\nlast";
    size_t size = sizeof text - 1;
    int fd = file_of(text, size);
    buf_t whole = {0};

    (void)state;
    collect(fd, size, 0, size, &whole);
    for (size_t step = 1; step <= size; step++) {
        buf_t cut = {0};
        for (size_t at = 0; at < size; at += step) {
            size_t end = at + step < size ? at + step : size;
            collect(fd, size, at, end, &cut);
        }
        assert_true(span_eq(buf_span(&cut), buf_span(&whole)));
        buf_fini(&cut);
    }
    buf_fini(&whole);
    close(fd);
}

// len bytes of 'x', then `tail`.
static int
long_file(size_t len, const char *tail, size_t *size)
{
    buf_t text = {0};

    memset(buf_reserve(&text, len), 'x', len);
    text.len = len;
    buf_put_str(&text, tail);
    *size = text.len;
    int fd = file_of(text.p, text.len);
    buf_fini(&text);
    return fd;
}

static void
check_first(size_t len, const char *tail, bool too_long)
{
    size_t size;
    int fd = long_file(len, tail, &size);
    source_t *source;
    line_t line;
    bool more;

    CHECK_OK(source_open_file(fd, SOURCE_PLAIN, 0, size, &source));
    lines_t *lines = lines_new(source, 0, size);
    CHECK_OK(lines_next(lines, &line, &more));
    assert_true(more && line.too_long == too_long);
    CHECK_OK(lines_next(lines, &line, &more));
    assert_int_equal(more, strchr(tail, 'z') != NULL);
    if (more) {
        CHECK_SPAN(line.text, "z");
    }
    lines_destroy(&lines);
    source_destroy(&source);
    close(fd);
}

static bool
is_a_line(uint64_t len)
{
    size_t size;
    int fd = long_file(len, "\n", &size);
    source_t *source;
    line_t line;
    bool more;

    CHECK_OK(source_open_file(fd, SOURCE_PLAIN, 0, size, &source));
    lines_t *lines = lines_new(source, 0, size);
    CHECK_OK(lines_next(lines, &line, &more));
    assert_true(more && (line.too_long || line.text.len == len));
    bool whole = !line.too_long;
    lines_destroy(&lines);
    source_destroy(&source);
    close(fd);
    return whole;
}

static void
test_the_limit_does_not_count_the_ending(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_LINE, is_a_line);
    check_first(LIMIT_LINE, "\nz", false);
    check_first(LIMIT_LINE, "\r\nz\n", false);
    check_first(LIMIT_LINE, "", false);
    check_first(LIMIT_LINE + 1, "\nz", true);
    check_first(LIMIT_LINE + 1, "\r\nz", true);
    check_first(LIMIT_LINE, "\r", true);
    check_first(3 * LIMIT_LINE, "\nz", true);
    check_first(3 * LIMIT_LINE, "", true);
}

static void
test_a_long_line_belongs_to_one_range_wherever_it_is_cut(void **state)
{
    size_t len = 2 * LIMIT_LINE + 77;
    size_t size;
    int fd = long_file(len, "\nz\n", &size);
    const size_t cuts[] = {1, 2, LIMIT_LINE, LIMIT_LINE + 2, len - 1, len,
        len + 1, len + 2, len + 3};
    buf_t whole = {0};

    (void)state;
    collect(fd, size, 0, size, &whole);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        buf_t cut = {0};
        collect(fd, size, 0, cuts[i], &cut);
        collect(fd, size, cuts[i], size, &cut);
        assert_true(span_eq(buf_span(&cut), buf_span(&whole)));
        buf_fini(&cut);
    }
    buf_fini(&whole);
    close(fd);
}

static void
test_a_range_inside_a_long_line_reads_little(void **state)
{
    size_t size;
    int fd = long_file(2 * LIMIT_LINE, "\n", &size);
    source_t *source;
    line_t line;
    bool more;

    (void)state;
    CHECK_OK(source_open_file(fd, SOURCE_PLAIN, 99, size, &source));
    lines_t *lines = lines_new(source, 100, 101);
    CHECK_OK(lines_next(lines, &line, &more));
    assert_false(more);
    assert_true(source_taken(source) <= 2);
    lines_destroy(&lines);
    source_destroy(&source);
    close(fd);
}

static void
test_bytes_past_the_planned_size_do_not_exist(void **state)
{
    int fd = file_of("one\ntwo\nthree", 13);
    buf_t got = {0};

    (void)state;
    collect(fd, 6, 0, 6, &got);
    CHECK_SPAN(buf_span(&got), "0:3:one;4:2:tw;");
    buf_fini(&got);
    close(fd);
}

static void
test_a_file_that_shrank_is_told(void **state)
{
    int fd = file_of("one\n", 4);
    source_t *source;
    line_t line;
    bool more;

    (void)state;
    CHECK_OK(source_open_file(fd, SOURCE_PLAIN, 0, 9, &source));
    lines_t *lines = lines_new(source, 0, 9);
    errcode_t rc = lines_next(lines, &line, &more);
    rc = rc != ERR_OK ? rc : lines_next(lines, &line, &more);
    CHECK_ERR(rc, ERR_CHANGED);
    lines_destroy(&lines);
    source_destroy(&source);
    close(fd);
}

static void
test_the_head_is_read_without_losing_lines(void **state)
{
    int fd = file_of("a\nb", 3);
    source_t *source;
    line_t line;
    span_t head;
    bool at_end;
    bool more;

    (void)state;
    CHECK_OK(source_open_file(fd, SOURCE_PLAIN, 0, 3, &source));
    lines_t *lines = lines_new(source, 0, UINT64_MAX);
    CHECK_OK(lines_head(lines, &head, &at_end));
    CHECK_SPAN(head, "a\nb");
    assert_true(at_end);
    CHECK_OK(lines_next(lines, &line, &more));
    CHECK_SPAN(line.text, "a");
    CHECK_OK(lines_next(lines, &line, &more));
    CHECK_SPAN(line.text, "b");
    CHECK_OK(lines_next(lines, &line, &more));
    assert_false(more);
    lines_destroy(&lines);
    source_destroy(&source);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endings_are_dropped_only_before_a_newline),
        cmocka_unit_test(test_every_cut_gives_the_same_lines),
        cmocka_unit_test(test_the_limit_does_not_count_the_ending),
        cmocka_unit_test(
            test_a_long_line_belongs_to_one_range_wherever_it_is_cut),
        cmocka_unit_test(test_a_range_inside_a_long_line_reads_little),
        cmocka_unit_test(test_bytes_past_the_planned_size_do_not_exist),
        cmocka_unit_test(test_a_file_that_shrank_is_told),
        cmocka_unit_test(test_the_head_is_read_without_losing_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
