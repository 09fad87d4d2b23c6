// SPDX-License-Identifier: Apache-2.0
#include "worker/source/source.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"

#include <bzlib.h>
#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

static int
file_of(span_t bytes)
{
    int fd = memfd_create("source", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_true(write(fd, bytes.p, bytes.len) == (ssize_t)bytes.len);
    assert_true(lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

static void
put_gzip(buf_t *out, span_t text)
{
    struct isal_zstream stream;
    static uint8_t room[65536];

    isal_deflate_stateless_init(&stream);
    stream.gzip_flag = IGZIP_GZIP;
    stream.end_of_stream = 1;
    stream.flush = NO_FLUSH;
    stream.next_in = (uint8_t *)(uintptr_t)text.p;
    stream.avail_in = (uint32_t)text.len;
    stream.next_out = room;
    stream.avail_out = sizeof room;
    assert_int_equal(isal_deflate_stateless(&stream), COMP_OK);
    buf_put(out, room, stream.total_out);
}

// With a checksum, as the command writes it.
static void
put_zstd(buf_t *out, span_t text)
{
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    static uint8_t room[65536];

    assert_non_null(ctx);
    ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
    size_t n = ZSTD_compress2(ctx, room, sizeof room, text.p, text.len);
    assert_false(ZSTD_isError(n));
    buf_put(out, room, n);
    ZSTD_freeCCtx(ctx);
}

static void
put_bzip2(buf_t *out, span_t text)
{
    static char room[65536];
    unsigned n = sizeof room;

    assert_int_equal(
        BZ2_bzBuffToBuffCompress(
            room, &n, (char *)(uintptr_t)text.p, (unsigned)text.len, 1, 0, 0),
        BZ_OK);
    buf_put(out, room, n);
}

static void
put_xz(buf_t *out, span_t text)
{
    static uint8_t room[65536];
    size_t n = 0;

    assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, text.p,
                         text.len, room, &n, sizeof room),
        LZMA_OK);
    buf_put(out, room, n);
}

static const struct {
    source_kind_t kind;
    void (*put)(buf_t *out, span_t text);
} archives[] = {{SOURCE_GZIP, put_gzip}, {SOURCE_ZSTD, put_zstd},
    {SOURCE_BZIP2, put_bzip2}, {SOURCE_XZ, put_xz}};

#define N_ARCHIVES (sizeof archives / sizeof *archives)
#define TEXT       "one line of some length\n"

// All that the source gives, in steps of `step` bytes.
static errcode_t
drain(source_t *source, size_t step, buf_t *out)
{
    size_t got = 1;
    errcode_t rc = ERR_OK;

    while (rc == ERR_OK && got > 0) {
        rc = source_read(source, buf_reserve(out, step), step, &got);
        out->len += got;
    }
    return rc;
}

static errcode_t
read_file(span_t bytes, source_kind_t kind, buf_t *out)
{
    source_t *source;
    int fd = file_of(bytes);
    errcode_t rc = source_open_file(fd, kind, 0, bytes.len, &source);

    if (rc == ERR_OK) {
        rc = drain(source, 7, out);
        source_destroy(&source);
    }
    close(fd);
    return rc;
}

static void
test_plain_range_gives_its_bytes(void **state)
{
    source_t *source;
    buf_t got = {0};
    int fd = file_of(SPAN_LIT("0123456789"));

    (void)state;
    CHECK_OK(source_open_file(fd, SOURCE_PLAIN, 2, 8, &source));
    CHECK_OK(drain(source, 4, &got));
    CHECK_SPAN(buf_span(&got), "234567");
    CHECK_U64(source_taken(source), 6);
    source_destroy(&source);
    buf_fini(&got);
    close(fd);
}

static void
test_file_shorter_than_planned_has_changed(void **state)
{
    source_t *source;
    buf_t got = {0};
    int fd = file_of(SPAN_LIT("0123"));

    (void)state;
    CHECK_OK(source_open_file(fd, SOURCE_PLAIN, 0, 9, &source));
    CHECK_ERR(drain(source, 4, &got), ERR_CHANGED);
    source_destroy(&source);
    buf_fini(&got);
    close(fd);
}

static void
test_members_follow_each_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ARCHIVES; i++) {
        buf_t packed = {0};
        buf_t got = {0};
        archives[i].put(&packed, SPAN_LIT("first line\n"));
        archives[i].put(&packed, SPAN_LIT(""));
        archives[i].put(&packed, SPAN_LIT("second line\n"));
        assert_int_equal(source_kind(buf_span(&packed)), archives[i].kind);
        CHECK_OK(read_file(buf_span(&packed), archives[i].kind, &got));
        CHECK_SPAN(buf_span(&got), "first line\nsecond line\n");
        buf_fini(&packed);
        buf_fini(&got);
    }
}

static void
test_cut_or_followed_by_rubbish_is_corrupt(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ARCHIVES; i++) {
        buf_t packed = {0};
        buf_t got = {0};
        archives[i].put(&packed, SPAN_LIT(TEXT));
        for (size_t len = 0; len < packed.len; len++) {
            CHECK_ERR(
                read_file((span_t){packed.p, len}, archives[i].kind, &got),
                ERR_CORRUPT);
        }
        buf_put_str(&packed, "rubbish after the end");
        CHECK_ERR(
            read_file(buf_span(&packed), archives[i].kind, &got), ERR_CORRUPT);
        buf_fini(&packed);
        buf_fini(&got);
    }
}

static void
test_flipped_bits_never_give_other_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ARCHIVES; i++) {
        buf_t packed = {0};
        archives[i].put(&packed, SPAN_LIT(TEXT));
        for (size_t bit = 0; bit < packed.len * 8; bit++) {
            buf_t got = {0};
            packed.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
            // A zstd frame with another magic may be one to be passed over.
            if (read_file(buf_span(&packed), archives[i].kind, &got) ==
                    ERR_OK &&
                got.len > 0) {
                CHECK_SPAN(buf_span(&got), TEXT);
            }
            packed.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
            buf_fini(&got);
        }
        buf_fini(&packed);
    }
}

// pzstd has one before each frame.
static void
test_a_frame_that_is_passed_is_zstd(void **state)
{
    buf_t packed = {0}, got = {0};

    (void)state;
    for (uint32_t end = 0; end < 16; end++) {
        buf_clear(&packed);
        buf_clear(&got);
        buf_put_u32(&packed, 0x184d2a50u + end);
        buf_put_u32(&packed, 3);
        buf_put_str(&packed, "any");
        put_zstd(&packed, SPAN_LIT("a line\n"));
        assert_int_equal(source_kind(buf_span(&packed)), SOURCE_ZSTD);
        CHECK_OK(read_file(buf_span(&packed), SOURCE_ZSTD, &got));
        CHECK_SPAN(buf_span(&got), "a line\n");
    }
    packed.p[0] = 0x60;
    assert_int_equal(source_kind(buf_span(&packed)), SOURCE_PLAIN);
    buf_fini(&packed);
    buf_fini(&got);
}

static void
test_stream_finds_its_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ARCHIVES; i++) {
        buf_t packed = {0};
        buf_t got = {0};
        source_t *source;
        int fds[2];
        archives[i].put(&packed, SPAN_LIT("through a pipe\n"));
        assert_int_equal(pipe(fds), 0);
        assert_true(write(fds[1], packed.p, packed.len) == (ssize_t)packed.len);
        close(fds[1]);
        CHECK_OK(source_open_stream(fds[0], &source));
        CHECK_OK(drain(source, 3, &got));
        CHECK_SPAN(buf_span(&got), "through a pipe\n");
        source_destroy(&source);
        close(fds[0]);
        buf_fini(&packed);
        buf_fini(&got);
    }
}

// More than a block of input and of output.
static void
test_large_archives_are_read_whole(void **state)
{
    buf_t text = {0}, packed = {0}, got = {0};
    uint64_t seed = 1;

    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        buf_printf(&text, "%llx\n", (unsigned long long)seed);
    }
    size_t room = ZSTD_compressBound(text.len);
    packed.len =
        ZSTD_compress(buf_reserve(&packed, room), room, text.p, text.len, 1);
    assert_true(packed.len > (256u << 10));
    CHECK_OK(read_file(buf_span(&packed), SOURCE_ZSTD, &got));
    assert_true(span_eq(buf_span(&got), buf_span(&text)));
    buf_fini(&text);
    buf_fini(&packed);
    buf_fini(&got);
}

// As the last of what comes out of a file, of which so much had come before.
static bool
unpacks_behind(span_t bytes, source_kind_t kind, uint64_t before)
{
    source_t *source;
    buf_t got = {0};
    int fd = file_of(bytes);

    CHECK_OK(source_open_file(fd, kind, 0, bytes.len, &source));
    source_assume_given(source, before);
    errcode_t rc = drain(source, 4096, &got);
    assert_true(rc == ERR_OK || rc == ERR_UNSUPPORTED);
    source_destroy(&source);
    close(fd);
    buf_fini(&got);
    return rc == ERR_OK;
}

static buf_t text_packed;

// In all so many bytes more than its size allows.
static bool
gives(uint64_t n)
{
    uint64_t all = n + LIMIT_UNPACKED_TIMES * (uint64_t)text_packed.len;

    return unpacks_behind(
        buf_span(&text_packed), SOURCE_ZSTD, all - (sizeof TEXT - 1));
}

// In all so many times its size, and what any archive may give.
static bool
gives_times(uint64_t n)
{
    uint64_t all = LIMIT_UNPACKED + n * text_packed.len;

    return unpacks_behind(
        buf_span(&text_packed), SOURCE_ZSTD, all - (sizeof TEXT - 1));
}

static void
test_limits(void **state)
{
    (void)state;
    put_zstd(&text_packed, SPAN_LIT(TEXT));
    CHECK_LIMIT(LIMIT_UNPACKED, gives);
    CHECK_LIMIT(LIMIT_UNPACKED_TIMES, gives_times);
    buf_fini(&text_packed);
}

// gzip stays below what is allowed by its format, however often.
static void
check_bomb(span_t packed, source_kind_t kind, size_t len)
{
    uint64_t free_bytes = LIMIT_UNPACKED_TIMES * packed.len;

    if (kind == SOURCE_GZIP) {
        assert_true(free_bytes >= len);
        assert_true(unpacks_behind(packed, kind, LIMIT_UNPACKED));
    } else {
        uint64_t last = LIMIT_UNPACKED - (len - free_bytes);
        assert_true(free_bytes < len);
        assert_true(unpacks_behind(packed, kind, last));
        assert_false(unpacks_behind(packed, kind, last + 1));
    }
}

static void
test_bombs_end_at_the_limit(void **state)
{
    const size_t len = 32 << 20;
    uint8_t *zeros = xcalloc(1, len);

    (void)state;
    for (size_t i = 0; i < N_ARCHIVES; i++) {
        buf_t packed = {0};
        archives[i].put(&packed, (span_t){zeros, len});
        check_bomb(buf_span(&packed), archives[i].kind, len);
        buf_fini(&packed);
    }
    free(zeros);
}

// What is inside an archive is text, whatever it begins with.
static void
test_an_archive_in_an_archive_is_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ARCHIVES; i++) {
        buf_t inner = {0}, outer = {0}, got = {0};
        archives[i].put(&inner, SPAN_LIT(TEXT));
        archives[i].put(&outer, buf_span(&inner));
        CHECK_OK(read_file(buf_span(&outer), archives[i].kind, &got));
        assert_true(span_eq(buf_span(&got), buf_span(&inner)));
        buf_fini(&inner);
        buf_fini(&outer);
        buf_fini(&got);
    }
}

static void
test_frames_to_skip_are_passed_and_huge_windows_refused(void **state)
{
    // magic, no checksum, window of 2 GiB, an empty raw block as the last
    static const char huge[] = "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00";
    buf_t packed = {0}, got = {0};

    (void)state;
    put_zstd(&packed, SPAN_LIT("a\n"));
    buf_put(&packed, "\x50\x2a\x4d\x18\x03\x00\x00\x00xyz", 11);
    put_zstd(&packed, SPAN_LIT("b\n"));
    CHECK_OK(read_file(buf_span(&packed), SOURCE_ZSTD, &got));
    CHECK_SPAN(buf_span(&got), "a\nb\n");
    CHECK_ERR(read_file(SPAN_LIT(huge), SOURCE_ZSTD, &got), ERR_UNSUPPORTED);
    buf_fini(&packed);
    buf_fini(&got);
}

static void
test_kinds_are_told_by_their_first_bytes(void **state)
{
    (void)state;
    assert_int_equal(source_kind(SPAN_LIT("BZh91AY")), SOURCE_BZIP2);
    assert_int_equal(source_kind(SPAN_LIT("127.0.0.1 - -")), SOURCE_PLAIN);
    assert_string_equal(source_kind_name(SOURCE_ZSTD), "zstd");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_range_gives_its_bytes),
        cmocka_unit_test(test_file_shorter_than_planned_has_changed),
        cmocka_unit_test(test_members_follow_each_other),
        cmocka_unit_test(test_cut_or_followed_by_rubbish_is_corrupt),
        cmocka_unit_test(test_flipped_bits_never_give_other_text),
        cmocka_unit_test(test_a_frame_that_is_passed_is_zstd),
        cmocka_unit_test(test_stream_finds_its_kind),
        cmocka_unit_test(test_large_archives_are_read_whole),
        cmocka_unit_test(test_bombs_end_at_the_limit),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_an_archive_in_an_archive_is_text),
        cmocka_unit_test(
            test_frames_to_skip_are_passed_and_huge_windows_refused),
        cmocka_unit_test(test_kinds_are_told_by_their_first_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
