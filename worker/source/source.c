// SPDX-License-Identifier: Apache-2.0
// A source is a feed of raw bytes (pread within bounds, or read from a pipe)
// with an optional gzip layer on top. ISA-L inflates members one after the
// other; it checks each member's CRC and length itself.
#include "worker/source/source.h"

#include "common/base/xalloc.h"

#include <assert.h>
#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IN_LEN (256u << 10)

struct source {
    int fd;
    bool stream;
    source_kind_t kind;
    uint64_t at;  // next byte of the file to read
    uint64_t end; // planned end; unused by a stream
    uint64_t taken;
    uint8_t head[8]; // of a stream: bytes read to find its kind
    size_t head_len;
    size_t head_at;
    struct inflate_state *inflate; // gzip
    uint8_t *in;
    bool in_member; // a member was begun and has not ended
    bool any_member;
};

static const struct {
    source_kind_t kind;
    const char *name;
    const char *magic;
    size_t len;
} magics[] = {
    {SOURCE_GZIP, "gzip", "\x1f\x8b", 2},
    {SOURCE_ZSTD, "zstd", "\x28\xb5\x2f\xfd", 4},
    {SOURCE_BZIP2, "bzip2", "BZh", 3},
    {SOURCE_XZ, "xz",
        "\xfd"
        "7zXZ\0",
        6},
};

source_kind_t
source_kind(span_t head)
{
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

static errcode_t
open_kind(source_t *self, source_t **out)
{
    *out = NULL;
    if (self->kind != SOURCE_PLAIN && self->kind != SOURCE_GZIP) {
        source_destroy(&self);
        return ERR_UNSUPPORTED;
    }
    if (self->kind == SOURCE_GZIP) {
        self->inflate = xmalloc(sizeof *self->inflate);
        isal_inflate_init(self->inflate);
        self->inflate->crc_flag = ISAL_GZIP;
        self->in = xmalloc(IN_LEN);
    }
    *out = self;
    return ERR_OK;
}

errcode_t
source_open_file(
    int fd, source_kind_t kind, uint64_t begin, uint64_t end, source_t **out)
{
    source_t *self = xcalloc(1, sizeof *self);

    assert(begin <= end);
    self->fd = fd;
    self->kind = kind;
    self->at = kind == SOURCE_PLAIN ? begin : 0;
    self->end = end;
    return open_kind(self, out);
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
    return open_kind(self, out);
}

void
source_destroy(source_t **self_p)
{
    source_t *self = *self_p;

    if (self != NULL) {
        free(self->inflate);
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

static errcode_t
feed_file(source_t *self, uint8_t *to, size_t len, size_t *got)
{
    uint64_t left = self->end - self->at;
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

// Sees to it that the inflater has input. *more is false at the end.
static errcode_t
refill(source_t *self, bool *more)
{
    size_t got = 0;
    errcode_t rc = ERR_OK;

    if (self->inflate->avail_in == 0) {
        rc = feed(self, self->in, IN_LEN, &got);
        self->inflate->next_in = self->in;
        self->inflate->avail_in = (uint32_t)got;
    }
    *more = self->inflate->avail_in > 0;
    return rc;
}

static void
next_member(source_t *self)
{
    uint8_t *in = self->inflate->next_in;
    uint32_t len = self->inflate->avail_in;

    isal_inflate_reset(self->inflate);
    self->inflate->crc_flag = ISAL_GZIP;
    self->inflate->next_in = in;
    self->inflate->avail_in = len;
    self->in_member = false;
}

// One step of inflating into the room that is set. *done at the clean end of
// the last member. Bytes after it that are no member are an error.
static errcode_t
inflate_step(source_t *self, bool *done)
{
    bool more;
    errcode_t rc = refill(self, &more);

    *done = false;
    if (rc != ERR_OK) {
        return rc;
    }
    if (!more && (!self->in_member)) {
        *done = true;
        return self->any_member ? ERR_OK : ERR_CORRUPT;
    }
    uint32_t in_before = self->inflate->avail_in;
    uint32_t out_before = self->inflate->avail_out;
    self->in_member = true;
    if (isal_inflate(self->inflate) != ISAL_DECOMP_OK) {
        return ERR_CORRUPT;
    }
    if (self->inflate->block_state == ISAL_BLOCK_FINISH) {
        self->any_member = true;
        next_member(self);
    } else if (!more && self->inflate->avail_out == out_before &&
               self->inflate->avail_in == in_before) {
        return ERR_CORRUPT; // cut short
    }
    return ERR_OK;
}

static errcode_t
read_gzip(source_t *self, uint8_t *to, size_t len, size_t *got)
{
    bool done = false;
    errcode_t rc = ERR_OK;
    uint32_t room = len > UINT32_MAX ? UINT32_MAX : (uint32_t)len;

    self->inflate->next_out = to;
    self->inflate->avail_out = room;
    while (rc == ERR_OK && !done && self->inflate->avail_out > 0) {
        rc = inflate_step(self, &done);
    }
    *got = room - self->inflate->avail_out;
    return rc;
}

errcode_t
source_read(source_t *self, uint8_t *to, size_t len, size_t *got)
{
    *got = 0;
    if (self->kind == SOURCE_GZIP) {
        return read_gzip(self, to, len, got);
    }
    return feed(self, to, len, got);
}

uint64_t
source_taken(const source_t *self)
{
    return self->taken;
}
