// SPDX-License-Identifier: Apache-2.0
#include "worker/source/file_id.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static errcode_t
hash_edges(int fd, uint64_t size, uint8_t hash[FILE_ID_HASH],
    uint8_t head[FILE_ID_EDGE], size_t *head_len)
{
    uint8_t tail[FILE_ID_EDGE];
    size_t len = size < FILE_ID_EDGE ? (size_t)size : FILE_ID_EDGE;
    crypto_generichash_state state;
    errcode_t rc = read_edge(fd, 0, len, head);

    if (rc == ERR_OK) {
        rc = read_edge(fd, size - len, len, tail);
    }
    if (rc == ERR_OK) {
        crypto_generichash_init(&state, NULL, 0, FILE_ID_HASH);
        crypto_generichash_update(&state, head, len);
        crypto_generichash_update(&state, tail, len);
        crypto_generichash_final(&state, hash, FILE_ID_HASH);
        *head_len = len;
    }
    return rc;
}

static int64_t
mtime_of(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

errcode_t
file_id_of(int fd, file_id_t *out, uint8_t head[FILE_ID_EDGE], size_t *head_len)
{
    struct stat st;

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
    return hash_edges(fd, out->size, out->hash, head, head_len);
}

errcode_t
file_id_glance(int fd, const file_id_t *planned)
{
    struct stat st;

    if (fstat(fd, &st) == -1) {
        return ERR_IO;
    }
    if (!S_ISREG(st.st_mode)) {
        return ERR_DENIED;
    }
    uint64_t size = (uint64_t)st.st_size;
    if (st.st_ino != planned->inode || size < planned->size ||
        (!planned->shared && st.st_dev != planned->device) ||
        (size == planned->size && mtime_of(&st) != planned->mtime_ns)) {
        return ERR_CHANGED;
    }
    return ERR_OK;
}

// The hash is of the planned size, so it holds for a file that has grown.
errcode_t
file_id_check(int fd, const file_id_t *planned)
{
    uint8_t hash[FILE_ID_HASH], head[FILE_ID_EDGE];
    size_t len;
    errcode_t rc = file_id_glance(fd, planned);

    if (rc == ERR_OK) {
        rc = hash_edges(fd, planned->size, hash, head, &len);
    }
    if (rc == ERR_OK && memcmp(hash, planned->hash, sizeof hash) != 0) {
        rc = ERR_CHANGED;
    }
    return rc;
}
