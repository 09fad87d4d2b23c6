// SPDX-License-Identifier: Apache-2.0
// A shard that was lent: to whom, until when, and what becomes of it.
#include "coordinator/coordinator_inside.h"

#include "common/base/xalloc.h"
#include "common/wire/credit.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define RECALLED_ATTEMPTS 1000u // of one shard, lent by a coordinator before
#define LAPSED_KEPT       8u    // of one shard, in case they come late

// What a SHARD is made in: 38 KB that would have to be emptied for each.
struct shard_text {
    lt_Shard meta;
    lt_Range range;
    buf_t ranges;
};

// As snprintf with "%s", which takes longer than the rest of the record.
static void
put_text(char *to, size_t size, const char *text)
{
    size_t len = strnlen(text, size - 1);

    memcpy(to, text, len);
    to[len] = '\0';
}

// Every field is said, so that what the record was before does not matter.
static void
put_range(const job_t *job, const plan_range_t *r, lt_Range *rec, buf_t *out)
{
    const plan_file_t *f = &job->files[r->file];

    rec->file_index = r->file;
    rec->has_file = true;
    put_text(rec->file.path, sizeof rec->file.path, f->path);
    rec->file.device = f->device;
    rec->file.inode = f->inode;
    rec->file.size = f->size;
    rec->file.mtime_ns = f->mtime_ns;
    memcpy(rec->file.hash, f->hash, sizeof f->hash);
    rec->file.compression = (lt_Compression)f->compression;
    rec->begin = r->begin;
    rec->end = r->end;
    put_text(rec->host, sizeof rec->host, job->places[f->place].host);
    rec->shared = job->sources[f->source].from == FROM_SHARED;
    rec->stream = f->stream;
    rec->guessed = f->guessed;
    record_put(out, lt_Range_fields, rec);
}

static void
fill_shard(const lease_t *l, lt_Shard *meta)
{
    const job_t *job = l->job;

    meta->incarnation = l->incarnation;
    meta->job = job->id;
    meta->shard = l->key.shard;
    meta->attempt = (uint32_t)l->key.attempt;
    meta->n_ranges = job->shards[l->key.shard].n;
    meta->n_files_in_job = (uint32_t)job->n_files;
    meta->validate = job->validate;
    put_text(meta->query, sizeof meta->query, job->shared->tables->canonical);
    put_text(meta->format, sizeof meta->format, job->format);
}

static void
send_shard(coordinator_t *self, const lease_t *l)
{
    const job_t *job = l->job;
    const plan_shard_t *s = &job->shards[l->key.shard];
    struct shard_text *text = self->shard_text;

    if (text == NULL) {
        text = self->shard_text = xcalloc(1, sizeof *text);
    }
    buf_clear(&text->ranges);
    for (uint32_t i = 0; i < s->n; i++) {
        put_range(job, &job->ranges[s->first + i], &text->range, &text->ranges);
    }
    fill_shard(l, &text->meta);
    send_frame(self, OUT_INTAKE, l->worker->lane, PROTO_SHARD, lt_Shard_fields,
        &text->meta, buf_span(&text->ranges));
}

void
leases_free(coordinator_t *self)
{
    if (self->shard_text != NULL) {
        buf_fini(&self->shard_text->ranges);
        free(self->shard_text);
    }
}

static void
begin_counting(lease_t *l)
{
    l->worker->n_counting++;
    l->worker->credit_counting += l->credit;
}

static void
end_counting(lease_t *l)
{
    l->worker->n_counting--;
    l->worker->credit_counting -= l->credit;
}

static void
activate(lease_t *l)
{
    worker_t *w = l->worker;

    l->active = true;
    DL_APPEND(w->leases, l);
    w->n_active++;
    w->credit_active += l->credit;
    if (!l->offered) {
        begin_counting(l);
    }
    if (!l->is_check) {
        l->job->shards[l->key.shard].state = SHARD_LEASED;
    }
    l->job->shards[l->key.shard].n_active++;
}

static void
ask_no_more(coordinator_t *self, lease_t *l)
{
    if (l->asks) {
        l->asks = false;
        DL_DELETE2(self->asking, l, prev_room, next_room);
    }
}

void
lease_asks(coordinator_t *self, lease_t *l)
{
    if (!l->asks && !l->granted && l->active) {
        l->asks = true;
        DL_APPEND2(self->asking, l, prev_room, next_room);
    }
}

void
lease_has_room(coordinator_t *self, lease_t *l)
{
    ask_no_more(self, l);
    l->granted = true;
    DL_APPEND2(l->worker->granted, l, prev_room, next_room);
}

static void
deactivate(coordinator_t *self, lease_t *l)
{
    if (l->active) {
        l->active = false;
        ask_no_more(self, l);
        DL_DELETE(l->worker->leases, l);
        l->worker->n_active--;
        l->worker->credit_active -= l->credit;
        l->job->shards[l->key.shard].n_active--;
        if (!l->offered) {
            end_counting(l);
        }
        lend_to(self, l->worker);
    }
}

static uint32_t
credit_of_shard(const job_t *job, uint64_t shard)
{
    const plan_shard_t *s = &job->shards[shard];
    uint32_t credit = 0;

    for (uint32_t i = 0; i < s->n; i++) {
        const plan_range_t *r = &job->ranges[s->first + i];
        const plan_file_t *f = &job->files[r->file];
        bool plain =
            !f->stream && f->compression == lt_Compression_COMPRESSION_NONE;
        credit = credit_add(credit, credit_of(r->end - r->begin, plain));
    }
    return credit;
}

static lease_t *
lease_new(const coordinator_t *self, worker_t *w, job_t *job, uint64_t shard,
    uint32_t attempt)
{
    lease_t *l = xcalloc(1, sizeof *l);

    l->key.shard = shard;
    l->key.attempt = attempt;
    l->job = job;
    l->worker = w;
    l->incarnation = w->incarnation;
    l->lent_at = self->now;
    l->credit = credit_of_shard(job, shard);
    HASH_ADD(hh, job->leases, key, sizeof l->key, l);
    return l;
}

static void
lend(coordinator_t *self, worker_t *w, job_t *job, uint32_t shard, bool check)
{
    lease_t *l = lease_new(self, w, job, shard, ++job->shards[shard].attempts);

    l->is_check = check;
    l->mentioned = -self->now - 1; // negative: lent at, not mentioned yet
    activate(l);
    self->stats.leases++;
    send_shard(self, l);
}

void
lease_lend(coordinator_t *self, worker_t *w, job_t *job, uint32_t shard)
{
    lend(self, w, job, shard, false);
}

void
lease_lend_check(coordinator_t *self, worker_t *w, job_t *job, uint32_t shard)
{
    lend(self, w, job, shard, true);
}

void
lease_free_staging(coordinator_t *self, lease_t *l)
{
    if (l->granted) {
        self->stats.staging_bytes -= l->bytes;
        self->wants_grant = true;
        l->granted = false;
        DL_DELETE2(l->worker->granted, l, prev_room, next_room);
    }
    buf_fini(&l->staged);
}

// What comes of a lapsed one late still counts, of the last few: a worker could
// take shards and never mention them.
static void
forget_older(coordinator_t *self, const lease_t *l)
{
    struct lease_key key = {l->key.shard, l->key.attempt - LAPSED_KEPT};
    lease_t *old = NULL;

    if (l->key.attempt > LAPSED_KEPT) {
        HASH_FIND(hh, l->job->leases, &key, sizeof key, old);
    }
    if (old != NULL && !old->active) {
        lease_remove(self, old);
    }
}

void
lease_lapse(coordinator_t *self, lease_t *l, bool counts)
{
    job_t *job = l->job;
    plan_shard_t *s = &job->shards[l->key.shard];

    if (!l->active) {
        return;
    }
    deactivate(self, l);
    lease_free_staging(self, l);
    forget_older(self, l);
    if (l->is_check) {
        verify_lapsed(self, l);
    }
    // A copy that goes on was counted as a retry when it was lent.
    if (s->state == SHARD_LEASED && s->n_active == 0) {
        job->retried += counts;
        job->news = true;
        queue_shard(self, job, (uint32_t)l->key.shard);
    }
}

// Its staging is freed even where a lease had lapsed before.
void
leases_worker_lost(coordinator_t *self, worker_t *worker)
{
    while (worker->leases != NULL) {
        lease_lapse(self, worker->leases, true);
    }
    while (worker->granted != NULL) {
        lease_free_staging(self, worker->granted);
    }
    self->fresh = true; // what another failed may be for who is alone now
}

void
lease_remove(coordinator_t *self, lease_t *l)
{
    deactivate(self, l);
    lease_free_staging(self, l);
    HASH_DEL(l->job->leases, l);
    free(l);
}

// Whoever else was lent the shard need not go on.
void
leases_remove_of(coordinator_t *self, job_t *job, uint64_t shard)
{
    uint32_t n = job->shards[shard].attempts;

    for (struct lease_key key = {shard, 1}; key.attempt <= n; key.attempt++) {
        lease_t *l;
        HASH_FIND(hh, job->leases, &key, sizeof key, l);
        if (l == NULL) {
            continue;
        }
        if (l->worker->up && l->worker->incarnation == l->incarnation) {
            send_cancel(self, l->worker, job->id, shard);
        }
        lease_remove(self, l);
    }
}

void
lease_offered(coordinator_t *self, lease_t *l)
{
    watch_progress(self, l, l->job->shards[l->key.shard].bytes);
    if (l->active && !l->offered) {
        end_counting(l);
        lend_to(self, l->worker);
    }
    l->offered = true;
}

lease_t *
lease_find(coordinator_t *self, const worker_t *worker, uint64_t job_id,
    uint64_t shard, uint32_t attempt)
{
    struct lease_key key = {shard, attempt};
    job_t *job = job_find(self, job_id);
    lease_t *l = NULL;

    if (job != NULL) {
        HASH_FIND(hh, job->leases, &key, sizeof key, l);
    }
    return l != NULL && l->worker == worker &&
                   l->incarnation == worker->incarnation
               ? l
               : NULL;
}

// Only one that can read the shard, with an attempt of this job's own time: a
// job of the same number in a state folder that was lost is another job.
static bool
may_adopt(const coordinator_t *self, const worker_t *worker, const job_t *job,
    uint64_t shard, uint32_t attempt, uint64_t epoch)
{
    if (job == NULL || !job->restored || !job->started || job_is_over(job) ||
        shard >= job->n_shards || attempt == 0 || attempt > RECALLED_ATTEMPTS ||
        epoch < job->epoch || epoch >= self->config.epoch) {
        return false;
    }
    const plan_shard_t *s = &job->shards[shard];
    const worker_t *home = job->places[s->place].home;
    return s->state < SHARD_DONE && (home == NULL || home == worker);
}

lease_t *
lease_adopt(coordinator_t *self, worker_t *worker, uint64_t job_id,
    uint64_t shard, uint32_t attempt, uint64_t epoch)
{
    struct lease_key key = {shard, attempt};
    job_t *job = job_find(self, job_id);
    lease_t *l = NULL;

    if (!may_adopt(self, worker, job, shard, attempt, epoch)) {
        return NULL;
    }
    HASH_FIND(hh, job->leases, &key, sizeof key, l);
    if (l != NULL) {
        return NULL; // lent to another by this coordinator
    }
    if (job->shards[shard].attempts < attempt) {
        job->shards[shard].attempts = attempt;
    }
    self->stats.adopted++;
    l = lease_new(self, worker, job, shard, attempt);
    l->adopted = true;
    return l;
}

void
send_cancel(coordinator_t *self, worker_t *worker, uint64_t job, uint64_t shard)
{
    lt_CancelShard meta = {
        .incarnation = worker->incarnation, .job = job, .shard = shard};

    if (worker->lane != 0) {
        send_frame(self, OUT_INTAKE, worker->lane, PROTO_CANCEL_SHARD,
            lt_CancelShard_fields, &meta, (span_t){0});
    }
}

void
lease_revive(coordinator_t *self, lease_t *l)
{
    uint32_t shard = (uint32_t)l->key.shard;

    if (!l->active && l->job->shards[shard].state == SHARD_PENDING) {
        shard_not_pending(self, l->job, shard); // its entry will be skipped
        activate(l);
    }
}

void
lease_held(coordinator_t *self, worker_t *worker, const lt_Held *held)
{
    lease_t *l =
        lease_find(self, worker, held->job, held->shard, held->attempt);

    if (l != NULL && held->epoch < l->job->epoch) {
        return; // of another job of that number; its partial will be stale
    }
    if (l == NULL) {
        l = lease_adopt(
            self, worker, held->job, held->shard, held->attempt, held->epoch);
    }
    if (l == NULL) {
        send_cancel(self, worker, held->job, held->shard);
        return;
    }
    l->mentioned = self->now;
    watch_progress(self, l, held->bytes_done);
    if (l->bytes_done != held->bytes_done || l->running != held->running) {
        l->bytes_done = held->bytes_done;
        l->running = held->running;
        l->job->news = true;
    }
    lease_revive(self, l);
}

// Room was granted to an attempt that is no longer lent (it may still have
// won), and its worker does not use it: it may hold a later attempt instead.
static void
take_back_grants(coordinator_t *self)
{
    worker_t *w, *next_worker;
    lease_t *l, *next;

    HASH_ITER(by_name, self->workers, w, next_worker)
    {
        DL_FOREACH_SAFE2(w->granted, l, next, next_room)
        {
            if (!l->active && self->now - l->mentioned >= LEASE_MS) {
                lease_free_staging(self, l);
            }
        }
    }
}

static int64_t
mentioned_at(const lease_t *l)
{
    return l->mentioned < 0 ? -l->mentioned - 1 : l->mentioned;
}

// None expires before the oldest of the last look would, or one that was lent
// since: that many leases are not looked at in every turn.
static void
expire(coordinator_t *self)
{
    int64_t oldest = self->now;
    worker_t *w, *next_worker;

    if (self->now < self->expire_at || self->config.local_host != NULL) {
        return;
    }
    HASH_ITER(by_name, self->workers, w, next_worker)
    {
        for (lease_t *l = w->leases, *next; l != NULL; l = next) {
            int64_t since = mentioned_at(l);
            next = l->next;
            if (self->now - since >= LEASE_MS) {
                self->stats.leases_expired++;
                lease_lapse(self, l, true);
            } else if (since < oldest) {
                oldest = since;
            }
        }
    }
    self->expire_at = oldest + LEASE_MS;
}

void
leases_tick(coordinator_t *self)
{
    worker_t *w, *next;

    expire(self);
    HASH_ITER(by_name, self->workers, w, next)
    {
        if (w->pause_until != 0 && self->now >= w->pause_until) {
            w->pause_until = 0;
            lend_to(self, w);
        }
    }
    if (self->stats.staging_bytes > 0 && self->now >= self->sweep_at) {
        self->sweep_at = self->now + HEARTBEAT_MS;
        take_back_grants(self);
    }
    if (self->wants_grant) {
        grant_waiting(self);
    }
}
