// SPDX-License-Identifier: Apache-2.0
// A source is a feed of raw bytes (pread within bounds, or read from a pipe)
// with an archive to unpack on top (unpack.h), member after member.
#include "worker/source/source.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "worker/source/unpack.h"
#include "worker/source/window.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define IN_LEN   (256u << 10)
#define TAIL_LEN (32u << 10) // one read behind the cut: the rest of a line

struct source {
    int fd;
    bool stream;
    source_kind_t kind;
    uint64_t at;  // next byte of the file to read
    uint64_t end; // planned end; unused by a stream
    bool cached;  // assumed, for tests
    uint64_t taken;
    uint8_t head[8]; // of a stream: bytes read to find its kind
    size_t head_len;
    size_t head_at;
    const unpack_t *unpack; // NULL: plain
    void *unpacked;         // its state
    uint8_t *in;
    unpack_io_t io;
    uint64_t cut;          // where a member has to end; 0: nowhere
    uint64_t given_at_cut; // bytes unpacked before it
    bool passed;           // the cut
    uint64_t given;        // bytes unpacked
    bool in_member;        // a member was begun and has not ended
    bool any_member;
};

static const struct {
    source_kind_t kind;
    const char *name;
    const char *magic;
    size_t len;
    const unpack_t *unpack;
} magics[] = {
    {SOURCE_GZIP, "gzip", "\x1f\x8b", 2, &unpack_gzip},
    {SOURCE_ZSTD, "zstd", "\x28\xb5\x2f\xfd", 4, &unpack_zstd},
    {SOURCE_BZIP2, "bzip2", "BZh", 3, &unpack_bzip2},
    {SOURCE_XZ, "xz",
        "\xfd"
        "7zXZ\0",
        6, &unpack_xz},
};

// A frame that is passed, with which pzstd begins; its magic has 16 ends.
static bool
is_skippable(span_t head)
{
    return head.len >= 4 && (head.p[0] & 0xf0) == 0x50 &&
           memcmp(head.p + 1, "\x2a\x4d\x18", 3) == 0;
}

source_kind_t
source_kind(span_t head)
{
    if (is_skippable(head)) {
        return SOURCE_ZSTD;
    }
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        if (head.len >= magics[i].len &&
            memcmp(head.p, magics[i].magic, magics[i].len) == 0) {
            return magics[i].kind;
        }
    }
    return SOURCE_PLAIN;
}

const char *
source_kind_name(source_kind_t kind)
{
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        if (magics[i].kind == kind) {
            return magics[i].name;
        }
    }
    return "plain";
}

static source_t *
open_kind(source_t *self)
{
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        if (magics[i].kind == self->kind) {
            self->unpack = magics[i].unpack;
            self->unpacked = self->unpack->make();
            self->in = xmalloc(IN_LEN);
        }
    }
    return self;
}

errcode_t
source_open_file(
    int fd, source_kind_t kind, uint64_t begin, uint64_t end, source_t **out)
{
    source_t *self = xcalloc(1, sizeof *self);

    assert(begin <= end);
    self->fd = fd;
    self->kind = kind;
    self->at = begin;
    self->end = end;
    *out = open_kind(self);
    return ERR_OK;
}

static errcode_t
read_pipe(source_t *self, uint8_t *to, size_t len, size_t *got)
{
    ssize_t n;

    do {
        n = read(self->fd, to, len);
    } while (n < 0 && errno == EINTR);
    *got = n > 0 ? (size_t)n : 0;
    return n < 0 ? ERR_IO : ERR_OK;
}

errcode_t
source_open_stream(int fd, source_t **out)
{
    source_t *self = xcalloc(1, sizeof *self);
    errcode_t rc = ERR_OK;
    size_t got = 1;

    *out = NULL;
    self->fd = fd;
    self->stream = true;
    while (rc == ERR_OK && got > 0 && self->head_len < sizeof self->head) {
        rc = read_pipe(self, self->head + self->head_len,
            sizeof self->head - self->head_len, &got);
        self->head_len += got;
    }
    if (rc != ERR_OK) {
        source_destroy(&self);
        return rc;
    }
    self->kind = source_kind((span_t){self->head, self->head_len});
    *out = open_kind(self);
    return ERR_OK;
}

void
source_destroy(source_t **self_p)
{
    source_t *self = *self_p;

    if (self != NULL) {
        if (self->unpack != NULL) {
            self->unpack->destroy(self->unpacked);
        }
        free(self->in);
        free(self);
        *self_p = NULL;
    }
}

static errcode_t
feed_stream(source_t *self, uint8_t *to, size_t len, size_t *got)
{
    size_t left = self->head_len - self->head_at;

    if (left == 0) {
        return read_pipe(self, to, len, got);
    }
    *got = left < len ? left : len;
    memcpy(to, self->head + self->head_at, *got);
    self->head_at += *got;
    return ERR_OK;
}

// No member is given a byte behind the cut before that is reached.
static errcode_t
feed_file(source_t *self, uint8_t *to, size_t len, size_t *got)
{
    bool before = self->cut > 0 && !self->passed;
    uint64_t left = (before ? self->cut : self->end) - self->at;
    size_t want = left < len ? (size_t)left : len;
    ssize_t n;

    *got = 0;
    if (want == 0) {
        return ERR_OK;
    }
    do {
        n = pread(self->fd, to, want, (off_t)self->at);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) {
        return n < 0 ? ERR_IO : ERR_CHANGED;
    }
    *got = (size_t)n;
    self->at += *got;
    return ERR_OK;
}

// Raw bytes; *got is 0 only at the end.
static errcode_t
feed(source_t *self, uint8_t *to, size_t len, size_t *got)
{
    errcode_t rc = self->stream ? feed_stream(self, to, len, got)
                                : feed_file(self, to, len, got);

    if (rc == ERR_OK) {
        self->taken += *got;
    }
    return rc;
}

// Sees to it that there is input, or that io.last says that none is left.
static errcode_t
refill(source_t *self)
{
    size_t got = 0;
    errcode_t rc = ERR_OK;

    if (self->io.in_len == 0 && !self->io.last) {
        rc = feed(self, self->in, self->passed ? TAIL_LEN : IN_LEN, &got);
        self->io.in = self->in;
        self->io.in_len = got;
        self->io.last = rc == ERR_OK && got == 0;
    }
    return rc;
}

// All input was taken, and no member is open: the cut, or the end.
static errcode_t
pass_end(source_t *self, bool *done)
{
    if (self->cut > 0 && !self->passed) {
        self->passed = true;
        self->given_at_cut = self->given;
        self->io.last = false;
        return ERR_OK;
    }
    *done = true;
    return self->any_member ? ERR_OK : ERR_CORRUPT;
}

// One step into the room that is set. *done at the clean end of the last
// member. Bytes after it that are no member are an error.
static errcode_t
unpack_step(source_t *self, bool *done)
{
    bool ended = false;
    errcode_t rc = refill(self);

    *done = false;
    if (rc != ERR_OK) {
        return rc;
    }
    if (self->io.in_len == 0 && !self->in_member) {
        return pass_end(self, done);
    }
    unpack_io_t before = self->io;
    self->in_member = true;
    rc = self->unpack->step(self->unpacked, &self->io, &ended);
    self->given += before.out_len - self->io.out_len;
    if (rc == ERR_OK && ended) {
        self->any_member = true;
        self->in_member = false;
    } else if (rc == ERR_OK && self->io.last && before.in_len == 0 &&
               self->io.out_len == before.out_len) {
        rc = ERR_CORRUPT; // cut short
    }
    return rc;
}

// A few bytes of bzip2, xz or zstd give terabytes, and would keep an executor
// busy for as long as their writer likes. Repeated lines pack very well, so
// a small archive has much room.
static bool
is_a_bomb(const source_t *self)
{
    return self->given / LIMIT_UNPACKED_TIMES > self->taken &&
           self->given - self->taken * LIMIT_UNPACKED_TIMES > LIMIT_UNPACKED;
}

void
source_assume_given(source_t *self, uint64_t unpacked)
{
    self->given = unpacked;
}

static errcode_t
read_packed(source_t *self, uint8_t *to, size_t len, size_t *got)
{
    bool done = false;
    errcode_t rc = ERR_OK;

    self->io.out = to;
    self->io.out_len = len;
    while (rc == ERR_OK && !done && self->io.out_len > 0) {
        rc = unpack_step(self, &done);
    }
    *got = len - self->io.out_len;
    return rc == ERR_OK && is_a_bomb(self) ? ERR_UNSUPPORTED : rc;
}

errcode_t
source_read(source_t *self, uint8_t *to, size_t len, size_t *got)
{
    *got = 0;
    if (self->unpack != NULL) {
        return read_packed(self, to, len, got);
    }
    return feed(self, to, len, got);
}

void
source_assume_cached(source_t *self)
{
    self->cached = true;
}

// A disk gives more to large reads than to faults, and a file system that
// cannot tell is often one over a network.
static bool
is_cached(const source_t *self, uint64_t at)
{
    uint8_t byte;
    struct iovec iov = {&byte, 1};

    return self->cached ||
           preadv2(self->fd, &iov, 1, (off_t)at, RWF_NOWAIT) == 1;
}

bool
source_look(source_t *self, uint64_t at, uint64_t until, span_t *out)
{
    uint64_t end = until < self->end ? until : self->end;

    if (self->stream || self->unpack != NULL || at >= end) {
        return false;
    }
    size_t len = end - at < SOURCE_LOOK ? (size_t)(end - at) : SOURCE_LOOK;
    return is_cached(self, at + len / 2) && is_cached(self, at + len - 1) &&
           window_open(self->fd, at, len, out);
}

bool
source_looked(source_t *self)
{
    (void)self;
    return window_close();
}

void
source_seek(source_t *self, uint64_t at)
{
    assert(!self->stream && self->unpack == NULL && at <= self->end);
    self->taken += at - self->at; // also backwards, as these are modulo 2^64
    self->at = at;
}

uint64_t
source_taken(const source_t *self)
{
    return self->taken;
}

void
source_cut(source_t *self, uint64_t cut)
{
    assert(self->unpack != NULL && !self->stream);
    assert(cut >= self->at && cut <= self->end);
    self->cut = cut;
}

bool
source_passed(const source_t *self, uint64_t *given)
{
    *given = self->given_at_cut;
    return self->passed;
}

uint64_t
source_unpacked(const source_t *self)
{
    return self->passed ? self->given_at_cut : self->given;
}
