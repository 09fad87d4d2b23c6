// SPDX-License-Identifier: Apache-2.0
#include "common/base/pool.h"

#include "common/base/xalloc.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

struct pool {
    pthread_mutex_t lock; // for all below
    pthread_cond_t work;
    pthread_cond_t done;
    pool_task_t *task;
    void *ctx;
    size_t n;
    size_t next;   // task to begin
    size_t n_done; // tasks that ended
    bool stopping;
    unsigned n_threads;
    pthread_t threads[];
};

// Begins and ends tasks while there are any. The lock is held, but not while
// a task runs.
static void
work(pool_t *self)
{
    while (self->next < self->n) {
        size_t i = self->next++;
        pthread_mutex_unlock(&self->lock);
        self->task(self->ctx, i);
        pthread_mutex_lock(&self->lock);
        if (++self->n_done == self->n) {
            pthread_cond_signal(&self->done);
        }
    }
}

static void *
run(void *arg)
{
    pool_t *self = arg;

    pthread_mutex_lock(&self->lock);
    while (!self->stopping) {
        work(self);
        pthread_cond_wait(&self->work, &self->lock);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

// Signals are for the thread that asked for them.
static void
start_threads(pool_t *self, unsigned n)
{
    sigset_t all, before;
    int error = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (error == 0 && self->n_threads < n) {
        error =
            pthread_create(&self->threads[self->n_threads], NULL, run, self);
        self->n_threads += error == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

pool_t *
pool_new(unsigned threads)
{
    unsigned n = threads > 0 ? threads - 1 : 0;
    pool_t *self = xcalloc(1, sizeof *self + n * sizeof *self->threads);

    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->work, NULL);
    pthread_cond_init(&self->done, NULL);
    start_threads(self, n);
    return self;
}

void
pool_destroy(pool_t **self_p)
{
    pool_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    pthread_cond_broadcast(&self->work);
    pthread_mutex_unlock(&self->lock);
    for (unsigned i = 0; i < self->n_threads; i++) {
        pthread_join(self->threads[i], NULL);
    }
    pthread_cond_destroy(&self->done);
    pthread_cond_destroy(&self->work);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

void
pool_run(pool_t *self, pool_task_t *task, void *ctx, size_t n)
{
    if (self == NULL || self->n_threads == 0 || n < 2) {
        for (size_t i = 0; i < n; i++) {
            task(ctx, i);
        }
        return;
    }
    pthread_mutex_lock(&self->lock);
    self->task = task;
    self->ctx = ctx;
    self->n = n;
    self->next = self->n_done = 0;
    pthread_cond_broadcast(&self->work);
    work(self);
    while (self->n_done < n) {
        pthread_cond_wait(&self->done, &self->lock);
    }
    self->n = self->next = 0;
    pthread_mutex_unlock(&self->lock);
}
