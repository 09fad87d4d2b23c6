// SPDX-License-Identifier: Apache-2.0
#include "worker/executor/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static errcode_t
fill(int fd, span_t bytes)
{
    for (size_t at = 0; at < bytes.len;) {
        ssize_t n = write(fd, bytes.p + at, bytes.len - at);
        if (n == -1 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return ERR_IO;
        }
        at += (size_t)n;
    }
    return fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) == -1 ? ERR_IO : ERR_OK;
}

errcode_t
sealed_new(span_t bytes, int *fd)
{
    *fd = memfd_create("logtally", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd == -1) {
        return ERR_IO;
    }
    errcode_t rc = fill(*fd, bytes);
    if (rc != ERR_OK) {
        close(*fd);
        *fd = -1;
    }
    return rc;
}

// A file without seals could shrink or change while it is read.
errcode_t
sealed_read(int fd, size_t max, buf_t *out)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals == -1 || (seals & SEALS) != SEALS || fstat(fd, &st) == -1 ||
        st.st_size <= 0 || (uint64_t)st.st_size > max) {
        return ERR_CORRUPT;
    }
    size_t len = (size_t)st.st_size;
    uint8_t *to = buf_reserve(out, len);
    for (size_t at = 0; at < len;) {
        ssize_t n = pread(fd, to + at, len - at, (off_t)at);
        if (n == -1 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return ERR_IO;
        }
        at += (size_t)n;
    }
    out->len += len;
    return ERR_OK;
}
