// SPDX-License-Identifier: Apache-2.0
// ISA-L checks each member's CRC and length itself.
#include "worker/source/unpack.h"

#include "common/base/xalloc.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>

static void *
make(void)
{
    struct inflate_state *state = xmalloc(sizeof *state);

    isal_inflate_init(state);
    state->crc_flag = ISAL_GZIP;
    return state;
}

static uint32_t
at_most_32_bits(size_t len)
{
    return len > UINT32_MAX ? UINT32_MAX : (uint32_t)len;
}

static errcode_t
step(void *self, unpack_io_t *io, bool *ended)
{
    struct inflate_state *state = self;
    uint32_t in_len = at_most_32_bits(io->in_len);
    uint32_t out_len = at_most_32_bits(io->out_len);

    // Not written to; ISA-L lacks the const.
    state->next_in = (uint8_t *)(uintptr_t)io->in;
    state->avail_in = in_len;
    state->next_out = io->out;
    state->avail_out = out_len;
    if (isal_inflate(state) != ISAL_DECOMP_OK) {
        return ERR_CORRUPT;
    }
    io->in += in_len - state->avail_in;
    io->in_len -= in_len - state->avail_in;
    io->out += out_len - state->avail_out;
    io->out_len -= out_len - state->avail_out;
    *ended = state->block_state == ISAL_BLOCK_FINISH;
    if (*ended) {
        isal_inflate_reset(state);
        state->crc_flag = ISAL_GZIP;
    }
    return ERR_OK;
}

const unpack_t unpack_gzip = {make, free, step};
