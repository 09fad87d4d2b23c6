// SPDX-License-Identifier: Apache-2.0
// Stragglers: a shard that takes far longer than its like, on a slow or ailing
// host, is lent a second time to a worker that has nothing else to do. The
// first partial wins. Only for files that several workers can read.
#include "coordinator/coordinator_inside.h"

#include "common/base/xalloc.h"

#include <stdlib.h>

#define LOOK_MS  250
#define LEAST_MS 1000 // no shard is late before that
#define LATE     3    // times as long as expected
#define COPIES   2u   // lent at once, at most

// How long a shard of this size usually takes here, from those committed.
static int64_t
expected_ms(const job_t *job, const plan_shard_t *s)
{
    double per_byte = job->counted_bytes > 0
                          ? (double)job->counted_ms / (double)job->counted_bytes
                          : 0;
    double by_size = per_byte * (double)s->bytes;
    double mean = (double)job->counted_ms / (double)job->n_counted;

    return (int64_t)(by_size > mean ? by_size : mean);
}

static bool
is_late(const coordinator_t *self, const lease_t *l)
{
    const job_t *job = l->job;
    const plan_shard_t *s = &job->shards[l->key.shard];
    int64_t age = self->now - l->lent_at;

    return job->n_counted > 0 && !l->is_check &&
           job->places[s->place].home == NULL && !l->offered &&
           s->n_active < COPIES && age >= LEAST_MS &&
           age >= LATE * expected_ms(job, s);
}

static bool
is_idle(const coordinator_t *self, const worker_t *w)
{
    return w->up && w->lane != 0 && w->n_counting < w->executors &&
           self->now >= w->pause_until;
}

static bool
any_is_idle(const coordinator_t *self)
{
    const worker_t *w = self->workers;

    while (w != NULL && !is_idle(self, w)) {
        w = w->by_name.next;
    }
    return w != NULL;
}

typedef struct late {
    lease_t **leases;
    size_t n, cap;
    size_t at; // those before it have a copy by now
} late_t;

static int
by_age(const void *a, const void *b)
{
    const lease_t *x = *(lease_t *const *)a, *y = *(lease_t *const *)b;

    if (x->lent_at != y->lent_at) {
        return x->lent_at < y->lent_at ? -1 : 1;
    }
    if (x->job != y->job) {
        return x->job->id < y->job->id ? -1 : 1;
    }
    return x->key.shard < y->key.shard ? -1 : x->key.shard > y->key.shard;
}

// All that are late, those first that were lent first.
static void
find_late(const coordinator_t *self, late_t *out)
{
    for (const worker_t *w = self->workers; w != NULL; w = w->by_name.next) {
        for (lease_t *l = w->leases; l != NULL; l = l->next) {
            if (is_late(self, l)) {
                out->leases = xgrow(
                    out->leases, &out->cap, out->n + 1, sizeof *out->leases);
                out->leases[out->n++] = l;
            }
        }
    }
    if (out->n > 1) {
        qsort(out->leases, out->n, sizeof *out->leases, by_age);
    }
}

// The first of another worker.
static lease_t *
first_for(const coordinator_t *self, late_t *late, const worker_t *idle)
{
    while (late->at < late->n && !is_late(self, late->leases[late->at])) {
        late->at++;
    }
    for (size_t i = late->at; i < late->n; i++) {
        if (late->leases[i]->worker != idle && is_late(self, late->leases[i])) {
            return late->leases[i];
        }
    }
    return NULL;
}

void
stragglers_tick(coordinator_t *self)
{
    late_t late = {0};
    worker_t *w, *next;

    if (self->now < self->straggle_at || self->stuck[0] != '\0') {
        return;
    }
    self->straggle_at = self->now + LOOK_MS;
    if (any_is_idle(self)) {
        find_late(self, &late);
    }
    HASH_ITER(by_name, self->workers, w, next)
    {
        lease_t *l =
            late.n > 0 && is_idle(self, w) ? first_for(self, &late, w) : NULL;
        if (l != NULL) {
            self->stats.copies++;
            l->job->retried++;
            lease_lend(self, w, l->job, (uint32_t)l->key.shard);
        }
    }
    free(late.leases);
}
