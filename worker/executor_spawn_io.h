// SPDX-License-Identifier: Apache-2.0
// executor_spawn_io: the process of an executor and the socket to it. Whoever
// starts one reaps it (executor_io).
#ifndef LOGTALLY_WORKER_EXECUTOR_SPAWN_IO_H
#define LOGTALLY_WORKER_EXECUTOR_SPAWN_IO_H

#include "worker/executor_io.h"

#include <sys/types.h>

// This process's limit, as far as it may be raised.
void executor_raise_open_files(void);
// The path of logtally-executor as it is installed with this program; yours.
char *executor_beside(void);
// Starts o->program. *sock is this side of the socket. On ERR_IO, errno says
// why, *pid is 0 and *sock is left alone.
MUST_CHECK errcode_t executor_spawn(
    const executors_options_t *o, pid_t *pid, int *sock);

#endif
