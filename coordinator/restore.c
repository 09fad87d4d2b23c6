// SPDX-License-Identifier: Apache-2.0
// A journal back into jobs. What is damaged is counted again where that can
// be done (partials, changes of the plan); a job whose plan is damaged ends and
// says so.
#include "coordinator/entries.h"

#include "common/base/log.h"
#include "common/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static worker_t *
home_of(void *ctx, const char *name)
{
    return host_name_is_sound(name) ? worker_named(ctx, name) : NULL;
}

static errcode_t
restore_job(coordinator_t *self, uint64_t id, span_t bytes)
{
    query_error_t error;

    if (id == 0 || id > UINT64_MAX / 2) {
        return ERR_MALFORMED; // of no job of ours
    }
    job_t *job = job_add(self, id);
    if (job == NULL) {
        return ERR_TOO_LARGE;
    }
    job->restored = true;
    job->taken_told = true; // by the coordinator before
    errcode_t rc = entry_get_job(bytes, self->config.wall_ms, job);
    if (rc == ERR_OK) {
        rc = queries_parse(job->canonical, &job->queries, &error);
    }
    if (rc == ERR_OK) {
        rc = shared_new(job->queries, job->rules, &job->shared);
    }
    if (rc != ERR_OK) {
        job_destroy(self, job);
    }
    return rc;
}

static errcode_t
restore_plan(coordinator_t *self, job_t *job, span_t bytes)
{
    errcode_t rc = entry_get_plan(bytes, job, home_of, self);

    if (rc == ERR_OK) {
        budgets_weigh_plan(job); // it was taken before
        verify_choose(job);
        rc = job_prepare(self, job);
        job->ruined_by_size = rc != ERR_OK;
    }
    return rc;
}

static errcode_t
restore_change(coordinator_t *self, job_t *job, uint64_t n, span_t bytes)
{
    change_t change;
    errcode_t rc = entry_get_change(bytes, &change);

    job->n_changes = n + 1;
    return rc != ERR_OK ? rc : change_again(self, job, &change);
}

static errcode_t
restore_commit(coordinator_t *self, job_t *job, uint64_t shard, span_t bytes)
{
    if (shard < job->n_shards && job->shards[shard].state == SHARD_VOID) {
        return ERR_OK;
    }
    if (shard < job->n_shards && job->shards[shard].state == SHARD_LOST &&
        whole_is(&job->files[job->ranges[job->shards[shard].first].file])) {
        return ERR_OK; // it was lost with another part of its archive
    }
    if (shard >= job->n_shards || job->shards[shard].state != SHARD_PENDING) {
        return ERR_MALFORMED;
    }
    errcode_t rc = sink_merge(self, job, shard, bytes);
    if (rc == ERR_TOO_LARGE) { // half of it may be in the tables
        job->ruined = job->ruined_by_size = true;
    }
    if (rc == ERR_OK) {
        self->stats.restored++;
        verify_restored(self, job, (uint32_t)shard, bytes);
    }
    return rc;
}

// One that was up is heard of from now on; one that was gone, since then.
static errcode_t
restore_worker(coordinator_t *self, uint64_t record, span_t bytes)
{
    worker_t said = {0};
    errcode_t rc = entry_get_worker(bytes, self->config.wall_ms, &said);

    self->n_recorded = record > self->n_recorded ? record : self->n_recorded;
    if (rc != ERR_OK || said.forgotten) {
        return rc;
    }
    worker_t *w = worker_named(self, said.name);
    w->heard = said.up || said.heard > self->now ? self->now : said.heard;
    w->record = record;
    self->n_expected += said.up - w->expected;
    w->expected = said.up;
    w->n_labels = said.n_labels;
    memcpy(w->labels, said.labels, sizeof w->labels);
    return ERR_OK;
}

// Of a job that was planned: there is something to lose or to count.
static errcode_t
restore_work(
    coordinator_t *self, job_t *job, const entry_key_t *key, span_t bytes)
{
    if (job->state != lt_JobState_JOB_RUNNING) {
        return ERR_MALFORMED;
    }
    return key->kind == ENTRY_CHANGE ? restore_change(self, job, key->n, bytes)
                                     : restore_commit(self, job, key->n, bytes);
}

static errcode_t
restore_end(coordinator_t *self, job_t *job, span_t bytes)
{
    job->leftovers = job->files != NULL;
    job_free_work(self, job);
    job->n_void = 0;
    return entry_get_end(bytes, self->config.wall_ms, job);
}

// A plan that is whole was checked: no piece comes behind it.
static errcode_t
restore_planning(
    coordinator_t *self, job_t *job, entry_kind_t kind, span_t bytes)
{
    if (job->state != lt_JobState_JOB_PLANNING) {
        return ERR_MALFORMED;
    }
    return kind == ENTRY_FILES    ? entry_get_files(bytes, job)
           : kind == ENTRY_SHARDS ? entry_get_shards(bytes, job)
                                  : restore_plan(self, job, bytes);
}

static errcode_t
restore_piece(
    coordinator_t *self, job_t *job, const entry_key_t *key, span_t bytes)
{
    return key->kind <= ENTRY_PLAN
               ? restore_planning(self, job, key->kind, bytes)
           : key->kind == ENTRY_END ? restore_end(self, job, bytes)
                                    : restore_work(self, job, key, bytes);
}

// Work can be done again; a plan cannot be guessed.
static void
spoil(coordinator_t *self, const entry_key_t *key)
{
    job_t *job = job_find(self, key->job);

    if (job != NULL && key->kind != ENTRY_COMMIT && key->kind != ENTRY_CHANGE &&
        key->kind != ENTRY_WORKER) {
        job->ruined = true;
    }
}

// A change is of a plan whose commits are not there yet.
static bool
comes_next(job_t *job, const entry_key_t *key)
{
    bool next = key->kind > job->read.kind ||
                (key->kind == job->read.kind && key->n > job->read.n);

    if (next) {
        job->read.kind = key->kind;
        job->read.n = key->n;
    }
    return next && key->n < UINT64_MAX;
}

errcode_t
coordinator_restore(coordinator_t *self, const entry_key_t *key, span_t bytes)
{
    job_t *job = job_find(self, key->job);
    errcode_t rc;

    self->memory.limit = SIZE_MAX; // it was there before
    if (key->kind < ENTRY_JOB) {
        rc = ERR_MALFORMED;
    } else if (key->kind == ENTRY_WORKER) {
        rc = restore_worker(self, key->n, bytes);
    } else if (key->kind == ENTRY_JOB) {
        rc = job != NULL ? ERR_MALFORMED : restore_job(self, key->job, bytes);
    } else if (job == NULL || job_is_over(job) || key->kind >= ENTRY_KINDS ||
               !comes_next(job, key)) {
        rc = ERR_MALFORMED;
    } else if (job->ruined) {
        return ERR_OK; // it is said at the end
    } else {
        rc = restore_piece(self, job, key, bytes);
    }
    if (rc != ERR_OK) {
        spoil(self, key);
    }
    return rc == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

void
coordinator_restore_damaged(coordinator_t *self, const entry_key_t *key)
{
    spoil(self, key);
}

// It had no plan, or only pieces of one: it is planned from the start.
static void
plan_anew(coordinator_t *self, job_t *job)
{
    for (size_t i = 0; i < job->n_files; i++) {
        plan_file_fini(&job->files[i]);
    }
    job->n_files = job->n_ranges = job->n_shards = 0;
    budgets_weigh_plan(job);
    record_drop_work(self, job);
    job->plan_at = self->settled;
}

static void
go_on(coordinator_t *self, job_t *job)
{
    if (job_is_over(job)) {
        self->stats.jobs_ended++;
        job->end_told = true;
        if (job->leftovers) {
            record_drop_work(self, job);
        }
    } else if (job->ruined_by_size) {
        job_fail(self, job, ERR_TOO_LARGE, EXIT_FAILED,
            "what was counted of it takes more memory than the coordinator "
            "now has for groups (its setting `merge-memory`); submit it "
            "again");
    } else if (job->ruined) {
        job_fail(self, job, ERR_CORRUPT, EXIT_FAILED,
            "the coordinator's journal is damaged at this job; submit it "
            "again");
    } else if (job->state == lt_JobState_JOB_PLANNING) {
        plan_anew(self, job);
    } else {
        job_start(self, job);
    }
}

void
coordinator_restored(coordinator_t *self)
{
    job_t *job, *next;

    budgets_init(self);
    HASH_ITER(hh, self->jobs, job, next)
    {
        go_on(self, job);
    }
}
