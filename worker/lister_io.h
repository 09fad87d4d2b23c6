// SPDX-License-Identifier: Apache-2.0
// lister: finds files in threads of its own, so that a slow disk or a big
// folder does not hold up the heartbeats. Requests go in, batches come out;
// those of one request in order. All calls from one thread.
#ifndef LOGTALLY_WORKER_LISTER_IO_H
#define LOGTALLY_WORKER_LISTER_IO_H

#include "worker/files_io.h"

typedef struct lister lister_t;

typedef struct listed {
    uint64_t request;
    listed_file_t *files;
    size_t n;
    bool last; // with rc and text
    errcode_t rc;
    char *text;
} listed_t;
void listed_fini(listed_t *self);

// files is lent until the stop.
MUST_CHECK errcode_t lister_start(const files_t *files, lister_t **out);
// Whatever is being listed is given up. False: a thread hangs in the file
// system, so `files` must stay where it is.
bool lister_stop(lister_t **self_p);
void lister_ask(lister_t *self, uint64_t request, const files_asked_t *asked);
// What was wrong with the roots when a thread looked last (every
// LISTER_LOOK_MS, when it has nothing to list): files_trouble.
#define LISTER_LOOK_MS 2000
#define LISTER_TROUBLE 256u
void lister_trouble(lister_t *self, char out[LISTER_TROUBLE]);
int lister_fd(const lister_t *self); // readable: there may be a batch
bool lister_take(lister_t *self, listed_t *out); // false: none waits

#endif
