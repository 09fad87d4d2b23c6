// SPDX-License-Identifier: Apache-2.0
// JOB_UPDATE: how a job gets on, in numbers. A person and programs watch them,
// so what nobody knows is left at 0 and said to be unknown, not guessed.
#include "coordinator/coordinator_inside.h"

#include "common/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t
busy_workers(const coordinator_t *self, const job_t *job)
{
    uint64_t n = 0;

    for (worker_t *w = self->workers; w != NULL; w = w->by_name.next) {
        for (const lease_t *l = w->leases; l != NULL; l = l->next) {
            if (l->job == job) {
                n++;
                break;
            }
        }
    }
    return n;
}

// A worker that counts for this job alone lets no executor rest while it has
// shards. Where jobs share it, or it cannot be reached, it counts what it said
// last, and a heartbeat may be older than many a shard.
static uint32_t
busy_executors_of(const worker_t *w, const job_t *job)
{
    uint32_t mine = 0;
    uint32_t running = 0;

    for (const lease_t *l = w->leases; l != NULL; l = l->next) {
        mine += l->job == job && !l->offered;
        running += l->job == job && !l->offered && l->running;
    }
    if (mine < w->n_counting || w->lane == 0) {
        return running;
    }
    return mine < w->executors ? mine : w->executors;
}

static uint32_t
busy_executors(const coordinator_t *self, const job_t *job)
{
    uint32_t n = 0;

    for (worker_t *w = self->workers; w != NULL; w = w->by_name.next) {
        n += busy_executors_of(w, job);
    }
    return n;
}

static uint64_t
bytes_under_way(const job_t *job)
{
    uint64_t n = 0;

    for (const lease_t *l = job->leases; l != NULL; l = l->hh.next) {
        uint64_t bytes = job->shards[l->key.shard].bytes;
        bool stream = bytes == 0 && job->n_streams > 0;
        uint64_t most = stream ? UINT64_MAX : bytes;
        n += !l->active ? 0 : l->bytes_done < most ? l->bytes_done : most;
    }
    return n;
}

void
fill_update(const coordinator_t *self, const job_t *job, lt_JobUpdate *out)
{
    int64_t until = job_is_over(job) ? job->ended : self->now;

    memset(out, 0, sizeof *out);
    out->job = job->id;
    out->state = job->state;
    out->files = job->n_files;
    out->bytes = job->bytes;
    out->streams = (uint32_t)job->n_streams;
    out->bytes_done =
        job->bytes_done + job->bytes_streamed + bytes_under_way(job);
    out->shards = job_shards(job);
    out->shards_done = job_shards_done(job);
    out->retried = job->retried;
    out->rejected = job->rejected;
    // Who watches a cluster asks for all jobs, and most of them have ended.
    if (!job_is_over(job)) {
        out->workers_busy = (uint32_t)busy_workers(self, job);
        out->executors_busy = busy_executors(self, job);
    }
    out->hosts = (uint32_t)(job_is_over(job) ? job->hosts : job->n_places);
    out->elapsed_ms = (uint64_t)(until - job->submitted);
    out->age_ms = (uint64_t)(self->now - job->submitted);
    out->result_bytes = job->result_bytes;
    out->error = job->error;
    out->exit = job->exit;
    snprintf(out->text, sizeof out->text, "%s", job->text);
    snprintf(out->query, sizeof out->query, "%.2040s", job->canonical);
    snprintf(out->owner, sizeof out->owner, "%s", job->owner);
}

void
send_update(coordinator_t *self, uint64_t peer, job_t *job)
{
    lt_JobUpdate *meta = xmalloc(sizeof *meta);

    fill_update(self, job, meta);
    send_frame_after(self, job_is_over(job) ? job->ended_by : job->recorded_by,
        peer, PROTO_JOB_UPDATE, lt_JobUpdate_fields, meta);
    free(meta);
}

// Also when nothing happens: a follower is to see that nothing does.
bool
update_is_due(const coordinator_t *self, const job_t *job)
{
    int64_t quiet = self->now - job->told;

    return job->news ? quiet >= UPDATE_MS
                     : !job_is_over(job) && quiet >= HEARTBEAT_MS;
}

void
update_followers(coordinator_t *self, job_t *job)
{
    job->told = self->now;
    job->news = false;
    for (size_t i = 0; i < job->n_followers; i++) {
        send_update(self, job->followers[i], job);
    }
}
