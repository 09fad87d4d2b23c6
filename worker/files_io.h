// SPDX-License-Identifier: Apache-2.0
// files_io: which files may be read, finding and opening them. A worker
// reads only below its roots, by openat2 with RESOLVE_BENEATH,
// RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS, regular files only. The
// local run reads what its user may read.
#ifndef LOGTALLY_WORKER_FILES_IO_H
#define LOGTALLY_WORKER_FILES_IO_H

#include "worker/shard.h"

typedef struct files files_t;

// Roots are opened now and kept. NULL roots: no bounds (local run).
// ERR_CONFIG: no absolute path. ERR_NOT_FOUND: no folder that opens.
MUST_CHECK errcode_t files_open(
    const char *const *roots, size_t n, files_t **out, buf_t *why);
void files_destroy(files_t **self_p);

// Calls back per regular file that matches (sorted by path; a path that
// exists as written is taken literally). ERR_NOT_FOUND: no file matches;
// ERR_DENIED: outside the roots. A match that cannot be read (other than a
// folder or a special file) makes the whole an error as well, after the
// callbacks for those that can. *why gets a sentence.
typedef void (*files_found_fn)(void *ctx, const listed_file_t *file);
typedef struct files_asked {
    const char *pattern;
    bool shared;
    uint64_t cuts_from;   // of larger files, where to cut archives
    uint64_t guess_bytes; // may be read to guess that; 0: no guesses
} files_asked_t;
MUST_CHECK errcode_t files_list(const files_t *self, const files_asked_t *asked,
    files_found_fn found, void *ctx, buf_t *why);

// What is wrong with the roots now, as a sentence; nothing when all can be
// read. May wait for a slow disk.
void files_trouble(const files_t *self, buf_t *out);

// Opens for reading and glances at the identity; the hash is left to who
// reads (file_id_check). A stream is standard input, without roots only.
// ERR_CHANGED, ERR_NOT_FOUND, ERR_DENIED, ERR_IO.
MUST_CHECK errcode_t files_open_range(
    const files_t *self, const shard_range_t *range, int *fd);

#endif
