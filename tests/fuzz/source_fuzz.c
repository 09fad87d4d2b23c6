// SPDX-License-Identifier: Apache-2.0
// Any file: read to its end, or refused; never more than it may inflate to
// in one read.
#include "worker/source/source.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t block[65536];
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    source_t *source = NULL;
    source_kind_t kind = source_kind((span_t){data, len});
    size_t got = 1, all = 0;

    kind = kind == SOURCE_PLAIN ? SOURCE_GZIP : kind;

    if (fd == -1 || write(fd, data, len) != (ssize_t)len) {
        abort();
    }
    if (source_open_file(fd, kind, 0, len, &source) == ERR_OK) {
        while (got > 0 && all < (1u << 18) &&
               source_read(source, block, sizeof block, &got) == ERR_OK) {
            assert(got <= sizeof block);
            all += got;
        }
        assert(source_taken(source) <= len);
    }
    source_destroy(&source);
    close(fd);
    return 0;
}
