// SPDX-License-Identifier: Apache-2.0
// pool: a few threads that compute for one caller, who waits for them.
//
// A pool belongs to the thread that made it. Tasks share what `ctx` points to
// and must not write what another of them reads.
#ifndef LOGTALLY_COMMON_BASE_POOL_H
#define LOGTALLY_COMMON_BASE_POOL_H

#include <stddef.h>

typedef struct pool pool_t;
typedef void pool_task_t(void *ctx, size_t i);

// `threads` count the caller, who works too: 1 starts none. Fewer are started
// when the system allows no more.
pool_t *pool_new(unsigned threads);
void pool_destroy(pool_t **self_p);
// Runs task(ctx, i) for each i below n, in any order, and returns when all are
// done. Without a pool (NULL) the caller does it alone.
void pool_run(pool_t *self, pool_task_t *task, void *ctx, size_t n);

#endif
