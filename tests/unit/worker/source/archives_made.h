// SPDX-License-Identifier: Apache-2.0
// Archives made up for tests: frames of zstd and members of BGZF.
#ifndef LOGTALLY_TESTS_UNIT_WORKER_SOURCE_ARCHIVES_MADE_H
#define LOGTALLY_TESTS_UNIT_WORKER_SOURCE_ARCHIVES_MADE_H

#include "tests/unit/cmocka_all.h"
#include "worker/source/source.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

static inline int
archive_file(span_t bytes)
{
    int fd = memfd_create("archive", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_true(write(fd, bytes.p, bytes.len) == (ssize_t)bytes.len);
    return fd;
}

// As a pipe gives it: nobody says how much there is. Level 0: with the size,
// in one segment.
static inline void
put_zstd_frame(buf_t *out, span_t text, int level, bool checksum)
{
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    size_t room = ZSTD_compressBound(text.len) + 64;
    ZSTD_outBuffer to = {buf_reserve(out, room), room, 0};
    ZSTD_inBuffer from = {text.p, text.len, 0};

    assert_non_null(ctx);
    ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, checksum);
    ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, level);
    if (level == 0) {
        ZSTD_CCtx_setPledgedSrcSize(ctx, text.len);
    } else if (text.len > 0) { // without an end in sight
        from.size = 1;
        assert_false(ZSTD_isError(
            ZSTD_compressStream2(ctx, &to, &from, ZSTD_e_continue)));
        from.size = text.len;
    }
    assert_true(ZSTD_compressStream2(ctx, &to, &from, ZSTD_e_end) == 0);
    out->len += to.pos;
    ZSTD_freeCCtx(ctx);
}

static inline void
put_skippable(buf_t *out, uint32_t variant, span_t bytes)
{
    buf_put_u32(out, 0x184d2a50u + variant);
    buf_put_u32(out, (uint32_t)bytes.len);
    buf_put_span(out, bytes);
}

// A member that does not say how long it is.
static inline void
put_gzip(buf_t *out, span_t text)
{
    struct isal_zstream stream;
    size_t room = text.len + text.len / 8 + 1024;

    isal_deflate_stateless_init(&stream);
    stream.gzip_flag = IGZIP_GZIP;
    stream.end_of_stream = 1;
    stream.flush = NO_FLUSH;
    stream.next_in = (uint8_t *)(uintptr_t)text.p;
    stream.avail_in = (uint32_t)text.len;
    stream.next_out = buf_reserve(out, room);
    stream.avail_out = (uint32_t)room;
    assert_int_equal(isal_deflate_stateless(&stream), COMP_OK);
    out->len += stream.total_out;
}

// A member of at most 64 KiB; `other` is one more extra field before the one
// with the length, as other programs may write.
static inline void
put_bgzf(buf_t *out, span_t text, bool other)
{
    static uint8_t room[70000];
    struct isal_zstream stream;
    size_t begin = out->len;
    uint16_t extra = other ? 14 : 6;

    isal_deflate_stateless_init(&stream);
    stream.gzip_flag = IGZIP_DEFLATE;
    stream.end_of_stream = 1;
    stream.flush = NO_FLUSH;
    stream.next_in = (uint8_t *)(uintptr_t)text.p;
    stream.avail_in = (uint32_t)text.len;
    stream.next_out = room;
    stream.avail_out = sizeof room;
    assert_int_equal(isal_deflate_stateless(&stream), COMP_OK);
    uint16_t len = (uint16_t)(12 + extra + stream.total_out + 8 - 1);
    buf_put(out, "\x1f\x8b\x08\x04\0\0\0\0\0\xff", 10);
    buf_put(out, &extra, 2);
    if (other) {
        buf_put(out, "XY\x04\0abcd", 8);
    }
    buf_put(out, "BC\x02\0", 4);
    buf_put(out, &len, 2);
    buf_put(out, room, stream.total_out);
    buf_put_u32(out, crc32_gzip_refl(0, text.p, text.len));
    buf_put_u32(out, (uint32_t)text.len);
    assert_true(out->len - begin == len + 1u);
}

#endif
