// SPDX-License-Identifier: Apache-2.0
#include "worker/source/frames.h"

#include "tests/unit/worker/source/archives_made.h"

#include "common/base/limits.h"

#include <stdlib.h>

#define MANY 64u

// An archive, and where its frames begin.
typedef struct made {
    source_kind_t kind;
    buf_t bytes;
    uint64_t begins[MANY];
    size_t n;
} made_t;

static void
begin(made_t *m)
{
    assert_true(m->n < MANY);
    m->begins[m->n++] = m->bytes.len;
}

// Compressible and not, longer than a block.
static void
put_text(buf_t *out, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        buf_put_u8(out, (uint8_t)(i % 1000 < 700 ? 'x' : seed >> 24));
    }
}

static void
make_zstd(made_t *m)
{
    static const size_t sizes[] = {0, 1, 255, 256, 70000, 400000};
    buf_t text = {0};

    m->kind = SOURCE_ZSTD;
    put_text(&text, sizes[5], 1);
    for (size_t i = 0; i < 24; i++) {
        begin(m);
        put_zstd_frame(&m->bytes, (span_t){text.p, sizes[i % 6]},
            i < 12 ? 0 : 3, i % 2 == 0);
        if (i % 5 == 1) {
            begin(m);
            put_skippable(
                &m->bytes, (uint32_t)i % 16, SPAN_LIT("twelve bytes"));
        }
    }
    buf_fini(&text);
}

static void
make_bgzf(made_t *m)
{
    static const size_t sizes[] = {0, 1, 300, 60000};
    buf_t text = {0};

    m->kind = SOURCE_GZIP;
    put_text(&text, sizes[3], 1);
    for (size_t i = 0; i < 30; i++) {
        begin(m);
        put_bgzf(&m->bytes, (span_t){text.p, sizes[i % 4]}, i % 3 == 0);
    }
    buf_fini(&text);
}

static size_t
find(int fd, source_kind_t kind, uint64_t size, uint64_t *cuts)
{
    buf_t out = {0};
    uint64_t at = 0, distance;
    size_t n = 0;

    frames_find(fd, kind, size, &out);
    assert_true(out.len <= LIMIT_CUTS_BYTES);
    rd_t r = rd_init(buf_span(&out));
    while (rd_left(&r) > 0) {
        CHECK_OK(rd_varint(&r, &distance));
        assert_true(distance > 0);
        at += distance;
        assert_true(at < size && n < LIMIT_CUTS);
        cuts[n++] = at;
    }
    buf_fini(&out);
    return n;
}

static bool
is_begin(const made_t *m, uint64_t at)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->begins[i] == at) {
            return true;
        }
    }
    return at == m->bytes.len;
}

static void
check_found(void (*make)(made_t *))
{
    made_t m = {0};
    uint64_t cuts[LIMIT_CUTS];

    make(&m);
    int fd = archive_file(buf_span(&m.bytes));
    size_t n = find(fd, m.kind, m.bytes.len, cuts);
    assert_true(n >= 4);
    for (size_t i = 0; i < n; i++) {
        assert_true(is_begin(&m, cuts[i]));
    }
    assert_true(n <= frames_cuts(m.bytes.len));
    buf_fini(&m.bytes);
    close(fd);
}

static void
test_cuts_are_where_frames_begin(void **state)
{
    (void)state;
    check_found(make_zstd);
    check_found(make_bgzf);
}

// Of equal members no cut is left out, up to as many as there may be.
static void
test_every_frame_of_a_short_file_is_a_cut(void **state)
{
    uint64_t cuts[LIMIT_CUTS];

    (void)state;
    for (size_t members = 1; members <= 32; members++) {
        buf_t zip = {0}, zst = {0};
        for (size_t i = 0; i < members; i++) {
            put_bgzf(&zip, SPAN_LIT("a line\n"), false);
            put_zstd_frame(&zst, SPAN_LIT("a line\n"), 3, true);
        }
        int a = archive_file(buf_span(&zip));
        int b = archive_file(buf_span(&zst));
        CHECK_U64(find(a, SOURCE_GZIP, zip.len, cuts), members - 1);
        CHECK_U64(find(b, SOURCE_ZSTD, zst.len, cuts), members - 1);
        buf_fini(&zip);
        buf_fini(&zst);
        close(a);
        close(b);
    }
}

static void
test_many_frames_are_thinned_out_evenly(void **state)
{
    uint64_t cuts[LIMIT_CUTS], last = 0;
    buf_t zip = {0};

    (void)state;
    for (size_t i = 0; i < 5000; i++) {
        put_bgzf(&zip, SPAN_LIT("a line\n"), false);
    }
    int fd = archive_file(buf_span(&zip));
    size_t n = find(fd, SOURCE_GZIP, zip.len, cuts);
    assert_in_range(n, frames_cuts(zip.len) * 9 / 10, frames_cuts(zip.len));
    for (size_t i = 0; i < n; i++) {
        assert_in_range(cuts[i] - last, zip.len / 40, zip.len / 25);
        last = cuts[i];
    }
    buf_fini(&zip);
    close(fd);
}

// Cut short anywhere else than between frames: it is read as a whole, and
// found to be corrupt there.
static void
check_cut_short(void (*make)(made_t *))
{
    made_t m = {0};
    uint64_t cuts[LIMIT_CUTS];

    make(&m);
    int fd = archive_file(buf_span(&m.bytes));
    for (uint64_t len = 0; len < m.bytes.len; len += len < 2000 ? 1 : 97) {
        size_t n = find(fd, m.kind, len, cuts);
        assert_true(n == 0 || is_begin(&m, len));
    }
    buf_fini(&m.bytes);
    close(fd);
}

static void
test_an_archive_cut_short_has_no_cuts(void **state)
{
    (void)state;
    check_cut_short(make_zstd);
    check_cut_short(make_bgzf);
}

static void
check_spoiled(const buf_t *sound, source_kind_t kind)
{
    uint64_t cuts[LIMIT_CUTS];

    for (size_t i = 0; i < sound->len * 8; i++) {
        buf_t bytes = {0};
        buf_put_span(&bytes, buf_span(sound));
        bytes.p[i / 8] ^= (uint8_t)(1u << i % 8);
        int fd = archive_file(buf_span(&bytes));
        (void)find(fd, kind, bytes.len, cuts);
        buf_fini(&bytes);
        close(fd);
    }
}

static void
test_any_bit_may_be_wrong(void **state)
{
    buf_t zip = {0}, zst = {0};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        put_bgzf(&zip, SPAN_LIT("a line\n"), i == 1);
        put_zstd_frame(&zst, SPAN_LIT("a line\n"), i == 0 ? 0 : 3, true);
        put_skippable(&zst, 0, SPAN_LIT("size"));
    }
    check_spoiled(&zip, SOURCE_GZIP);
    check_spoiled(&zst, SOURCE_ZSTD);
    buf_fini(&zip);
    buf_fini(&zst);
}

static void
test_what_is_no_frame_is_not_cut(void **state)
{
    static const char *const tails[] = {"x", "garbage after the last frame",
        "\x1f\x8b\x08\0\0\0\0\0\0\0", "\x28\xb5\x2f\xfd"};
    uint64_t cuts[LIMIT_CUTS];

    (void)state;
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        buf_t zip = {0}, zst = {0};
        for (size_t k = 0; k < 3; k++) {
            put_bgzf(&zip, SPAN_LIT("a line\n"), false);
            put_zstd_frame(&zst, SPAN_LIT("a line\n"), 3, true);
        }
        buf_put_str(&zip, tails[i]);
        buf_put_str(&zst, tails[i]);
        int a = archive_file(buf_span(&zip));
        int b = archive_file(buf_span(&zst));
        CHECK_U64(find(a, SOURCE_GZIP, zip.len, cuts), 0);
        CHECK_U64(find(b, SOURCE_ZSTD, zst.len, cuts), 0);
        CHECK_U64(find(a, SOURCE_BZIP2, zip.len, cuts), 0);
        CHECK_U64(find(a, SOURCE_PLAIN, zip.len, cuts), 0);
        buf_fini(&zip);
        buf_fini(&zst);
        close(a);
        close(b);
    }
}

// Each of them empty, so that its header is all there is of it.
static bool
passes_headers(uint64_t n)
{
    buf_t zst = {0}, cuts = {0};

    for (uint64_t i = 0; i < n; i++) {
        put_skippable(&zst, 0, (span_t){0});
    }
    int fd = archive_file(buf_span(&zst));
    frames_find(fd, SOURCE_ZSTD, zst.len, &cuts);
    bool passed = cuts.len > 0;
    buf_fini(&zst);
    buf_fini(&cuts);
    close(fd);
    return passed;
}

static void
test_limits(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_FRAMES, passes_headers);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts_are_where_frames_begin),
        cmocka_unit_test(test_every_frame_of_a_short_file_is_a_cut),
        cmocka_unit_test(test_many_frames_are_thinned_out_evenly),
        cmocka_unit_test(test_an_archive_cut_short_has_no_cuts),
        cmocka_unit_test(test_any_bit_may_be_wrong),
        cmocka_unit_test(test_what_is_no_frame_is_not_cut),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
