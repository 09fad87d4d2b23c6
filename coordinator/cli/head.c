// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/head.h"

#include "common/base/limits.h"
#include "worker/source/source.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define HEAD_MAX (LIMIT_LINE + 2u)

errcode_t
head_read(const char *path, buf_t *head, bool *at_end)
{
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO
                                    : open(path, O_RDONLY | O_CLOEXEC);
    source_t *source = NULL;
    size_t got = 1;

    if (fd < 0) {
        return ERR_IO;
    }
    errcode_t rc = source_open_stream(fd, &source);
    buf_reserve(head, HEAD_MAX);
    while (rc == ERR_OK && got > 0 && head->len < HEAD_MAX) {
        rc = source_read(
            source, head->p + head->len, HEAD_MAX - head->len, &got);
        head->len += got;
    }
    *at_end = got == 0;
    source_destroy(&source);
    if (fd > STDIN_FILENO) {
        close(fd);
    }
    return rc;
}
