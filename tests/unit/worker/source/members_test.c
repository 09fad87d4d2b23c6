// SPDX-License-Identifier: Apache-2.0
#include "worker/source/members.h"

#include "tests/unit/worker/source/archives_made.h"

#include "common/base/limits.h"

#include <stdlib.h>

#define MIB   ((uint64_t)1 << 20)
#define BLOCK (64u << 10) // read at once

// Flags, and what they bring along; then a block of fixed codes.
static void
put_header(buf_t *out, uint8_t flags)
{
    buf_put(out, "\x1f\x8b\x08", 3);
    buf_put_u8(out, flags);
    buf_put(out, "\x12\x34\x56\x78\x02\x03", 6);
    if ((flags & 4) != 0) {
        buf_put(out, "\x05\0extra", 7);
    }
    if ((flags & 8) != 0) {
        buf_put(out, "access.log", 11);
    }
    if ((flags & 16) != 0) {
        buf_put(out, "", 1);
    }
    if ((flags & 2) != 0) {
        buf_put(out, "\xff\xff", 2);
    }
}

static void
put_empty(buf_t *out, uint8_t flags)
{
    put_header(out, flags);
    buf_put(out, "\x03\0\0\0\0\0\0\0\0\0", 10);
}

static void
test_every_kind_of_header_is_one(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 256; flags++) {
        buf_t h = {0};
        put_empty(&h, (uint8_t)flags);
        bool known = (flags & 0xe0) == 0;
        assert_int_equal(members_begin(buf_span(&h)), known);
        // The block's first bytes have to be there.
        for (size_t len = 0; len < h.len - 5; len++) {
            assert_false(members_begin((span_t){h.p, len}));
        }
        buf_fini(&h);
    }
}

static void
test_what_no_program_writes_is_no_header(void **state)
{
    (void)state;
    for (size_t i = 0; i < 10; i++) {
        for (unsigned v = 0; v < 256; v++) {
            buf_t h = {0};
            put_empty(&h, 0);
            h.p[i] = (uint8_t)v;
            bool known = i == 0   ? v == 0x1f
                         : i == 1 ? v == 0x8b
                         : i == 2 ? v == 8
                         : i == 8 ? v == 0 || v == 2 || v == 4
                         : i == 9 ? v <= 13 || v == 255
                                  : true;
            if (i != 3) { // flags: see above
                assert_int_equal(members_begin(buf_span(&h)), known);
            }
            buf_fini(&h);
        }
    }
}

static bool
begins(const char *block)
{
    buf_t h = {0};

    put_header(&h, 0);
    buf_put(&h, block, 5);
    bool is = members_begin(buf_span(&h));
    buf_fini(&h);
    return is;
}

static void
test_the_first_block_has_to_be_one(void **state)
{
    (void)state;
    assert_true(begins("\x00\x05\x00\xfa\xff")); // stored, of five bytes
    assert_true(begins("\x01\x00\x00\xff\xff"));
    assert_false(begins("\x00\x05\x00\xfa\xfe"));
    assert_false(begins("\x01\x05\x00\x05\x00"));
    assert_true(begins("\x03\x00\x00\x00\x00")); // fixed codes
    assert_true(begins("\xed\x1d\x00\x00\x00")); // 286 and 30 codes
    assert_false(begins("\xf5\x1d\x00\x00\x00"));
    assert_false(begins("\xed\x1e\x00\x00\x00"));
    assert_false(begins("\x06\x00\x00\x00\x00")); // no type
}

#define MANY 400u

typedef struct made {
    buf_t bytes;
    uint64_t begins[MANY];
    size_t n;
} made_t;

static bool
is_begin(const made_t *m, uint64_t at)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->begins[i] == at) {
            return true;
        }
    }
    return false;
}

// How many it guesses, each between the ends of the file and behind the last.
static size_t
guess(int fd, uint64_t size, uint64_t bytes, uint64_t *at)
{
    buf_t out = {0};
    uint64_t sum = 0, distance;
    size_t n = 0;

    members_guess(fd, size, bytes, &out);
    assert_true(out.len <= LIMIT_CUTS_BYTES);
    rd_t r = rd_init(buf_span(&out));
    while (rd_left(&r) > 0) {
        CHECK_OK(rd_varint(&r, &distance));
        sum += distance;
        assert_true(distance > 0 && sum < size && n < MEMBERS_MOST);
        at[n++] = sum;
    }
    buf_fini(&out);
    return n;
}

static void
put_text(buf_t *out, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        buf_put_u8(out, (uint8_t)(i % 10 < 3 ? seed >> 24 : 'x'));
    }
}

static void
make(made_t *m, size_t members, size_t len)
{
    for (size_t i = 0; i < members; i++) {
        buf_t text = {0};
        put_text(&text, i % 7 == 3 ? 0 : len, (unsigned)i);
        m->begins[m->n++] = m->bytes.len;
        put_gzip(&m->bytes, buf_span(&text));
        buf_fini(&text);
    }
}

static void
test_guesses_are_where_members_begin(void **state)
{
    static const size_t lens[] = {1, 300, 20000};
    uint64_t at[MEMBERS_MOST];

    (void)state;
    for (size_t k = 0; k < 3; k++) {
        for (size_t members = 1; members <= 40; members += 13) {
            made_t m = {0};
            make(&m, members, lens[k]);
            int fd = archive_file(buf_span(&m.bytes));
            size_t n = guess(fd, m.bytes.len, LIMIT_GUESS_BYTES, at);
            assert_in_range(n, (members - 1) * 3 / 4, members - 1);
            for (size_t i = 0; i < n; i++) {
                assert_true(is_begin(&m, at[i]));
            }
            CHECK_U64(guess(fd, m.bytes.len, 0, at), 0);
            buf_fini(&m.bytes);
            close(fd);
        }
    }
}

static void
test_many_members_are_thinned_out_evenly(void **state)
{
    uint64_t at[MEMBERS_MOST], last = 0;
    made_t m = {0};

    (void)state;
    make(&m, MANY, 3000);
    int fd = archive_file(buf_span(&m.bytes));
    size_t n = guess(fd, m.bytes.len, LIMIT_GUESS_BYTES, at);
    assert_in_range(n, MEMBERS_MOST * 3 / 4, MEMBERS_MOST);
    for (size_t i = 0; i < n; i++) {
        assert_true(at[i] - last < m.bytes.len / 40);
        last = at[i];
    }
    buf_fini(&m.bytes);
    close(fd);
}

// What is packed without being deflated may hold the bytes of a header.
static void
test_a_guess_may_be_wrong(void **state)
{
    uint64_t at[MEMBERS_MOST];
    buf_t file = {0};

    (void)state;
    put_header(&file, 8);
    buf_put(&file, "\x01\x20\x00\xdf\xff", 5); // stored, 32 bytes
    uint64_t planted = file.len;
    put_empty(&file, 0);
    buf_put(&file, "and so on until", 15);
    int fd = archive_file(buf_span(&file));
    CHECK_U64(guess(fd, file.len, LIMIT_GUESS_BYTES, at), 1);
    CHECK_U64(at[0], planted);
    buf_fini(&file);
    close(fd);
}

// A file of so many bytes, of which those that are not written are zero.
static int
holes(uint64_t size)
{
    int fd = memfd_create("holes", MFD_CLOEXEC);

    assert_true(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
    return fd;
}

static void
plant(int fd, uint64_t at)
{
    buf_t h = {0};

    put_empty(&h, 31);
    assert_true(pwrite(fd, h.p, h.len, (off_t)at) == (ssize_t)h.len);
    buf_fini(&h);
}

// Wherever it is in what is read at once.
static void
test_no_header_is_missed_between_two_reads(void **state)
{
    uint64_t at[MEMBERS_MOST];

    (void)state;
    for (uint64_t i = 0; i < 60; i++) {
        int fd = holes(2 * 64 * BLOCK);
        uint64_t where = 7 * 4 * (BLOCK / 2 + 1) + BLOCK - 50 + i;
        plant(fd, where);
        CHECK_U64(guess(fd, 2 * 64 * BLOCK, LIMIT_GUESS_BYTES, at), 1);
        CHECK_U64(at[0], where);
        close(fd);
    }
}

// One header in a gibibyte: in the last byte of a window, and behind it. Of
// LIMIT_GUESS_BYTES each of 64 windows has 4 MiB, and less of less.
static void
test_windows_have_an_end(void **state)
{
    const uint64_t size = 1024 * MIB, apart = 4 * (size / 256 + 1);
    static const uint64_t bytes[] = {
        LIMIT_GUESS_BYTES, LIMIT_GUESS_BYTES - 64, LIMIT_GUESS_BYTES / 2};
    uint64_t at[MEMBERS_MOST];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        uint64_t window = bytes[i] / 64;
        int in = holes(size), out = holes(size);
        plant(in, 3 * apart + window - 1);
        plant(out, 3 * apart + window);
        CHECK_U64(guess(in, size, bytes[i], at), 1);
        CHECK_U64(at[0], 3 * apart + window - 1);
        CHECK_U64(guess(out, size, bytes[i], at), 0);
        close(in);
        close(out);
    }
}

// Those far from the beginning of a window are found where another is near.
static void
test_more_is_read_where_there_are_members(void **state)
{
    const uint64_t size = 1024 * MIB, apart = 4 * (size / 256 + 1);
    uint64_t at[MEMBERS_MOST];
    int fd = holes(size);

    (void)state;
    plant(fd, 3 * apart + 5 * MIB);
    plant(fd, 40 * apart + 9 * MIB);
    CHECK_U64(guess(fd, size, 64 * MIB, at), 0);
    plant(fd, 20 * apart);
    CHECK_U64(guess(fd, size, 64 * MIB, at), 3);
    CHECK_U64(at[1], 20 * apart);
    close(fd);
}

// Any bytes, and a file that is shorter than it was.
static void
test_a_file_may_be_anything(void **state)
{
    uint64_t at[MEMBERS_MOST];
    made_t m = {0};

    (void)state;
    make(&m, 3, 50);
    for (size_t i = 0; i < m.bytes.len * 8; i++) {
        m.bytes.p[i / 8] ^= (uint8_t)(1u << i % 8);
        int fd = archive_file(buf_span(&m.bytes));
        (void)guess(fd, m.bytes.len, LIMIT_GUESS_BYTES, at);
        (void)guess(fd, i / 8, LIMIT_GUESS_BYTES, at);
        close(fd);
        m.bytes.p[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    int fd = archive_file(buf_span(&m.bytes));
    (void)guess(fd, m.bytes.len + 3 * BLOCK, LIMIT_GUESS_BYTES, at);
    buf_fini(&m.bytes);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_header_is_one),
        cmocka_unit_test(test_what_no_program_writes_is_no_header),
        cmocka_unit_test(test_the_first_block_has_to_be_one),
        cmocka_unit_test(test_guesses_are_where_members_begin),
        cmocka_unit_test(test_many_members_are_thinned_out_evenly),
        cmocka_unit_test(test_a_guess_may_be_wrong),
        cmocka_unit_test(test_no_header_is_missed_between_two_reads),
        cmocka_unit_test(test_windows_have_an_end),
        cmocka_unit_test(test_more_is_read_where_there_are_members),
        cmocka_unit_test(test_a_file_may_be_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
