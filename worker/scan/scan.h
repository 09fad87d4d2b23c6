// SPDX-License-Identifier: Apache-2.0
// scan: the counting of one shard. Ranges in, partial out. Runs inside an
// executor; touches no clock and opens nothing.
#ifndef LOGTALLY_WORKER_SCAN_SCAN_H
#define LOGTALLY_WORKER_SCAN_SCAN_H

#include "common/query/queries.h"
#include "worker/source/source.h"

typedef struct scan_range {
    int fd;
    uint32_t file; // index in the job
    source_kind_t kind;
    bool stream;
    bool guessed;   // it may begin and end where no member does
    uint64_t size;  // of the file at plan time: bytes past it do not exist
    uint64_t begin; // lines that begin in [begin, end) are this range's; of an
    uint64_t end;   // archive, behind what [0, begin) holds: see lines.h
    const char *host;
    const char *path;
} scan_range_t;

typedef struct scan_job {
    const char *query;  // text
    const char *format; // name or "auto"
    const scan_range_t *ranges;
    size_t n_ranges;
    bool validate; // parse every line, also those the filter cannot pass
    size_t budget; // bytes of group table
    // Called now and then with bytes taken from disk so far; may be NULL.
    void (*progress)(void *ctx, uint64_t bytes_done);
    void *ctx;
} scan_job_t;

typedef struct scan_error {
    uint32_t file;   // of the job; UINT32_MAX when it is no file's fault
    char text[1024]; // one sentence
} scan_error_t;

// Appends an encoded partial. On error *error says what and where:
// ERR_QUERY, ERR_FORMAT, ERR_OVERFLOW, ERR_REGEX (the job cannot be
// answered), ERR_CORRUPT, ERR_UNSUPPORTED, ERR_CHANGED, ERR_IO (this file),
// ERR_TOO_LARGE (budget).
MUST_CHECK errcode_t scan_shard(
    const scan_job_t *job, buf_t *partial, scan_error_t *error);

#endif
