// SPDX-License-Identifier: Apache-2.0
// Blocks of files that are large enough to be mapped.
#include "worker/scan/lines.h"

#include "common/base/limits.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/worker/scan/scan_made.h"

#include <string.h>

static uint32_t
draw(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

// Most lines are short; `every` says how seldom one is very long.
static void
put_lines(buf_t *out, size_t size, uint32_t every, uint32_t seed)
{
    while (out->len < size) {
        size_t len = draw(&seed) % every == 0 ? draw(&seed) % (2u << 20)
                                              : draw(&seed) % 400;
        memset(buf_reserve(out, len), 'a' + (int)(draw(&seed) % 26), len);
        out->len += len;
        buf_put_str(out, draw(&seed) % 9 == 0 ? "\r\n" : "\n");
    }
}

// Returns how many bytes were late.
static size_t
fetch(const text_block_t *block)
{
    size_t late = block->late_end - block->late;

    if (late > 0) {
        memcpy(block->p + block->late, block->from, late);
    }
    return late;
}

// The lines of the range appended; too long ones are of no use here. Returns
// how many bytes were late.
static size_t
collect(int fd, uint64_t size, uint64_t begin, uint64_t end, buf_t *out)
{
    source_t *source;
    text_block_t block;
    line_t line;
    uint64_t offset;
    size_t late = 0;
    bool more = true;

    CHECK_OK(source_open_file(
        fd, SOURCE_PLAIN, begin > 0 ? begin - 1 : 0, size, &source));
    source_assume_cached(source);
    lines_t *lines = lines_new(source, begin, end);
    while (more) {
        CHECK_OK(lines_block(lines, &block, &offset));
        if (block.len > 0) {
            CHECK_U64(offset, out->len);
            late += fetch(&block);
            buf_put(out, block.p, block.len);
            continue;
        }
        CHECK_OK(lines_next(lines, &line, &more));
        if (more) {
            CHECK_U64(line.offset, out->len);
            buf_put_span(out, line.text);
            uint64_t at = out->len;
            uint8_t ending[2] = {0};
            assert_true(pread(fd, ending, 2, (off_t)at) >= 0);
            size_t n = ending[0] == '\r' ? 2 : ending[0] == '\n' ? 1 : 0;
            buf_put(out, ending, n);
        }
    }
    lines_destroy(&lines);
    source_destroy(&source);
    return late;
}

static void
check_ranges(span_t text, uint64_t step)
{
    int fd = file_of(text);
    buf_t got = {0};
    size_t late = 0;

    for (uint64_t at = 0; at < text.len; at += step) {
        late += collect(fd, text.len, at,
            text.len - at < step ? text.len : at + step, &got);
    }
    CHECK_U64(got.len, text.len);
    assert_memory_equal(got.p, text.p, text.len);
    assert_true(late > text.len / 2);
    buf_fini(&got);
    close(fd);
}

static void
test_ranges_give_every_line_once(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 6; seed++) {
        buf_t text = {0};
        put_lines(&text, 7u << 20, UINT32_MAX, seed);
        text.len -= seed; // the last one may lack its ending
        check_ranges(buf_span(&text), UINT32_MAX);
        check_ranges(buf_span(&text), 1000003 + seed);
        check_ranges(buf_span(&text), 2u << 20);
        buf_fini(&text);
    }
}

// Lines longer than a step, and than a line may be.
static void
test_long_lines_are_between_the_blocks(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 6; seed++) {
        buf_t text = {0};
        source_t *source;
        text_block_t block;
        line_t line;
        uint64_t offset, n = 0, newlines = 0;
        bool more = true;

        put_lines(&text, 7u << 20, 3000, seed);
        for (size_t i = 0; i < text.len; i++) {
            newlines += text.p[i] == '\n';
        }
        int fd = file_of(buf_span(&text));
        CHECK_OK(source_open_file(fd, SOURCE_PLAIN, 0, text.len, &source));
        source_assume_cached(source);
        lines_t *lines = lines_new(source, 0, text.len);
        while (more) {
            CHECK_OK(lines_block(lines, &block, &offset));
            (void)fetch(&block);
            if (block.len > 0) {
                assert_memory_equal(block.p, text.p + offset, block.len);
            }
            for (size_t i = 0; i < block.len; i++) {
                n += block.p[i] == '\n';
            }
            if (block.len == 0) {
                CHECK_OK(lines_next(lines, &line, &more));
                n += more;
            }
        }
        CHECK_U64(n, newlines);
        lines_destroy(&lines);
        source_destroy(&source);
        buf_fini(&text);
        close(fd);
    }
}

// Where the file ends, the mapped bytes fault; the plan says there is more.
static void
test_a_file_cut_short_is_told(void **state)
{
    buf_t text = {0};
    source_t *source;
    text_block_t block = {.len = 1};
    uint64_t offset;
    errcode_t rc = ERR_OK;

    (void)state;
    put_lines(&text, 3u << 20, UINT32_MAX, 9);
    int fd = file_of(buf_span(&text));
    CHECK_OK(source_open_file(fd, SOURCE_PLAIN, 0, 30u << 20, &source));
    source_assume_cached(source);
    lines_t *lines = lines_new(source, 0, 30u << 20);
    while (rc == ERR_OK && block.len > 0) {
        rc = lines_block(lines, &block, &offset);
        if (rc == ERR_OK) {
            (void)fetch(&block);
        }
    }
    CHECK_ERR(rc, ERR_CHANGED);
    lines_destroy(&lines);
    source_destroy(&source);
    buf_fini(&text);
    close(fd);
}

// One that is destroyed in the middle leaves no window.
static void
test_a_window_is_closed_at_the_end(void **state)
{
    buf_t text = {0};

    (void)state;
    put_lines(&text, 3u << 20, UINT32_MAX, 2);
    int fd = file_of(buf_span(&text));
    for (unsigned i = 0; i < 2; i++) {
        source_t *source;
        text_block_t block;
        uint64_t offset;
        CHECK_OK(source_open_file(fd, SOURCE_PLAIN, 0, text.len, &source));
        source_assume_cached(source);
        lines_t *lines = lines_new(source, 0, text.len);
        CHECK_OK(lines_block(lines, &block, &offset));
        assert_true(block.late_end > block.late);
        lines_destroy(&lines);
        source_destroy(&source);
    }
    buf_fini(&text);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_give_every_line_once),
        cmocka_unit_test(test_long_lines_are_between_the_blocks),
        cmocka_unit_test(test_a_file_cut_short_is_told),
        cmocka_unit_test(test_a_window_is_closed_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
