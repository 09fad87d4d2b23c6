// SPDX-License-Identifier: Apache-2.0
// executor_io: the supervisor's side of its executor processes: start them,
// hand them open files, take partials back (a sealed memfd), notice death.
// Used by the worker daemon and by the local run. An executor is the program
// logtally-executor: a process of its own, without keys and network.
#ifndef LOGTALLY_WORKER_EXECUTOR_IO_H
#define LOGTALLY_WORKER_EXECUTOR_IO_H

#include "common/base/limits.h"
#include "worker/files_io.h"
#include "worker/sandbox/level.h"
#include "worker/shard.h"

typedef struct executors executors_t;

typedef struct executor_event {
    enum { EXECUTOR_PROGRESS, EXECUTOR_DONE, EXECUTOR_UNCONFINED } kind;
    uint32_t slot;
    uint64_t bytes_done;
    errcode_t rc;  // DONE; ERR_CRASHED when the process died
    buf_t partial; // DONE with ERR_OK; the receiver frees
    uint32_t file;
    char text[LIMIT_TEXT]; // UNCONFINED: it ended itself, and why
} executor_event_t;

typedef struct executors_options {
    uint32_t n;
    const char *program; // path of logtally-executor, or NULL to find it
                         // beside this one
    size_t budget;
    bool pack;               // partials go over a network, and are compressed
    bool allow_weak_sandbox; // else an executor that is not fully confined
                             // takes no order: EXECUTOR_UNCONFINED
    uint32_t uid, gid;       // who an executor of root is; 0: nobody
} executors_options_t;
// Raises this process's limit of open files as far as it may be. Executors
// end with the thread that starts them: use one object from one thread.
MUST_CHECK errcode_t executors_open(
    const executors_options_t *options, executors_t **out, buf_t *why);
// Waits until every executor has said how it is confined. ERR_DENIED: one
// ended itself; ERR_CRASHED; ERR_TIMEOUT.
MUST_CHECK errcode_t executors_wait(
    executors_t *self, int64_t timeout_ms, buf_t *why);
// "full", "weak: ...", "none: ..." of the least confined one that has said
// so; "" before. Lent.
const char *executors_sandbox(const executors_t *self);
void executors_stop(executors_t **self_p); // ends them all
uint32_t executors_count(const executors_t *self);
// To poll for input. -1 while the slot has no process: one that died or was
// killed is replaced when the slot is given something.
int executors_fd(const executors_t *self, uint32_t slot);
// Opens the shard's files through `files`, glances at their identities (the
// executor reads and checks their hashes) and sends the order; never waits
// for the executor. A slot may be given several: they are counted one after
// the other, and ERR_BUSY says that it takes no more now. Any other error
// means the shard could not be started (ERR_NOT_FOUND, ERR_DENIED,
// ERR_CHANGED, ERR_IO, ERR_CRASHED); *file and text say why.
MUST_CHECK errcode_t executors_give(executors_t *self, uint32_t slot,
    const shard_t *shard, const files_t *files, uint32_t *file,
    char text[LIMIT_TEXT]);
// Reads what the slot has to say, never waits for the rest. ERR_BUSY:
// nothing. An executor that dies, or says what none of ours says, is DONE
// with ERR_CRASHED and a text with the signal's name; without a shard its end
// is no event.
MUST_CHECK errcode_t executors_read(
    executors_t *self, uint32_t slot, executor_event_t *event);
// SIGKILL. No event is reported for the old process.
void executors_kill(executors_t *self, uint32_t slot);

#endif
