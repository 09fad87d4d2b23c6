// SPDX-License-Identifier: Apache-2.0
// Stragglers: a shard that takes far longer than its like, on a slow or ailing
// host, is lent a second time to a worker that has nothing else to do. The
// first partial wins. Only for files that several workers can read.
#include "coordinator/coordinator_inside.h"

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

// The one that was lent first, of another worker than this.
static lease_t *
latest_of_all(coordinator_t *self, const worker_t *idle)
{
    worker_t *w, *next;
    lease_t *found = NULL;

    HASH_ITER(by_name, self->workers, w, next)
    {
        for (lease_t *l = w == idle ? NULL : w->leases; l != NULL;
             l = l->next) {
            if ((found == NULL || l->lent_at < found->lent_at) &&
                is_late(self, l)) {
                found = l;
            }
        }
    }
    return found;
}

static bool
is_idle(const coordinator_t *self, const worker_t *w)
{
    return w->up && w->lane != 0 && w->n_counting < w->executors &&
           self->now >= w->pause_until;
}

void
stragglers_tick(coordinator_t *self)
{
    worker_t *w, *next;

    if (self->now < self->straggle_at || self->stuck[0] != '\0') {
        return;
    }
    self->straggle_at = self->now + LOOK_MS;
    HASH_ITER(by_name, self->workers, w, next)
    {
        lease_t *late = is_idle(self, w) ? latest_of_all(self, w) : NULL;
        if (late != NULL) {
            self->stats.copies++;
            late->job->retried++;
            lease_lend(self, w, late->job, (uint32_t)late->key.shard);
        }
    }
}
