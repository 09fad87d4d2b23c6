// SPDX-License-Identifier: Apache-2.0
// An archive counts as its text does, however it is cut; one that is damaged
// is refused by one of its ranges, or counts as before.
#include "tests/unit/worker/scan/scan_cuts.h"
#include "tests/unit/worker/source/archives_made.h"
#include "worker/source/frames.h"
#include "worker/source/members.h"

#include "common/base/limits.h"

#define QUERY "count, sum(bytes), distinct(ip) by status, path"

typedef void put_t(buf_t *out, span_t text);

static void
put_piped(buf_t *out, span_t text)
{
    put_zstd_frame(out, text, 1, true);
}

static void
put_sized(buf_t *out, span_t text)
{
    put_zstd_frame(out, text, 0, false);
}

// As pzstd: before each frame its length.
static void
put_announced(buf_t *out, span_t text)
{
    buf_t frame = {0};
    uint32_t len;

    put_zstd_frame(&frame, text, 1, true);
    len = (uint32_t)frame.len;
    put_skippable(out, 0, (span_t){(const uint8_t *)&len, sizeof len});
    buf_put_span(out, buf_span(&frame));
    buf_fini(&frame);
}

static void
put_member(buf_t *out, span_t text)
{
    put_bgzf(out, text, false);
}

static const struct {
    source_kind_t kind;
    put_t *put;
} kinds[] = {{SOURCE_ZSTD, put_piped}, {SOURCE_ZSTD, put_sized},
    {SOURCE_ZSTD, put_announced}, {SOURCE_GZIP, put_member},
    {SOURCE_GZIP, put_gzip}};
#define N_KINDS (sizeof kinds / sizeof *kinds)

// Frames of so many bytes of text; every fifth is followed by two that are
// empty, and empty ones are first and last.
static void
pack(const buf_t *text, put_t *put, size_t step, buf_t *out)
{
    put(out, (span_t){0});
    for (size_t at = 0, i = 0; at < text->len; at += step, i++) {
        size_t len = text->len - at < step ? text->len - at : step;
        put(out, (span_t){text->p + at, len});
        for (unsigned k = 0; i % 5 == 0 && k < 2; k++) {
            put(out, (span_t){0});
        }
    }
    put(out, (span_t){0});
}

// A frame of zstd that can be passed is one for itself.
static bool
is_end(const buf_t *packed, uint64_t at)
{
    static const char *const magics[] = {"\x28\xb5\x2f\xfd", "\x50\x2a\x4d\x18",
        "\x1f\x8b\x08\x04", "\x1f\x8b\x08\0"};
    bool found = false;

    for (size_t i = 0; i < 4; i++) {
        found = found || (packed->len - at >= 4 &&
                             memcmp(packed->p + at, magics[i], 4) == 0);
    }
    return found;
}

static size_t
cuts_of(const scan_range_t *range, uint64_t *cuts)
{
    buf_t out = {0};
    size_t n = 0;

    frames_find(range->fd, range->kind, range->size, &out);
    if (out.len == 0 && range->kind == SOURCE_GZIP) {
        members_guess(range->fd, range->size, LIMIT_GUESS_BYTES, &out);
    }
    rd_t r = rd_init(buf_span(&out));
    for (uint64_t at = 0, d; rd_left(&r) > 0; n++) {
        CHECK_OK(rd_varint(&r, &d));
        cuts[n] = at += d;
    }
    cuts[n] = range->size;
    buf_fini(&out);
    return n + 1;
}

// The ranges side by side, and together as the coordinator has it: lines of a
// later one are behind what the ones before it hold. The first error.
static errcode_t
scan_ranges(const scan_range_t *range, const char *format, const uint64_t *ends,
    size_t n, merged_t *m)
{
    uint64_t at = 0, before = 0;
    errcode_t rc = ERR_OK;

    for (size_t i = 0; i < n; i++) {
        scan_range_t part = *range;
        totals_t totals = {0};
        scan_error_t error;
        buf_t partial = {0};
        part.begin = at;
        part.end = at = ends[i];
        errcode_t got = scan(QUERY, format, &part, 1, &partial, &error);
        rc = rc != ERR_OK ? rc : got;
        if (got == ERR_OK) {
            CHECK_OK(partial_merge(buf_span(&partial), 4, m->tally, &totals));
            for (size_t k = 0; k < totals.n_samples; k++) {
                totals.samples[k].offset += before;
            }
            before += totals.files[0].unpacked;
            totals.files[0].unpacked = 0; // of parts alone
            totals_merge(&m->totals, &totals);
        }
        totals_fini(&totals);
        buf_fini(&partial);
    }
    return rc;
}

// Whole, in ranges of one frame, and of three.
static void
check_archive(const buf_t *text, const char *format, size_t step, put_t *put,
    source_kind_t kind)
{
    buf_t packed = {0}, want = {0};
    uint64_t cuts[LIMIT_CUTS + 1];

    pack(text, put, step, &packed);
    int fd = file_of(buf_span(&packed));
    scan_range_t range = range_of(fd, packed.len);
    range.kind = kind;
    scan_whole(QUERY, format, &range, NULL, &want);
    size_t n = cuts_of(&range, cuts);
    assert_true(n > 2);
    for (size_t every = 1; every <= 3; every += 2) {
        merged_t m;
        buf_t got = {0};
        size_t kept = 0;
        uint64_t ends[LIMIT_CUTS + 1];
        for (size_t i = 0; i < n; i++) {
            if (i % every == every - 1 || i + 1 == n) {
                ends[kept++] = cuts[i];
            }
        }
        merged_init(&m, QUERY);
        CHECK_OK(scan_ranges(&range, format, ends, kept, &m));
        merged_end(&m, &got);
        assert_true(span_eq(buf_span(&want), buf_span(&got)));
        buf_fini(&got);
    }
    buf_fini(&want);
    buf_fini(&packed);
    close(fd);
}

static void
check_kinds(const buf_t *text, const char *format, size_t step)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        check_archive(text, format, step, kinds[i].put, kinds[i].kind);
    }
}

// Frames that end before, at and behind the ends of lines.
static void
test_frames_count_as_their_text(void **state)
{
    static const size_t steps[] = {700, 997, 9000};
    buf_t text = {0};

    (void)state;
    put_log(&text, 120);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        check_kinds(&text, "combined", steps[i]);
        check_kinds(&text, "auto", steps[i]);
    }
    buf_fini(&text);
}

static void
test_frames_of_a_few_bytes_share_their_lines(void **state)
{
    buf_t text = {0};

    (void)state;
    put_line(&text, 1);
    buf_put_str(&text, "\n\r\nx\n");
    put_line(&text, 2);
    for (size_t step = text.len / 20; step < text.len / 5; step++) {
        check_kinds(&text, "combined", step);
    }
    buf_put_u8(&text, 'x'); // no ending
    check_kinds(&text, "combined", text.len / 21);
    buf_fini(&text);
}

// A line longer than any may be, over many frames, is one line.
static void
test_a_line_longer_than_its_frames_counts_once(void **state)
{
    buf_t text = {0};

    (void)state;
    put_line(&text, 1);
    for (unsigned i = 0; i < 3 * LIMIT_LINE; i++) {
        buf_put_u8(&text, i % 4096 == 0 ? 'y' : 'x');
    }
    buf_put_str(&text, "\n");
    put_line(&text, 2);
    put_line(&text, 3);
    check_kinds(&text, "combined", 60000);
    buf_put_str(&text, "\r\n");
    for (unsigned i = 0; i < LIMIT_LINE; i++) {
        buf_put_u8(&text, 'z');
    }
    check_kinds(&text, "combined", 64000); // BGZF: 64 KiB at most
    buf_fini(&text);
}

// Behind blank lines, so that it is not in the first frame.
static void
test_headers_hold_for_every_frame(void **state)
{
    static const char *const headers[] = {"\n\n\r\nip,status,bytes,path\n",
        "\n\n\n\n\n\n\nip,path,status,bytes\n"};
    buf_t text = {0};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        buf_clear(&text);
        buf_put_str(&text, headers[i]);
        for (unsigned k = 0; k < 60; k++) {
            buf_printf(&text, "192.0.2.%u,%u,%u,/p%u\n", k % 9,
                k % 4 == 0 ? 503 : 200, k, k % 5);
        }
        for (size_t step = 3; step < 200; step += step < 12 ? 1 : 31) {
            check_kinds(&text, "csv", step < 60 ? text.len / 20 + step : step);
        }
    }
    // The header is in the third frame.
    for (size_t i = 0; i < N_KINDS; i++) {
        buf_t packed = {0}, want = {0}, got = {0};
        uint64_t cuts[LIMIT_CUTS + 1];
        merged_t m;
        kinds[i].put(&packed, SPAN_LIT("\n\n"));
        kinds[i].put(&packed, SPAN_LIT("\n"));
        kinds[i].put(&packed, SPAN_LIT("ip,status,bytes,path\n"));
        kinds[i].put(&packed, SPAN_LIT("192.0.2.1,200,3,/\n192.0.2.1,503,"));
        kinds[i].put(&packed, SPAN_LIT("5,/a\n"));
        int fd = file_of(buf_span(&packed));
        scan_range_t range = range_of(fd, packed.len);
        range.kind = kinds[i].kind;
        scan_whole(QUERY, "csv", &range, NULL, &want);
        size_t n = cuts_of(&range, cuts);
        CHECK_U64(n, kinds[i].put == put_announced ? 10 : 5);
        merged_init(&m, QUERY);
        CHECK_OK(scan_ranges(&range, "csv", cuts, n, &m));
        CHECK_U64(m.totals.accepted, 2);
        merged_end(&m, &got);
        assert_true(span_eq(buf_span(&want), buf_span(&got)));
        buf_fini(&packed);
        buf_fini(&want);
        buf_fini(&got);
        close(fd);
    }
    buf_fini(&text);
}

static void
test_directives_hold_until_the_next(void **state)
{
    static const char *const fields[] = {
        "#Fields: c-ip sc-status sc-bytes cs-uri-stem\n",
        "#Fields: cs-uri-stem c-ip sc-bytes sc-status\n"};
    buf_t text = {0};

    (void)state;
    buf_put_str(&text, "#Version: 1.0\n");
    for (unsigned k = 0; k < 90; k++) {
        bool second = k / 20 % 2 == 1;
        if (k % 20 == 0) {
            buf_put_str(&text, fields[second]);
        }
        if (second) {
            buf_printf(&text, "/p%u 192.0.2.%u %u 200\n", k % 5, k % 9, k);
        } else {
            buf_printf(&text, "192.0.2.%u 404 %u /p%u\n", k % 9, k, k % 5);
        }
    }
    for (size_t step = text.len / 22; step < text.len / 4; step += 13) {
        check_kinds(&text, "w3c", step);
    }
    buf_fini(&text);
}

// Files packed one after the other, each with directives of its own: a range
// needs no other, and so may be a guess; the last of them has no directive.
static void
test_a_guess_is_not_worth_reading_all_before_it(void **state)
{
    (void)state;
    for (int last = 0; last < 2; last++) {
        buf_t packed = {0}, want = {0};
        uint64_t cuts[LIMIT_CUTS + 1];
        merged_t m;
        for (unsigned k = 0; k < 9; k++) {
            bool mark = k < 8 || last == 0;
            buf_t text = {0};
            buf_printf(&text, "#Version: 1.0\n%s",
                mark ? "#Fields: c-ip sc-status sc-bytes cs-uri-stem\n" : "");
            for (unsigned i = 0; i < 300; i++) {
                buf_printf(&text, "192.0.2.%u 404 %u /p%u\n", i % 9, i, k);
            }
            put_gzip(&packed, buf_span(&text));
            buf_fini(&text);
        }
        int fd = file_of(buf_span(&packed));
        scan_range_t range = range_of(fd, packed.len);
        range.kind = SOURCE_GZIP;
        scan_whole(QUERY, "w3c", &range, NULL, &want);
        size_t n = cuts_of(&range, cuts);
        CHECK_U64(n, 9);
        range.guessed = true;
        merged_init(&m, QUERY);
        CHECK_ERR(scan_ranges(&range, "w3c", cuts, n, &m),
            last == 0 ? ERR_OK : ERR_UNSUPPORTED);
        buf_t got = {0};
        merged_end(&m, &got);
        assert_int_equal(span_eq(buf_span(&want), buf_span(&got)), last == 0);
        buf_fini(&got);
        buf_fini(&want);
        buf_fini(&packed);
        close(fd);
    }
}

// Or each one.
static size_t
every(size_t nth)
{
    return getenv("LOGTALLY_EVERY") != NULL ? 1 : nth;
}

// A range that has it that it ends, or begins, where no frame does.
static void
test_a_cut_inside_a_frame_is_refused(void **state)
{
    size_t step = every(13);

    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        buf_t text = {0}, packed = {0};
        put_log(&text, 12);
        pack(&text, kinds[i].put, 400, &packed);
        int fd = file_of(buf_span(&packed));
        scan_range_t range = range_of(fd, packed.len);
        range.kind = kinds[i].kind;
        for (uint64_t at = 1; at < packed.len; at++) {
            uint64_t ends[2] = {at, packed.len};
            merged_t m;
            buf_t out = {0};
            if (at % step != 0 && !is_end(&packed, at)) {
                continue;
            }
            merged_init(&m, QUERY);
            errcode_t rc = scan_ranges(&range, "combined", ends, 2, &m);
            assert_int_equal(rc, is_end(&packed, at) ? ERR_OK : ERR_CORRUPT);
            merged_end(&m, &out);
            buf_fini(&out);
        }
        buf_fini(&text);
        buf_fini(&packed);
        close(fd);
    }
}

// Any byte may be another one: the answer is that of the text, or one of the
// ranges says that it is corrupt. All of them with LOGTALLY_EVERY.
static void
test_any_byte_may_be_wrong(void **state)
{
    size_t step = every(29);

    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        buf_t text = {0}, packed = {0}, want = {0};
        size_t refused = 0, unseen = 0;
        put_log(&text, 6);
        pack(&text, kinds[i].put, 400, &packed);
        int fd = file_of(buf_span(&packed));
        scan_range_t range = range_of(fd, packed.len);
        range.kind = kinds[i].kind;
        scan_whole(QUERY, "combined", &range, NULL, &want);
        for (size_t at = i; at < packed.len; at += step) {
            uint8_t bad = packed.p[at] ^ (uint8_t)(1u << at % 8);
            uint64_t cuts[LIMIT_CUTS + 1];
            merged_t m;
            buf_t got = {0};
            assert_true(pwrite(fd, &bad, 1, (off_t)at) == 1);
            size_t n = cuts_of(&range, cuts);
            merged_init(&m, QUERY);
            errcode_t rc = scan_ranges(&range, "combined", cuts, n, &m);
            merged_end(&m, &got);
            bool same = span_eq(buf_span(&want), buf_span(&got));
            refused += rc != ERR_OK;
            unseen += rc == ERR_OK && !same;
            assert_true(pwrite(fd, packed.p + at, 1, (off_t)at) == 1);
            buf_fini(&got);
        }
        assert_true(refused > packed.len / step / 4);
        // What has no checksum can be another sound archive.
        assert_true(unseen == 0 || kinds[i].put == put_sized);
        buf_fini(&text);
        buf_fini(&packed);
        buf_fini(&want);
        close(fd);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_count_as_their_text),
        cmocka_unit_test(test_frames_of_a_few_bytes_share_their_lines),
        cmocka_unit_test(test_a_line_longer_than_its_frames_counts_once),
        cmocka_unit_test(test_headers_hold_for_every_frame),
        cmocka_unit_test(test_directives_hold_until_the_next),
        cmocka_unit_test(test_a_guess_is_not_worth_reading_all_before_it),
        cmocka_unit_test(test_a_cut_inside_a_frame_is_refused),
        cmocka_unit_test(test_any_byte_may_be_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
