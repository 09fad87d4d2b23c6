// SPDX-License-Identifier: Apache-2.0
// follow: waits for the end of a job, showing how it gets on, across lost
// connections.
#ifndef LOGTALLY_COORDINATOR_CLI_FOLLOW_H
#define LOGTALLY_COORDINATOR_CLI_FOLLOW_H

#include "coordinator/cli/client_io.h"
#include "coordinator/cli/live.h"
#include "coordinator/cli/progress.h"

typedef struct follow {
    client_t *client;
    uint64_t job;  // 0: not known yet, `submit` asks for it
    span_t submit; // the SUBMIT frame; the same again is the same job
    bool detach;   // the first answer is enough
    progress_t progress;
    live_t *live;        // shows rows as they stand, or NULL
    bool cancel;         // Ctrl-C cancels the job
    int64_t deadline_ms; // of the job, from now; 0: not known here
    int64_t patience_ms; // to wait for it; 0: for ever
    lt_JobUpdate last;   // filled
} follow_t;

// EXIT_DONE: the job has ended (or, detached, begun), `last` says how.
MUST_CHECK int follow_job(follow_t *self, buf_t *why);

#endif
