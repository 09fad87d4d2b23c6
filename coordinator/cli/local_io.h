// SPDX-License-Identifier: Apache-2.0
// local: a job here and now, with nothing set up: the coordinator machine,
// the supervisor machine and executor processes in one process tree, frames
// handed over in memory.
#ifndef LOGTALLY_COORDINATOR_CLI_LOCAL_IO_H
#define LOGTALLY_COORDINATOR_CLI_LOCAL_IO_H

#include "common/result/result.h"
#include "common/wire/control.pb.h"
#include "coordinator/cli/live.h"

typedef struct local_options {
    const char *query;
    const char *format; // a name or "auto"
    const char *const *files;
    size_t n_files;
    uint32_t executors;   // at most; as many as the work needs are started
    uint64_t shard_bytes; // 0: chosen by the planner
    bool validate;        // parse lines that the filter cannot pass, too
    size_t memory;        // bytes of group table, each executor and the merge
    bool allow_weak_sandbox;
    const char *program; // logtally-executor, or NULL: beside this one
    // Called as the job goes on; may be NULL.
    void (*progress)(void *ctx, const lt_JobUpdate *update);
    void *ctx;
    live_t *live; // gets the rows as they stand, or NULL
} local_options_t;

typedef struct local_answer {
    result_t *result;      // NULL when there is none; the caller destroys it
    unsigned exit;         // exit code
    char text[LIMIT_TEXT]; // why, when it is not 0
} local_answer_t;

// Runs to the end of the job, or to SIGINT or SIGTERM (exit
// EXIT_INTERRUPTED). An error is only what kept it from starting.
MUST_CHECK errcode_t local_run(
    const local_options_t *options, local_answer_t *out, buf_t *why);

#endif
