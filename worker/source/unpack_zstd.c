// SPDX-License-Identifier: Apache-2.0
// Skippable frames are passed by the library; checksums are checked where a
// frame has one.
#include "worker/source/unpack.h"

#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define WINDOW_LOG_MAX 27 // 128 MiB; more is for `zstd --long` beyond 27

static void *
make(void)
{
    ZSTD_DStream *stream = ZSTD_createDStream();

    if (stream == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(
                              stream, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
        abort(); // out of memory, as in xalloc
    }
    return stream;
}

static void
destroy(void *self)
{
    (void)ZSTD_freeDStream(self);
}

static errcode_t
step(void *self, unpack_io_t *io, bool *ended)
{
    ZSTD_inBuffer in = {io->in, io->in_len, 0};
    ZSTD_outBuffer out = {io->out, io->out_len, 0};
    size_t left = ZSTD_decompressStream(self, &out, &in);

    if (ZSTD_isError(left)) {
        bool large =
            ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge;
        return large ? ERR_UNSUPPORTED : ERR_CORRUPT;
    }
    io->in += in.pos;
    io->in_len -= in.pos;
    io->out += out.pos;
    io->out_len -= out.pos;
    *ended = left == 0;
    return ERR_OK;
}

const unpack_t unpack_zstd = {make, destroy, step};
