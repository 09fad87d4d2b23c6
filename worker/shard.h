// SPDX-License-Identifier: Apache-2.0
// shard: what a worker was lent: ranges of identified files and the query.
#ifndef LOGTALLY_WORKER_SHARD_H
#define LOGTALLY_WORKER_SHARD_H

#include "common/wire/control.pb.h"
#include "common/wire/frame.h"
#include "worker/source/file_id.h"

// A file as a worker found it.
typedef struct listed_file {
    const char *path;
    uint64_t device; // 0 when shared
    uint64_t inode;
    uint64_t size;
    int64_t mtime_ns;
    uint8_t hash[16];    // BLAKE2b-128 of the first and last 4 KiB
    uint8_t compression; // lt_Compression
    span_t cuts;         // of an archive, as in control.proto; lent
    bool guessed;        // the cuts
} listed_file_t;

typedef struct shard_range {
    uint32_t file;
    char *path;
    char *host;
    uint64_t device;
    uint64_t inode;
    uint64_t size;
    int64_t mtime_ns;
    uint8_t hash[16];
    uint8_t compression;
    uint64_t begin;
    uint64_t end;
    bool shared;
    bool stream;
    bool guessed; // where it begins and ends
} shard_range_t;

typedef struct shard {
    uint64_t incarnation; // of the worker that it was lent to
    uint64_t job;
    uint64_t id;
    uint32_t attempt;
    uint32_t n_files_in_job;
    char *query;
    char *format;
    bool validate;
    shard_range_t *ranges;
    size_t n_ranges;
} shard_t;

// From a SHARD frame; checks every bound. The caller owns *out.
MUST_CHECK errcode_t shard_decode(const frame_t *frame, shard_t **out);
void shard_destroy(shard_t **self_p);
file_id_t shard_range_id(const shard_range_t *range);

#endif
