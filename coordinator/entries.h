// SPDX-License-Identifier: Apache-2.0
// entries: a job's state as the bytes of journal entries, and back. Every
// entry begins with a version; bytes that are not exactly right are refused
// with ERR_MALFORMED, ERR_TRUNCATED, ERR_TOO_LARGE or ERR_VERSION.
#ifndef LOGTALLY_COORDINATOR_ENTRIES_H
#define LOGTALLY_COORDINATOR_ENTRIES_H

#include "coordinator/coordinator_inside.h"

// `wall_ms` is what to add to the machine's time to get the time of day.
void entry_put_job(const job_t *job, int64_t wall_ms, buf_t *out);
void entry_put_end(const job_t *job, int64_t wall_ms, buf_t *out);
// Pieces of about ENTRY_PIECE bytes: each call goes on at *at and stops at
// the end of a piece or of the list.
#define ENTRY_PIECE (1u << 20)
void entry_put_files(const job_t *job, size_t *at, buf_t *out);
void entry_put_shards(const job_t *job, size_t *at, buf_t *out);
void entry_put_plan(const job_t *job, buf_t *out);

void entry_put_worker(const worker_t *worker, int64_t wall_ms, buf_t *out);

// A change of the plan while it is carried out.
typedef enum {
    CHANGE_LOSE,  // the shard cannot be counted
    CHANGE_DROP,  // its file `other` cannot; the rest of it can
    CHANGE_SPLIT, // its last range is now the shard `other`, the last of all
    // Of a shard that is to be checked:
    CHANGE_COUNTED, // by the worker named in `why`
    CHANGE_CHECKED, // with the outcome `other`, a check_state_t
    // The file `other` was cut at guesses; `shard`, now the last, has it all
    CHANGE_WHOLE,
    CHANGE_COUNT
} change_kind_t;

typedef struct change {
    change_kind_t kind;
    uint32_t shard;
    uint32_t other;
    char why[LIMIT_TEXT];
} change_t;
void entry_put_change(const change_t *change, buf_t *out);

// Into a job with no sources yet.
MUST_CHECK errcode_t entry_get_job(span_t bytes, int64_t wall_ms, job_t *job);
MUST_CHECK errcode_t entry_get_end(span_t bytes, int64_t wall_ms, job_t *job);
// Append to the lists; indexes are checked by entry_get_plan.
MUST_CHECK errcode_t entry_get_files(span_t bytes, job_t *job);
MUST_CHECK errcode_t entry_get_shards(span_t bytes, job_t *job);
// Makes the places (homes are set by the caller, who is asked by name), and
// checks that the lists are whole and every index in them is one.
MUST_CHECK errcode_t entry_get_plan(span_t bytes, job_t *job,
    worker_t *(*home)(void *ctx, const char *name), void *ctx);
MUST_CHECK errcode_t entry_get_change(span_t bytes, change_t *out);
// Name, labels, whether it was up, when it was heard. ERR_MALFORMED for a
// name that no host can have.
MUST_CHECK errcode_t entry_get_worker(
    span_t bytes, int64_t wall_ms, worker_t *out);

#endif
