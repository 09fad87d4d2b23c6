// SPDX-License-Identifier: Apache-2.0
// Any archive: its cuts rise and are inside it, guesses as well; and where all
// ranges between them can be unpacked, they hold together what the whole does.
#include "worker/source/frames.h"
#include "worker/source/members.h"

#include "common/base/limits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST (1u << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

// What members in [begin, end) hold; false: not sound, or too much.
static bool
unpack(int fd, source_kind_t kind, uint64_t begin, uint64_t end, uint64_t size,
    buf_t *out)
{
    source_t *source = NULL;
    size_t first = out->len;
    size_t got = 1;
    uint64_t given = 0;
    errcode_t rc = source_open_file(fd, kind, begin, size, &source);

    if (rc == ERR_OK && end < size) {
        source_cut(source, end);
    }
    while (rc == ERR_OK && got > 0 && out->len < MOST &&
           !source_passed(source, &given)) {
        rc = source_read(source, buf_reserve(out, 4096), 4096, &got);
        out->len += rc == ERR_OK ? got : 0;
    }
    if (rc == ERR_OK && source_passed(source, &given)) {
        out->len = first + (size_t)given;
    }
    source_destroy(&source);
    return rc == ERR_OK && out->len < MOST;
}

static void
check_ranges(int fd, source_kind_t kind, uint64_t size, span_t cuts)
{
    rd_t r = rd_init(cuts);
    buf_t whole = {0}, parts = {0};
    bool sound = unpack(fd, kind, 0, size, size, &whole);
    bool same = true;

    for (uint64_t at = 0, next = 0; at < size; at = next) {
        uint64_t distance;
        bool more = rd_left(&r) > 0;
        assert(!more || rd_varint(&r, &distance) == ERR_OK);
        next = more ? at + distance : size;
        assert(next > at && (next < size || !more));
        same = same && unpack(fd, kind, at, next, size, &parts);
    }
    // Lengths of BGZF are read by those who cut alone, and found out then, as
    // are wrong guesses.
    assert(!sound || !same || span_eq(buf_span(&whole), buf_span(&parts)));
    assert(sound || !same || whole.len >= MOST || parts.len >= MOST);
    buf_fini(&whole);
    buf_fini(&parts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    source_kind_t kind = source_kind((span_t){data, len});
    buf_t cuts = {0};

    if (fd == -1 || write(fd, data, len) != (ssize_t)len) {
        abort();
    }
    frames_find(fd, kind, len, &cuts);
    assert(cuts.len <= LIMIT_CUTS_BYTES);
    if (cuts.len > 0) {
        check_ranges(fd, kind, len, buf_span(&cuts));
    }
    buf_clear(&cuts);
    members_guess(fd, len, LIMIT_GUESS_BYTES, &cuts);
    assert(cuts.len <= LIMIT_CUTS_BYTES);
    if (cuts.len > 0) {
        check_ranges(fd, SOURCE_GZIP, len, buf_span(&cuts));
    }
    buf_fini(&cuts);
    close(fd);
    return 0;
}
