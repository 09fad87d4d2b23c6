// SPDX-License-Identifier: Apache-2.0
// Plans that change while they are carried out: files that cannot be counted
// any more, shards that fail again and again, archives that were cut where
// they cannot be.
#include "coordinator/entries.h"

#include "common/base/log.h"
#include "common/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>

// The ranges of that file are taken out of the shard; false: none is left.
static bool
take_out(job_t *job, uint32_t shard, uint32_t file)
{
    plan_shard_t *s = &job->shards[shard];
    uint32_t kept = 0;

    for (uint32_t i = 0; i < s->n; i++) {
        const plan_range_t r = job->ranges[s->first + i];
        if (r.file != file) {
            job->ranges[s->first + kept++] = r;
        } else {
            s->bytes -= r.end - r.begin;
        }
    }
    s->n = kept;
    return kept > 0;
}

// The last range of the shard becomes the last shard of the job.
static uint32_t
split_off(job_t *job, uint32_t shard)
{
    job->shards = xgrow(
        job->shards, &job->cap_shards, job->n_shards + 1, sizeof *job->shards);
    budget_add(&job->plan, BUDGETS_SHARD_BYTES);
    plan_shard_t *s = &job->shards[shard];
    plan_shard_t *last = &job->shards[job->n_shards];

    s->n--;
    *last = (plan_shard_t){.first = s->first + s->n,
        .n = 1,
        .place = s->place,
        .verify = s->verify};
    const plan_range_t *r = &job->ranges[last->first];
    last->bytes = r->end - r->begin;
    s->bytes -= last->bytes;
    return (uint32_t)job->n_shards++;
}

static void
record(coordinator_t *self, job_t *job, change_kind_t kind, uint32_t shard,
    uint32_t other, const char *why)
{
    change_t change = {.kind = kind, .shard = shard, .other = other};

    snprintf(change.why, sizeof change.why, "%s", why);
    record_change(self, job, &change);
}

static void
lose(coordinator_t *self, job_t *job, uint32_t shard, const char *why)
{
    leases_remove_of(self, job, shard);
    job_lose(self, job, shard, why);
    job_check_done(self, job);
}

void
change_lose(coordinator_t *self, job_t *job, uint32_t shard, const char *why)
{
    record(self, job, CHANGE_LOSE, shard, 0, why);
    lose(self, job, shard, why);
}

void
change_drop(coordinator_t *self, job_t *job, uint32_t shard, uint32_t file,
    const char *why)
{
    bool some = take_out(job, shard, file);

    record(self, job, CHANGE_DROP, shard, file, why);
    job_file_lost(self, job, file, why);
    if (!some) {
        lose(self, job, shard, why); // one entry says both, whole or not
    } else if (job->shards[shard].state == SHARD_LEASED) {
        queue_shard(self, job, shard);
    }
}

// Lent before the journal has it, a new shard could be taken for another one
// of its number by the coordinator after this one.
static void
queue_when_durable(coordinator_t *self, job_t *job, uint32_t shard)
{
    if (job->changed_by <= self->durable) {
        queue_shard(self, job, shard);
        return;
    }
    job->split = xgrow(
        job->split, &job->cap_split, job->n_split + 1, sizeof *job->split);
    job->split[job->n_split++] = shard;
}

void
change_split(coordinator_t *self, job_t *job, uint32_t shard)
{
    job->shards[shard].failures = 1;
    while (job->shards[shard].n > 1 && plan_has_room(job)) {
        uint32_t other = split_off(job, shard);
        job->shards[other].failures = 1;
        record(self, job, CHANGE_SPLIT, shard, other, "");
        queue_when_durable(self, job, other);
    }
    if (job->shards[shard].state == SHARD_LEASED) {
        queue_shard(self, job, shard); // a later attempt was taken back
    }
    job->news = true;
}

// Its parts are not shards any more, so that nothing that a worker may still
// say of one, now or to the coordinator after this one, is about the whole.
void
change_whole(coordinator_t *self, job_t *job, uint32_t file, const char *why)
{
    const plan_file_t *f = &job->files[file];
    const char *host = job->places[f->place].host;
    uint32_t shard = whole_make(self, job, file);

    log_event(LOG_INFO, "read-as-one", "host", host, "path", f->path, "why",
        why, NULL);
    event_tell(self, LOG_INFO, "read-as-one", job, NULL, "%s:%s: %s", host,
        f->path, why);
    record(self, job, CHANGE_WHOLE, shard, file, why);
    queue_when_durable(self, job, shard);
}

void
change_durable(coordinator_t *self, job_t *job)
{
    if (job->n_split == 0 || job->changed_by > self->durable) {
        return;
    }
    for (size_t i = 0; i < job->n_split; i++) {
        if (job->shards[job->split[i]].state == SHARD_PENDING) {
            queue_shard(self, job, job->split[i]);
        }
    }
    job->n_split = 0;
}

static errcode_t
split_again(job_t *job, const change_t *change)
{
    if (job->shards[change->shard].n < 2 || change->other != job->n_shards ||
        !plan_has_room(job)) {
        return ERR_MALFORMED;
    }
    (void)split_off(job, change->shard);
    return ERR_OK;
}

static errcode_t
whole_again(coordinator_t *self, job_t *job, const change_t *change)
{
    if (change->other >= job->n_files || !job->files[change->other].guessed ||
        job->files[change->other].missing || change->shard != job->n_shards ||
        job->n_shards >= LIMIT_JOB_SHARDS) {
        return ERR_MALFORMED;
    }
    (void)whole_make(self, job, change->other);
    return ERR_OK;
}

errcode_t
change_again(coordinator_t *self, job_t *job, const change_t *change)
{
    if (change->kind == CHANGE_WHOLE) {
        return whole_again(self, job, change);
    }
    if (change->shard < job->n_shards &&
        (change->kind == CHANGE_COUNTED || change->kind == CHANGE_CHECKED)) {
        return verify_again(self, job, change);
    }
    if (change->shard < job->n_shards && change->kind == CHANGE_LOSE &&
        job->shards[change->shard].n == 0) {
        return ERR_OK; // journals of before had a second entry for it
    }
    if (change->shard >= job->n_shards ||
        job->shards[change->shard].state != SHARD_PENDING ||
        (change->kind == CHANGE_DROP && change->other >= job->n_files)) {
        return ERR_MALFORMED;
    }
    if (change->kind == CHANGE_SPLIT) {
        return split_again(job, change);
    }
    if (change->kind == CHANGE_LOSE) {
        job_lose(self, job, change->shard, change->why);
    } else {
        bool some = take_out(job, change->shard, change->other);
        job_file_lost(self, job, change->other, change->why);
        if (!some) {
            job_lose(self, job, change->shard, change->why);
        }
    }
    return ERR_OK;
}
