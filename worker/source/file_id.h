// SPDX-License-Identifier: Apache-2.0
// file_id: which file was planned, and whether an open descriptor is still
// that one. Reads only the descriptor it is given.
#ifndef LOGTALLY_WORKER_SOURCE_FILE_ID_H
#define LOGTALLY_WORKER_SOURCE_FILE_ID_H

#include "common/base/bytes.h"

#define FILE_ID_HASH 16u
#define FILE_ID_EDGE 4096u

typedef struct file_id {
    uint64_t device; // not looked at when shared
    uint64_t inode;
    uint64_t size;
    int64_t mtime_ns;
    uint8_t hash[FILE_ID_HASH]; // BLAKE2b-128 of both edges up to `size`
    bool shared;
} file_id_t;

// head: the first *head_len bytes, to tell the compression. ERR_DENIED: no
// regular file. ERR_CHANGED: it shrank meanwhile.
MUST_CHECK errcode_t file_id_of(
    int fd, file_id_t *out, uint8_t head[FILE_ID_EDGE], size_t *head_len);
// Without reading or waiting: whether it can be that file. ERR_CHANGED,
// ERR_DENIED, ERR_IO. Growth is fine.
MUST_CHECK errcode_t file_id_glance(int fd, const file_id_t *planned);

// The edges of a file as they were when their hash was right: where the same
// bytes are there again, so is the hash. Zero-initialised.
typedef struct file_edges {
    size_t len; // of both; 0: none yet
    uint8_t hash[FILE_ID_HASH];
    uint8_t bytes[2 * FILE_ID_EDGE];
} file_edges_t;

// As file_id_glance, and the time of a file that has not grown, and the hash.
// Where the time alone differs it waits up to a second for the file to grow.
// Who checks one file again and again keeps `known` for it; it may be NULL, and
// changes no answer.
MUST_CHECK errcode_t file_id_check(
    int fd, const file_id_t *planned, file_edges_t *known);

#endif
