// SPDX-License-Identifier: Apache-2.0
#include "worker/source/source.h"

#include "tests/unit/cmocka_all.h"

#include <isa-l/igzip_lib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
put_member(buf_t *out, span_t text)
{
    struct isal_zstream stream;
    uint8_t room[4096];

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
test_gzip_members_follow_each_other(void **state)
{
    buf_t gz = {0};
    buf_t got = {0};

    (void)state;
    put_member(&gz, SPAN_LIT("first line\n"));
    put_member(&gz, SPAN_LIT(""));
    put_member(&gz, SPAN_LIT("second line\n"));
    assert_int_equal(source_kind(buf_span(&gz)), SOURCE_GZIP);
    CHECK_OK(read_file(buf_span(&gz), SOURCE_GZIP, &got));
    CHECK_SPAN(buf_span(&got), "first line\nsecond line\n");
    buf_fini(&gz);
    buf_fini(&got);
}

static void
test_cut_or_followed_by_rubbish_is_corrupt(void **state)
{
    buf_t gz = {0};
    buf_t got = {0};

    (void)state;
    put_member(&gz, SPAN_LIT("one line of some length\n"));
    for (size_t len = 0; len < gz.len; len++) {
        CHECK_ERR(
            read_file((span_t){gz.p, len}, SOURCE_GZIP, &got), ERR_CORRUPT);
    }
    buf_put_str(&gz, "rubbish after the end");
    CHECK_ERR(read_file(buf_span(&gz), SOURCE_GZIP, &got), ERR_CORRUPT);
    buf_fini(&gz);
    buf_fini(&got);
}

static void
test_flipped_bits_never_give_other_text(void **state)
{
    buf_t gz = {0};

    (void)state;
    put_member(&gz, SPAN_LIT("one line of some length\n"));
    for (size_t bit = 0; bit < gz.len * 8; bit++) {
        buf_t got = {0};
        gz.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (read_file(buf_span(&gz), SOURCE_GZIP, &got) == ERR_OK) {
            CHECK_SPAN(buf_span(&got), "one line of some length\n");
        }
        gz.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        buf_fini(&got);
    }
    buf_fini(&gz);
}

static void
test_stream_finds_its_kind(void **state)
{
    buf_t gz = {0};
    buf_t got = {0};
    source_t *source;
    int fds[2];

    (void)state;
    put_member(&gz, SPAN_LIT("through a pipe\n"));
    assert_int_equal(pipe(fds), 0);
    assert_true(write(fds[1], gz.p, gz.len) == (ssize_t)gz.len);
    close(fds[1]);
    CHECK_OK(source_open_stream(fds[0], &source));
    CHECK_OK(drain(source, 3, &got));
    CHECK_SPAN(buf_span(&got), "through a pipe\n");
    source_destroy(&source);
    close(fds[0]);
    buf_fini(&gz);
    buf_fini(&got);
}

static void
test_other_archives_are_known_and_refused(void **state)
{
    source_t *source;

    (void)state;
    assert_int_equal(source_kind(SPAN_LIT("BZh91AY")), SOURCE_BZIP2);
    assert_int_equal(source_kind(SPAN_LIT("127.0.0.1 - -")), SOURCE_PLAIN);
    CHECK_ERR(source_open_file(0, SOURCE_ZSTD, 0, 1, &source), ERR_UNSUPPORTED);
    assert_null(source);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_range_gives_its_bytes),
        cmocka_unit_test(test_file_shorter_than_planned_has_changed),
        cmocka_unit_test(test_gzip_members_follow_each_other),
        cmocka_unit_test(test_cut_or_followed_by_rubbish_is_corrupt),
        cmocka_unit_test(test_flipped_bits_never_give_other_text),
        cmocka_unit_test(test_stream_finds_its_kind),
        cmocka_unit_test(test_other_archives_are_known_and_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
