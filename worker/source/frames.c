// SPDX-License-Identifier: Apache-2.0
// A walk from header to header: of zstd from block to block (RFC 8878, 3.1),
// since a frame does not say how long it is; of BGZF from member to member
// (SAMv1, 4.1). Tables that an archive may bring along (the seekable format of
// zstd, the sizes of pzstd) are not needed, and would have to be checked by
// the same walk.
//
// A member of plain gzip ends where inflating it ends, so that nothing short of
// that finds the next one: see members.h.
#include "worker/source/frames.h"

#include "common/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CUTS_LEAST 32u
#define CUTS_EACH  ((uint64_t)1 << 20)
#define AHEAD      ((uint64_t)8 << 20) // asked from the disk at once
#define ZSTD_MAGIC 0xfd2fb528u
#define ZSTD_SKIP  0x184d2a50u // the last four bits are free
#define ZSTD_BLOCK (128u << 10)
#define BGZF_FIXED 12u // before the extra fields
#define BGZF_EXTRA 256u
#define BGZF_LEAST 2u // of deflated bytes
#define GZIP_END   8u // CRC and length

typedef struct walk {
    int fd;
    uint64_t size;
    uint64_t at;
    uint64_t asked; // the disk is asked for what is before
    uint32_t left;  // headers that may be looked at
} walk_t;

// Exactly len bytes from `at` + skip on. False: there are none, or too many
// were asked for.
static bool
look(walk_t *self, uint64_t skip, uint8_t *to, size_t len)
{
    uint64_t from = self->at + skip;
    ssize_t n;

    if (self->left == 0 || from > self->size || len > self->size - from) {
        return false;
    }
    self->left--;
    if (from + len > self->asked) {
        // Headers far apart look like no sequence to the kernel.
        (void)posix_fadvise(
            self->fd, (off_t)from, (off_t)AHEAD, POSIX_FADV_WILLNEED);
        self->asked = from + AHEAD;
    }
    do {
        n = pread(self->fd, to, len, (off_t)from);
    } while (n == -1 && errno == EINTR);
    return n == (ssize_t)len;
}

// False: that is behind the end.
static bool
hop(walk_t *self, uint64_t len)
{
    if (len > self->size - self->at) {
        return false;
    }
    self->at += len;
    return true;
}

static uint32_t
u32_of(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static bool
pass_blocks(walk_t *self, bool checksum)
{
    uint8_t b[3];

    while (look(self, 0, b, sizeof b)) {
        uint32_t header =
            (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16;
        bool last = (header & 1) != 0;
        uint32_t type = header >> 1 & 3; // raw, repeated, compressed, reserved
        uint32_t len = type == 1 ? 1 : header >> 3;
        uint32_t end = last && checksum ? 4 : 0;
        if (type == 3 || header >> 3 > ZSTD_BLOCK ||
            !hop(self, sizeof b + len + end)) {
            return false;
        }
        if (last) {
            return true;
        }
    }
    return false;
}

// Behind the magic: descriptor, window, dictionary, length of the contents.
static size_t
zstd_header_len(uint8_t descriptor)
{
    static const uint8_t dictionary[] = {0, 1, 2, 4};
    static const uint8_t contents[] = {0, 2, 4, 8};
    bool single = (descriptor & 0x20) != 0;
    size_t n = contents[descriptor >> 6];

    n = single && n == 0 ? 1 : n;
    return 4 + 1 + (single ? 0 : 1) + dictionary[descriptor & 3] + n;
}

static bool
pass_zstd(walk_t *self)
{
    uint8_t h[8];

    if (!look(self, 0, h, sizeof h)) {
        return false;
    }
    if ((u32_of(h) & ~15u) == ZSTD_SKIP) {
        return hop(self, sizeof h + (uint64_t)u32_of(h + 4));
    }
    if (u32_of(h) != ZSTD_MAGIC || (h[4] & 8) != 0) {
        return false;
    }
    return hop(self, zstd_header_len(h[4])) &&
           pass_blocks(self, (h[4] & 4) != 0);
}

// The length of the member, or 0 where no field says so.
static uint32_t
bgzf_len(const uint8_t *extra, size_t len)
{
    while (len >= 4) {
        size_t n = (size_t)extra[2] | (size_t)extra[3] << 8;
        if (n > len - 4) {
            return 0;
        }
        if (extra[0] == 'B' && extra[1] == 'C' && n == 2) {
            return ((uint32_t)extra[4] | (uint32_t)extra[5] << 8) + 1;
        }
        extra += 4 + n;
        len -= 4 + n;
    }
    return 0;
}

// Its flags say that there are extra fields, and no name or comment.
static bool
pass_bgzf(walk_t *self)
{
    static const uint8_t magic[] = {0x1f, 0x8b, 8, 4};
    uint8_t h[BGZF_FIXED], extra[BGZF_EXTRA];

    if (!look(self, 0, h, sizeof h) || memcmp(h, magic, sizeof magic) != 0) {
        return false;
    }
    size_t n = (size_t)h[10] | (size_t)h[11] << 8;
    if (n > sizeof extra || !look(self, sizeof h, extra, n)) {
        return false;
    }
    uint32_t len = bgzf_len(extra, n);
    return len >= BGZF_FIXED + n + BGZF_LEAST + GZIP_END && hop(self, len);
}

size_t
frames_cuts(uint64_t size)
{
    uint64_t n = CUTS_LEAST + size / CUTS_EACH;

    return n < LIMIT_CUTS ? (size_t)n : LIMIT_CUTS;
}

void
frames_find(int fd, source_kind_t kind, uint64_t size, buf_t *out)
{
    walk_t walk = {.fd = fd, .size = size, .left = LIMIT_FRAMES};
    uint64_t apart = (size + frames_cuts(size) - 1) / frames_cuts(size);
    uint64_t last = 0;
    size_t begin = out->len;
    bool sound = kind == SOURCE_ZSTD || kind == SOURCE_GZIP;

    while (sound && walk.at < size) {
        sound = kind == SOURCE_ZSTD ? pass_zstd(&walk) : pass_bgzf(&walk);
        if (sound && walk.at < size && walk.at - last >= apart) {
            buf_put_varint(out, walk.at - last);
            last = walk.at;
        }
    }
    if (!sound || out->len - begin > LIMIT_CUTS_BYTES) {
        out->len = begin;
    }
}
