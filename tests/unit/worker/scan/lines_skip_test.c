// SPDX-License-Identifier: Apache-2.0
// Lines that lack the needle, in files that are large enough to be mapped,
// beside the same told line by line.
#include "worker/scan/lines.h"

#include "common/base/limits.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/worker/scan/scan_made.h"

#include <string.h>

#define NEEDLE "needle"

typedef struct seen {
    uint64_t skipped;
    uint64_t found;
    uint64_t sum; // of the offsets of what was found
} seen_t;

static void
add_found(seen_t *seen, uint64_t offset)
{
    seen->found++;
    seen->sum += offset * seen->found;
}

static void
skip_through(lines_t *lines, seen_t *seen)
{
    needle_t needle = needle_new(SPAN_LIT(NEEDLE));
    bool more = true;

    while (more) {
        bool paused = true;
        line_t line;
        while (paused) {
            CHECK_OK(lines_skip(lines, &needle, &seen->skipped, &paused));
        }
        CHECK_OK(lines_next(lines, &line, &more));
        if (more) {
            add_found(seen, line.offset);
        }
    }
}

// Ranges of `step` bytes, one after the other.
static seen_t
in_ranges(int fd, uint64_t size, uint64_t step)
{
    seen_t seen = {0};
    source_t *source;

    for (uint64_t at = 0; at < size; at += step) {
        uint64_t end = size - at < step ? size : at + step;
        CHECK_OK(source_open_file(
            fd, SOURCE_PLAIN, at > 0 ? at - 1 : 0, size, &source));
        source_assume_cached(source);
        lines_t *lines = lines_new(source, at, end);
        skip_through(lines, &seen);
        lines_destroy(&lines);
        source_destroy(&source);
    }
    return seen;
}

static seen_t
line_by_line(span_t text)
{
    seen_t seen = {0};

    for (size_t at = 0; at < text.len;) {
        const uint8_t *p = text.p + at;
        const uint8_t *nl = memchr(p, '\n', text.len - at);
        size_t len = nl != NULL ? (size_t)(nl - p) : text.len - at;
        size_t counts = len < LIMIT_LINE ? len : LIMIT_LINE;
        if (memmem(p, counts, NEEDLE, sizeof NEEDLE - 1) != NULL) {
            add_found(&seen, at);
        } else {
            seen.skipped++;
        }
        at += len + 1;
    }
    return seen;
}

static void
check_text(span_t text, const uint64_t *steps, size_t n)
{
    seen_t expected = line_by_line(text);
    int fd = file_of(text);

    for (size_t i = 0; i < n; i++) {
        seen_t seen = in_ranges(fd, text.len, steps[i]);
        CHECK_U64(seen.skipped, expected.skipped);
        CHECK_U64(seen.found, expected.found);
        CHECK_U64(seen.sum, expected.sum);
    }
    close(fd);
}

static uint32_t
draw(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void
put_filled(buf_t *out, size_t len)
{
    memset(buf_reserve(out, len), 'e', len);
    out->len += len;
}

// Most lines are short, some blank, a few very long; a needle in one of
// `every`, at any place of it.
static void
put_lines(buf_t *out, size_t size, uint32_t every, uint32_t seed)
{
    while (out->len < size) {
        uint32_t kind = draw(&seed) % 20000;
        size_t len = kind == 0   ? LIMIT_LINE - 3 + draw(&seed) % 10
                     : kind == 1 ? draw(&seed) % (3u << 20)
                     : kind < 10 ? draw(&seed) % 50000
                                 : draw(&seed) % 200;
        size_t before = draw(&seed) % (len + 1);
        put_filled(out, before);
        if (draw(&seed) % every == 0) {
            buf_put_str(out, NEEDLE);
        }
        put_filled(out, len - before);
        buf_put_str(out, kind % 5 == 0 ? "\r\n" : "\n");
    }
}

static void
test_rare_and_frequent_needles_are_found(void **state)
{
    static const uint32_t everys[] = {1, 10, 3000, 20000, 4000000000u};
    static const uint64_t steps[] = {UINT64_MAX / 2, 5000000, 777777};

    (void)state;
    for (size_t i = 0; i < sizeof everys / sizeof *everys; i++) {
        buf_t text = {0};
        put_lines(&text, 12u << 20, everys[i], (uint32_t)i);
        check_text(buf_span(&text), steps, 3);
        text.len -= 1 + i; // the last line has no ending
        check_text(buf_span(&text), steps, 1);
        buf_fini(&text);
    }
}

// Where a window or a read ends, and where a range does.
static void
test_a_needle_at_any_edge_is_found(void **state)
{
    static const uint64_t steps[] = {
        UINT64_MAX / 2, SOURCE_LOOK, SOURCE_LOOK + 3};
    buf_t text = {0};

    (void)state;
    put_lines(&text, SOURCE_LOOK + (3u << 20), 4000000000u, 1);
    for (int i = -40; i < 40; i += 13) {
        buf_t one = {0};
        buf_put_span(&one, buf_span(&text));
        static const size_t edges[] = {
            512u << 10, SOURCE_LOOK, SOURCE_LOOK + (512u << 10), 2u << 20};
        for (size_t e = 0; e < sizeof edges / sizeof *edges; e++) {
            memcpy(one.p + edges[e] + i, NEEDLE, sizeof NEEDLE - 1);
        }
        check_text(buf_span(&one), steps, 3);
        buf_fini(&one);
    }
    buf_fini(&text);
}

// A needle that stands too far behind in its line does not count.
static void
test_only_the_first_mebibyte_of_a_line_counts(void **state)
{
    static const uint64_t steps[] = {UINT64_MAX / 2, 3000000};

    (void)state;
    for (int past = -1; past <= 1; past++) {
        buf_t text = {0};
        for (int i = 0; i < 3; i++) {
            put_lines(&text, text.len + (1u << 20), 4000000000u, 5);
            put_filled(&text,
                (size_t)(LIMIT_LINE - (sizeof NEEDLE - 1) + (size_t)past));
            buf_put_str(&text, NEEDLE "more\n" NEEDLE "\n");
        }
        check_text(buf_span(&text), steps, 2);
        buf_fini(&text);
    }
}

// The plan says more than there is: the mapped bytes behind the end fault.
static void
test_a_file_cut_short_is_told(void **state)
{
    needle_t needle = needle_new(SPAN_LIT(NEEDLE));
    buf_t text = {0};
    source_t *source;
    uint64_t skipped = 0;
    bool paused = true;
    errcode_t rc = ERR_OK;

    (void)state;
    put_lines(&text, 3u << 20, 4000000000u, 9);
    int fd = file_of(buf_span(&text));
    CHECK_OK(source_open_file(fd, SOURCE_PLAIN, 0, 30u << 20, &source));
    source_assume_cached(source);
    lines_t *lines = lines_new(source, 0, 30u << 20);
    while (rc == ERR_OK && paused) {
        rc = lines_skip(lines, &needle, &skipped, &paused);
    }
    CHECK_ERR(rc, ERR_CHANGED);
    assert_true(skipped <= line_by_line(buf_span(&text)).skipped);
    lines_destroy(&lines);
    source_destroy(&source);
    buf_fini(&text);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rare_and_frequent_needles_are_found),
        cmocka_unit_test(test_a_needle_at_any_edge_is_found),
        cmocka_unit_test(test_only_the_first_mebibyte_of_a_line_counts),
        cmocka_unit_test(test_a_file_cut_short_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
