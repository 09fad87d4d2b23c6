// SPDX-License-Identifier: Apache-2.0
#include "worker/source/unpack.h"

#include "common/base/xalloc.h"

#include <bzlib.h>
#include <stdlib.h>

static void
begin(bz_stream *stream)
{
    *stream = (bz_stream){0};
    if (BZ2_bzDecompressInit(stream, 0, 0) != BZ_OK) {
        abort(); // out of memory, as in xalloc
    }
}

static void *
make(void)
{
    bz_stream *stream = xmalloc(sizeof *stream);

    begin(stream);
    return stream;
}

static void
destroy(void *self)
{
    (void)BZ2_bzDecompressEnd(self);
    free(self);
}

static unsigned
at_most_32_bits(size_t len)
{
    return len > UINT32_MAX ? UINT32_MAX : (unsigned)len;
}

static errcode_t
step(void *self, unpack_io_t *io, bool *ended)
{
    bz_stream *stream = self;
    unsigned in_len = at_most_32_bits(io->in_len);
    unsigned out_len = at_most_32_bits(io->out_len);

    // Not written to; the library lacks the const.
    stream->next_in = (char *)(uintptr_t)io->in;
    stream->avail_in = in_len;
    stream->next_out = (char *)io->out;
    stream->avail_out = out_len;
    int rc = BZ2_bzDecompress(stream);
    if (rc == BZ_MEM_ERROR) {
        abort();
    }
    if (rc != BZ_OK && rc != BZ_STREAM_END) {
        return ERR_CORRUPT;
    }
    io->in += in_len - stream->avail_in;
    io->in_len -= in_len - stream->avail_in;
    io->out += out_len - stream->avail_out;
    io->out_len -= out_len - stream->avail_out;
    *ended = rc == BZ_STREAM_END;
    if (*ended) {
        (void)BZ2_bzDecompressEnd(stream);
        begin(stream);
    }
    return ERR_OK;
}

const unpack_t unpack_bzip2 = {make, destroy, step};
