// SPDX-License-Identifier: Apache-2.0
// Who counts what. Workers with room stand in line: the first gets a shard and
// goes to the end, so that each gets one, round after round. Of the jobs that
// have something for it, it gets one of the job that was served longest ago:
// several jobs share the cluster, and a small one is not stuck behind a large
// one.
//
// Nobody is looked for. A place with shards to lend is in the list of its host,
// or of what all can read; a worker comes to the line when it has room again or
// its host has something, and rests when there was nothing for it. Those who
// rest are asked again when all of them may take what is new. So what thousands
// of shards cost that fail at once grows with their number, and not with jobs,
// times hosts, times workers, for each of them.
#include "coordinator/coordinator_inside.h"

#include "common/base/xalloc.h"
#include "common/wire/credit.h"

#include <string.h>
#include <utlist.h>

#define SKIP_MAX 8u // shards passed over for a worker that failed them last

// ---- what is to be lent

static place_t **
list_of(coordinator_t *self, const place_t *p)
{
    return p->home != NULL ? &p->home->open : &self->open;
}

static void
put_last(job_t *job, place_t *p, uint32_t shard)
{
    if (p->head > 1024 && p->head > p->n / 2) {
        memmove(
            p->queue, p->queue + p->head, (p->n - p->head) * sizeof *p->queue);
        p->n -= p->head;
        p->head = 0;
    }
    p->queue = xgrow(p->queue, &p->cap, p->n + 1, sizeof *p->queue);
    p->queue[p->n++] = shard;
    job->shards[shard].queued = true;
}

void
queue_shard(coordinator_t *self, job_t *job, uint32_t shard)
{
    place_t *p = &job->places[job->shards[shard].place];

    put_last(job, p, shard);
    job->shards[shard].state = SHARD_PENDING;
    p->job = job;
    if (p->n_pending++ == 0) {
        DL_APPEND(*list_of(self, p), p);
    }
    if (p->home != NULL) {
        lend_to(self, p->home);
    } else {
        self->fresh = true;
    }
}

void
shard_not_pending(coordinator_t *self, job_t *job, uint32_t shard)
{
    place_t *p = &job->places[job->shards[shard].place];

    if (job->shards[shard].state == SHARD_PENDING &&
        job->shards[shard].queued && --p->n_pending == 0) {
        DL_DELETE(*list_of(self, p), p);
    }
}

void
places_free(coordinator_t *self, job_t *job)
{
    for (size_t i = 0; i < job->n_places; i++) {
        place_t *p = &job->places[i];
        if (p->n_pending > 0) {
            DL_DELETE(*list_of(self, p), p);
        }
        free(p->queue);
    }
    free(job->places);
    job->places = NULL;
    job->n_places = 0;
}

// ---- who takes it

static void
stand(coordinator_t *self, worker_t *w, stand_t where)
{
    if (w->stands == IN_LINE) {
        DL_DELETE(self->line, w);
    } else if (w->stands == RESTS) {
        DL_DELETE(self->resting, w);
        self->n_resting--;
    }
    w->stands = where;
    if (where == IN_LINE) {
        DL_APPEND(self->line, w);
    } else if (where == RESTS) {
        DL_APPEND(self->resting, w);
        self->n_resting++;
    }
}

void
lend_to(coordinator_t *self, worker_t *w)
{
    if (w->stands != IN_LINE) {
        stand(self, w, IN_LINE);
    }
}

// The next pending shard of the place, or NO_SHARD. One that this worker
// failed goes to the end while others could do it.
static uint64_t
take_pending(coordinator_t *self, place_t *p, const worker_t *w)
{
    job_t *job = p->job;
    bool alone = p->home != NULL || self->n_up <= (w->up ? 1u : 0u);
    unsigned skipped = 0;

    while (p->head < p->n) {
        uint32_t shard = p->queue[p->head++];
        const plan_shard_t *s = &job->shards[shard];
        if (s->state != SHARD_PENDING) {
            continue; // given, or done by a late partial, since it was queued
        }
        if (s->avoid != w || alone) {
            shard_not_pending(self, job, shard);
            return shard;
        }
        put_last(job, p, shard);
        if (++skipped == SKIP_MAX || skipped >= p->n - p->head) {
            break;
        }
    }
    return NO_SHARD;
}

// The job that was served longest ago, and its places as they were listed.
static bool
is_before(const place_t *a, const place_t *b)
{
    if (a->job != b->job) {
        return a->job->turn != b->job->turn ? a->job->turn < b->job->turn
                                            : a->job->id < b->job->id;
    }
    return a < b;
}

static place_t *
place_behind(coordinator_t *self, const worker_t *w, const place_t *last)
{
    place_t *lists[] = {w->open, self->open}, *best = NULL, *p;

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        DL_FOREACH(lists[i], p)
        {
            if ((last == NULL || is_before(last, p)) &&
                (best == NULL || is_before(p, best))) {
                best = p;
            }
        }
    }
    return best;
}

static bool
lend_one(coordinator_t *self, worker_t *w)
{
    place_t *p = NULL;

    while ((p = place_behind(self, w, p)) != NULL) {
        job_t *job = p->job;
        uint64_t shard = take_pending(self, p, w);
        if (shard != NO_SHARD) {
            job->turn = ++self->turn;
            lease_lend(self, w, job, (uint32_t)shard);
            return true;
        }
    }
    return false;
}

static bool
has_credit(const coordinator_t *self, const worker_t *w)
{
    return w->up && w->lane != 0 && self->now >= w->pause_until &&
           w->n_counting < CREDIT_SHARDS && w->n_active < 2 * CREDIT_SHARDS &&
           w->credit_counting <
               (uint64_t)w->executors * CREDIT_PER_EXECUTOR * CREDIT_WHOLE &&
           w->credit_active <
               (uint64_t)w->executors * OFFERS_AHEAD * CREDIT_WHOLE;
}

static void
serve(coordinator_t *self, worker_t *w)
{
    if (!has_credit(self, w)) {
        stand(self, w, NOWHERE);
    } else if (lend_one(self, w) || verify_lend(self, w)) {
        stand(self, w, IN_LINE);
    } else {
        stand(self, w, RESTS);
    }
}

// Those who have rested longest are asked first, each once.
static void
ask_resting(coordinator_t *self)
{
    self->fresh = false;
    for (size_t n = self->n_resting;
         n > 0 && (self->open != NULL || self->n_waiting > 0); n--) {
        serve(self, self->resting);
    }
}

void
leases_give(coordinator_t *self)
{
    if (self->stuck[0] != '\0') {
        return; // what is counted now could not be kept
    }
    if (self->fresh) {
        ask_resting(self);
    }
    while (self->line != NULL) {
        serve(self, self->line);
    }
}
