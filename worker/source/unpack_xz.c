// SPDX-License-Identifier: Apache-2.0
// Streams that follow each other, and the padding between them, are read by
// the library as one. What a stream says of its memory is not believed past
// a limit.
#include "worker/source/unpack.h"

#include "common/base/xalloc.h"

#include <lzma.h>
#include <stdlib.h>

#define MEMORY_MAX (128u << 20) // `xz -9` needs 65 MiB

static void *
make(void)
{
    lzma_stream *stream = xcalloc(1, sizeof *stream);

    if (lzma_stream_decoder(stream, MEMORY_MAX, LZMA_CONCATENATED) != LZMA_OK) {
        abort(); // out of memory, as in xalloc
    }
    return stream;
}

static void
destroy(void *self)
{
    lzma_end(self);
    free(self);
}

static errcode_t
step(void *self, unpack_io_t *io, bool *ended)
{
    lzma_stream *stream = self;

    stream->next_in = io->in;
    stream->avail_in = io->in_len;
    stream->next_out = io->out;
    stream->avail_out = io->out_len;
    lzma_ret rc = lzma_code(stream, io->last ? LZMA_FINISH : LZMA_RUN);
    if (rc == LZMA_MEM_ERROR) {
        abort();
    }
    if (rc == LZMA_MEMLIMIT_ERROR || rc == LZMA_OPTIONS_ERROR) {
        return ERR_UNSUPPORTED;
    }
    if (rc != LZMA_OK && rc != LZMA_STREAM_END) {
        return ERR_CORRUPT;
    }
    io->in = stream->next_in;
    io->in_len = stream->avail_in;
    io->out = stream->next_out;
    io->out_len = stream->avail_out;
    *ended = rc == LZMA_STREAM_END;
    return ERR_OK;
}

const unpack_t unpack_xz = {make, destroy, step};
