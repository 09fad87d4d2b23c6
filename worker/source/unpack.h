// SPDX-License-Identifier: Apache-2.0
// unpack: one kind of archive, step by step. What follows a member (gzip), a
// frame (zstd) or a stream (bzip2) is another one; the source sees to it.
#ifndef LOGTALLY_WORKER_SOURCE_UNPACK_H
#define LOGTALLY_WORKER_SOURCE_UNPACK_H

#include "common/base/bytes.h"

// Moved on by each step.
typedef struct unpack_io {
    const uint8_t *in;
    size_t in_len;
    uint8_t *out;
    size_t out_len;
    bool last; // no more input will come
} unpack_io_t;

typedef struct unpack {
    void *(*make)(void);
    void (*destroy)(void *state);
    // Takes input, gives output, or both. *ended: a member is complete, and
    // the next byte begins another. ERR_CORRUPT, ERR_UNSUPPORTED (asks for
    // more memory than is given, or an unknown option).
    errcode_t (*step)(void *state, unpack_io_t *io, bool *ended);
} unpack_t;

extern const unpack_t unpack_gzip;
extern const unpack_t unpack_zstd;
extern const unpack_t unpack_bzip2;
extern const unpack_t unpack_xz;

#endif
