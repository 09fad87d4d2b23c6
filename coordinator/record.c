// SPDX-License-Identifier: Apache-2.0
// What a coordinator that comes after this one must know, put into the
// journal. Without a journal all of this does nothing.
#include "coordinator/entries.h"

#include <stdio.h>

static uint64_t
put(coordinator_t *self, uint64_t job, entry_kind_t kind, uint64_t n,
    buf_t *bytes)
{
    const journal_t *journal = &self->config.journal;

    self->put = journal->put(journal->ctx, &(entry_key_t){job, kind, n}, bytes);
    return self->put;
}

void
record_worker(coordinator_t *self, worker_t *worker)
{
    buf_t bytes = {0};

    if (self->config.journal.put != NULL) {
        worker->record =
            worker->record != 0 ? worker->record : ++self->n_recorded;
        entry_put_worker(worker, self->config.wall_ms, &bytes);
        put(self, 0, ENTRY_WORKER, worker->record, &bytes);
    }
}

static bool
is_recorded(const coordinator_t *self, const job_t *job)
{
    return self->config.journal.put != NULL && !job->plan_only;
}

void
record_job(coordinator_t *self, job_t *job)
{
    buf_t bytes = {0};

    if (is_recorded(self, job)) {
        entry_put_job(job, self->config.wall_ms, &bytes);
        job->recorded_by = put(self, job->id, ENTRY_JOB, 0, &bytes);
    }
}

static void
put_pieces(coordinator_t *self, const job_t *job, entry_kind_t kind, size_t n,
    void (*encode)(const job_t *, size_t *, buf_t *))
{
    uint64_t piece = 0;

    for (size_t at = 0; at < n;) {
        buf_t bytes = {0};
        encode(job, &at, &bytes);
        put(self, job->id, kind, piece++, &bytes);
    }
}

void
record_plan(coordinator_t *self, job_t *job)
{
    buf_t bytes = {0};

    if (is_recorded(self, job)) {
        put_pieces(self, job, ENTRY_FILES, job->n_files, entry_put_files);
        put_pieces(self, job, ENTRY_SHARDS, job->n_shards, entry_put_shards);
        entry_put_plan(job, &bytes);
        job->planned_by = put(self, job->id, ENTRY_PLAN, 0, &bytes);
    }
}

void
record_change(coordinator_t *self, job_t *job, const change_t *change)
{
    buf_t bytes = {0};

    if (is_recorded(self, job)) {
        entry_put_change(change, &bytes);
        job->changed_by =
            put(self, job->id, ENTRY_CHANGE, job->n_changes++, &bytes);
    }
}

void
record_commit(
    coordinator_t *self, const job_t *job, uint64_t shard, buf_t *partial)
{
    if (is_recorded(self, job)) {
        put(self, job->id, ENTRY_COMMIT, shard, partial);
    }
}

// END is there before the rest is gone: a crash between the two leaves too
// much, never too little.
void
record_end(coordinator_t *self, job_t *job)
{
    buf_t bytes = {0};

    if (is_recorded(self, job)) {
        entry_put_end(job, self->config.wall_ms, &bytes);
        job->ended_by = put(self, job->id, ENTRY_END, 0, &bytes);
        record_drop_work(self, job);
    }
}

void
record_drop_work(coordinator_t *self, const job_t *job)
{
    if (is_recorded(self, job)) {
        self->config.journal.drop(self->config.journal.ctx, job->id, false);
    }
}

void
record_forget(coordinator_t *self, const job_t *job)
{
    if (is_recorded(self, job)) {
        self->config.journal.drop(self->config.journal.ctx, job->id, true);
    }
}

uint64_t
record_backlog(const coordinator_t *self)
{
    const journal_t *journal = &self->config.journal;

    return journal->put != NULL ? journal->backlog(journal->ctx) : 0;
}
