// SPDX-License-Identifier: Apache-2.0
// The file is looked at in windows, evenly apart, for the first header in each.
// Most archives are of one member, and should not be read twice: a few large
// windows are enough to see that, on a disk that has to seek as well. Where
// they show a header there will be more, and more of the file is looked at.
#include "worker/source/members.h"

#include "common/base/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK      (64u << 10)
#define HEADER     512u // longer ones are none
#define FIXED      10u  // of a header: before its names and fields
#define FIRST_LOOK 64u  // windows

// RFC 1952, 2.3.1: flags
enum { HCRC = 2, EXTRA = 4, NAME = 8, COMMENT = 16, RESERVED = 0xe0 };

static uint32_t
u16_of(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

// How fast it was packed (neither, best, fastest), and on what; as far as any
// program is known to say it.
static bool
is_usual(uint8_t speed, uint8_t system)
{
    return (speed == 0 || speed == 2 || speed == 4) &&
           (system <= 13 || system == 255);
}

// RFC 1951, 3.2.3: the first block is stored (its length is there twice), or
// has codes that exist.
static bool
is_block(span_t b)
{
    if (b.len < 5) {
        return false;
    }
    switch (b.p[0] >> 1 & 3) {
    case 0:
        return (u16_of(b.p + 1) ^ u16_of(b.p + 3)) == 0xffff;
    case 1:
        return true;
    case 2:
        return b.p[0] >> 3 <= 29 && (b.p[1] & 31) <= 29;
    default:
        return false;
    }
}

// Behind a text that ends with a NUL; behind everything where none is.
static size_t
pass_text(span_t bytes, size_t at)
{
    const uint8_t *end =
        at < bytes.len ? memchr(bytes.p + at, 0, bytes.len - at) : NULL;

    return end != NULL ? (size_t)(end - bytes.p) + 1 : bytes.len;
}

bool
members_begin(span_t bytes)
{
    static const uint8_t magic[] = {0x1f, 0x8b, 8};
    size_t at = FIXED;

    if (bytes.len < FIXED + 2 || memcmp(bytes.p, magic, sizeof magic) != 0 ||
        (bytes.p[3] & RESERVED) != 0 || !is_usual(bytes.p[8], bytes.p[9])) {
        return false;
    }
    uint8_t flags = bytes.p[3];
    at += (flags & EXTRA) != 0 ? 2 + u16_of(bytes.p + FIXED) : 0;
    at = (flags & NAME) != 0 ? pass_text(bytes, at) : at;
    at = (flags & COMMENT) != 0 ? pass_text(bytes, at) : at;
    at += (flags & HCRC) != 0 ? 2 : 0;
    return at < bytes.len && is_block((span_t){bytes.p + at, bytes.len - at});
}

typedef struct look {
    int fd;
    uint64_t size;
    uint8_t *room; // BLOCK + HEADER
} look_t;

static size_t
read_at(const look_t *self, uint64_t at, size_t most)
{
    uint64_t left = self->size - at;
    size_t want = left < most ? (size_t)left : most;
    ssize_t n;

    do {
        n = pread(self->fd, self->room, want, (off_t)at);
    } while (n == -1 && errno == EINTR);
    return n > 0 ? (size_t)n : 0;
}

// The first of the len bytes that are there at which a member may begin; none:
// `most`, before which it has to be.
static size_t
first_of(const uint8_t *bytes, size_t len, size_t most)
{
    const uint8_t *end = bytes + (len < most ? len : most);
    const uint8_t *p = bytes;

    while (p < end && (p = memchr(p, 0x1f, (size_t)(end - p))) != NULL) {
        size_t left = len - (size_t)(p - bytes);
        if (members_begin((span_t){p, left < HEADER ? left : HEADER})) {
            return (size_t)(p - bytes);
        }
        p++;
    }
    return most;
}

// 0: no member begins in [from, until).
static uint64_t
find(const look_t *self, uint64_t from, uint64_t until)
{
    for (uint64_t at = from; at < until; at += BLOCK) {
        size_t most = until - at < BLOCK ? (size_t)(until - at) : BLOCK;
        size_t len = read_at(self, at, most + HEADER);
        size_t first = first_of(self->room, len, most);
        if (first < most) {
            return at + first;
        }
    }
    return 0;
}

// In n windows of `bytes` together. Where there are more of them, those that
// there were before begin at the same places.
static void
look(const look_t *self, unsigned n, uint64_t bytes, buf_t *out)
{
    uint64_t apart = (self->size / MEMBERS_MOST + 1) * (MEMBERS_MOST / n);
    uint64_t window = bytes / n < apart ? bytes / n : apart;
    uint64_t last = 0;

    for (uint64_t at = 0; at < self->size; at += apart) {
        uint64_t left = self->size - at;
        uint64_t from = at > 0 ? at : 1; // behind the first of all
        uint64_t found = find(self, from, at + (left < window ? left : window));
        if (found > 0) {
            buf_put_varint(out, found - last);
            last = found;
        }
    }
}

void
members_guess(int fd, uint64_t size, uint64_t bytes, buf_t *out)
{
    look_t self = {.fd = fd, .size = size, .room = xmalloc(BLOCK + HEADER)};
    size_t begin = out->len;

    look(&self, FIRST_LOOK, bytes, out);
    if (out->len > begin) {
        out->len = begin;
        look(&self, MEMBERS_MOST, bytes * MEMBERS_MORE, out);
    }
    free(self.room);
}
