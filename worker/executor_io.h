// SPDX-License-Identifier: Apache-2.0
// executor_io: the supervisor's side of its executor processes: start them,
// hand them open files, take partials back (a sealed memfd), notice death.
// Used by the worker daemon and by the local run. An executor is the program
// logtally-executor: a process of its own, without keys and network.
#ifndef LOGTALLY_WORKER_EXECUTOR_IO_H
#define LOGTALLY_WORKER_EXECUTOR_IO_H

#include "common/base/limits.h"
#include "worker/files_io.h"
#include "worker/shard.h"

typedef struct executors executors_t;

typedef struct executor_event {
    enum { EXECUTOR_PROGRESS, EXECUTOR_DONE } kind;
    uint32_t slot;
    uint64_t bytes_done;
    errcode_t rc;  // DONE; ERR_CRASHED when the process died
    buf_t partial; // DONE with ERR_OK; the receiver frees
    uint32_t file;
    char text[LIMIT_TEXT];
} executor_event_t;

// program: path of logtally-executor, or NULL to find it beside this one.
MUST_CHECK errcode_t executors_start(uint32_t n, const char *program,
    size_t budget, executors_t **out, buf_t *why);
void executors_stop(executors_t **self_p); // ends and reaps them all
uint32_t executors_count(const executors_t *self);
int executors_fd(const executors_t *self, uint32_t slot); // poll for input
// Opens the shard's files through `files`, checks identities and sends the
// task. An error means the shard could not be started (ERR_NOT_FOUND,
// ERR_DENIED, ERR_CHANGED, ERR_CRASHED); *file and text say why.
MUST_CHECK errcode_t executors_give(executors_t *self, uint32_t slot,
    const shard_t *shard, const files_t *files, uint32_t *file,
    char text[LIMIT_TEXT]);
// Reads what the slot has to say. ERR_BUSY: nothing. On DONE the file
// identities are checked again (ERR_CHANGED).
MUST_CHECK errcode_t executors_read(
    executors_t *self, uint32_t slot, executor_event_t *event);
// SIGKILL and a fresh process. No event is reported for the old one.
void executors_kill(executors_t *self, uint32_t slot);

#endif
