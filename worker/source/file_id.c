// SPDX-License-Identifier: Apache-2.0
#include "worker/source/file_id.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define GROWTH_PAUSE_NS 10000000 // a hundredth of a second
#define GROWTH_LOOKS    101u     // for a second

static errcode_t
read_edge(int fd, uint64_t at, size_t len, uint8_t *to)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(fd, to + done, len - done, (off_t)(at + done));
        if (n == -1 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n == 0 ? ERR_CHANGED : ERR_IO;
        }
        done += (size_t)n;
    }
    return ERR_OK;
}

// The head, then the tail. Of a short file both are all of it.
static errcode_t
read_edges(int fd, uint64_t size, uint8_t bytes[2 * FILE_ID_EDGE], size_t *len)
{
    size_t edge = size < FILE_ID_EDGE ? (size_t)size : FILE_ID_EDGE;
    errcode_t rc = read_edge(fd, 0, edge, bytes);

    *len = 2 * edge;
    return rc != ERR_OK ? rc : read_edge(fd, size - edge, edge, bytes + edge);
}

static int64_t
mtime_of(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static errcode_t
glance(int fd, const file_id_t *planned, struct stat *st)
{
    if (fstat(fd, st) == -1) {
        return ERR_IO;
    }
    if (!S_ISREG(st->st_mode)) {
        return ERR_DENIED;
    }
    if (st->st_ino != planned->inode || (uint64_t)st->st_size < planned->size ||
        (!planned->shared && st->st_dev != planned->device)) {
        return ERR_CHANGED;
    }
    return ERR_OK;
}

errcode_t
file_id_of(int fd, file_id_t *out, uint8_t head[FILE_ID_EDGE], size_t *head_len)
{
    uint8_t bytes[2 * FILE_ID_EDGE];
    struct stat st;
    size_t len;

    if (fstat(fd, &st) == -1) {
        return ERR_IO;
    }
    if (!S_ISREG(st.st_mode)) {
        return ERR_DENIED;
    }
    *out = (file_id_t){.device = st.st_dev,
        .inode = st.st_ino,
        .size = (uint64_t)st.st_size,
        .mtime_ns = mtime_of(&st)};
    errcode_t rc = read_edges(fd, out->size, bytes, &len);
    if (rc == ERR_OK) {
        crypto_generichash(out->hash, sizeof out->hash, bytes, len, NULL, 0);
        *head_len = len / 2;
        memcpy(head, bytes, *head_len);
    }
    return rc;
}

errcode_t
file_id_glance(int fd, const file_id_t *planned)
{
    struct stat st;

    return glance(fd, planned, &st);
}

// A write sets the time of a file before its size, and may be interrupted in
// between: a file that is only being added to looks for a moment as if it had
// been written anew.
static errcode_t
check_time(int fd, const file_id_t *planned)
{
    const struct timespec pause = {.tv_nsec = GROWTH_PAUSE_NS};
    struct stat st;

    for (unsigned i = 0; i < GROWTH_LOOKS; i++) {
        errcode_t rc = glance(fd, planned, &st);
        if (rc != ERR_OK || (uint64_t)st.st_size > planned->size ||
            mtime_of(&st) == planned->mtime_ns) {
            return rc;
        }
        (void)nanosleep(&pause, NULL);
    }
    return ERR_CHANGED;
}

// To compare 8 KiB takes a fraction of what hashing them does.
static bool
is_known(const file_edges_t *known, const uint8_t *bytes, size_t len,
    const uint8_t hash[FILE_ID_HASH])
{
    return known != NULL && len > 0 && known->len == len &&
           memcmp(known->hash, hash, FILE_ID_HASH) == 0 &&
           memcmp(known->bytes, bytes, len) == 0;
}

static void
keep(file_edges_t *known, const uint8_t *bytes, size_t len,
    const uint8_t hash[FILE_ID_HASH])
{
    if (known != NULL) {
        known->len = len;
        memcpy(known->hash, hash, FILE_ID_HASH);
        memcpy(known->bytes, bytes, len);
    }
}

// The hash is of the planned size, so it holds for a file that has grown.
errcode_t
file_id_check(int fd, const file_id_t *planned, file_edges_t *known)
{
    uint8_t bytes[2 * FILE_ID_EDGE], hash[FILE_ID_HASH];
    size_t len;
    errcode_t rc = check_time(fd, planned);

    rc = rc != ERR_OK ? rc : read_edges(fd, planned->size, bytes, &len);
    if (rc != ERR_OK || is_known(known, bytes, len, planned->hash)) {
        return rc;
    }
    crypto_generichash(hash, sizeof hash, bytes, len, NULL, 0);
    if (memcmp(hash, planned->hash, sizeof hash) != 0) {
        return ERR_CHANGED;
    }
    keep(known, bytes, len, hash);
    return ERR_OK;
}
