// SPDX-License-Identifier: Apache-2.0
// Partials to commits. Room is granted before a partial is sent; its chunks
// are staged; it is checked and merged once it is whole. The first of a shard
// wins, whatever its attempt.
#include "coordinator/coordinator_inside.h"

#include "common/base/log.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

static void
send_ack(coordinator_t *self, const worker_t *w, uint64_t job, uint64_t shard,
    uint32_t attempt, lt_Verdict verdict)
{
    lt_ResultAck meta = {job, shard, attempt, verdict};

    // What the worker may forget must not be forgotten here.
    if (w->up) {
        send_frame_after(self, self->put, w->peer, PROTO_RESULT_ACK,
            lt_ResultAck_fields, &meta);
    }
}

// There is no such lease (any more): the worker may forget its partial.
static void
ack_unknown(coordinator_t *self, const worker_t *w, uint64_t job_id,
    uint64_t shard, uint32_t attempt)
{
    const job_t *job = job_find(self, job_id);
    bool done = job != NULL && shard < job->n_shards && job->shards != NULL &&
                job->shards[shard].state == SHARD_DONE;

    if (done) {
        self->stats.duplicates++;
    } else {
        self->stats.stale++;
    }
    send_ack(self, w, job_id, shard, attempt,
        done ? lt_Verdict_VERDICT_DUPLICATE : lt_Verdict_VERDICT_STALE);
}

// What is granted, and what the journal has not written.
static uint64_t
room_taken(const coordinator_t *self)
{
    return self->stats.staging_bytes + record_backlog(self);
}

static void
grant(coordinator_t *self, lease_t *l)
{
    lt_Grant meta = {l->job->id, l->key.shard, (uint32_t)l->key.attempt};
    uint64_t used = room_taken(self);

    // One partial larger than the whole budget may still come, alone.
    if (self->stuck[0] != '\0' ||
        (!l->granted && used > 0 &&
            (used >= self->config.staging_bytes ||
                l->bytes > self->config.staging_bytes - used))) {
        lease_asks(self, l);
        return;
    }
    if (!l->granted) {
        lease_has_room(self, l);
        self->stats.staging_bytes += l->bytes;
    }
    send_frame(self, OUT_CONTROL, l->worker->peer, PROTO_GRANT, lt_Grant_fields,
        &meta, (span_t){0});
}

void
grant_waiting(coordinator_t *self)
{
    lease_t *l, *next;

    self->wants_grant = false;
    DL_FOREACH_SAFE2(self->asking, l, next, next_room)
    {
        uint64_t used = room_taken(self);
        if (self->stuck[0] != '\0' ||
            (used > 0 && used >= self->config.staging_bytes)) {
            return; // not even the smallest has room
        }
        grant(self, l);
    }
}

static void
requeue(coordinator_t *self, lease_t *l, bool counts)
{
    lease_lapse(self, l, counts);
    lease_remove(self, l);
}

// Part of a file whose cuts may be wrong.
static bool
is_guessed(const job_t *job, const plan_shard_t *s)
{
    const plan_file_t *f = &job->files[job->ranges[s->first].file];

    return f->guessed && !f->missing;
}

// One attempt came to nothing.
static void
attempt_failed(coordinator_t *self, lease_t *l, const char *why)
{
    job_t *job = l->job;
    plan_shard_t *s = &job->shards[l->key.shard];
    uint32_t shard = (uint32_t)l->key.shard;
    const worker_t *w = l->worker;

    log_event(LOG_WARN, "attempt-failed", "worker", w->name, "why", why, NULL);
    event_tell(self, LOG_WARN, "attempt-failed", job, w->name, "%s", why);
    s->avoid = w;
    requeue(self, l, s->failures + 1u < LIMIT_ATTEMPTS);
    if (s->state >= SHARD_DONE || ++s->failures < LIMIT_ATTEMPTS) {
        return;
    }
    leases_remove_of(self, job, shard);
    if (s->n > 1) {
        change_split(self, job, shard); // most of it may be sound
    } else if (is_guessed(job, s)) {
        change_whole(self, job, job->ranges[s->first].file, why);
    } else {
        change_lose(self, job, shard, why);
    }
}

void
take_offer(coordinator_t *self, worker_t *worker, const lt_Offer *offer)
{
    lease_t *l =
        lease_find(self, worker, offer->job, offer->shard, offer->attempt);

    if (l != NULL && offer->epoch < l->job->epoch) {
        l = NULL; // of a job of that number in a state folder that was lost
    } else if (l == NULL) {
        l = lease_adopt(self, worker, offer->job, offer->shard, offer->attempt,
            offer->epoch);
    }
    if (l == NULL) {
        ack_unknown(self, worker, offer->job, offer->shard, offer->attempt);
        return;
    }
    if (offer->bytes == 0 || offer->bytes > LIMIT_PARTIAL) {
        self->stats.partials_rejected++;
        send_ack(self, worker, offer->job, offer->shard, offer->attempt,
            lt_Verdict_VERDICT_REJECTED);
        static const char why[] = "it offered a partial of an impossible size";
        if (l->is_check) {
            verify_failed(self, l, why);
        } else {
            attempt_failed(self, l, why);
        }
        return;
    }
    if (l->granted && (l->bytes != offer->bytes ||
                          memcmp(l->hash, offer->hash, sizeof l->hash) != 0)) {
        lease_free_staging(self, l);
    }
    l->adopted = l->adopted || offer->epoch != self->config.epoch;
    lease_offered(self, l);
    lease_revive(self, l);
    l->mentioned = self->now;
    l->bytes = offer->bytes;
    memcpy(l->hash, offer->hash, sizeof l->hash);
    grant(self, l);
}

bool
on_offer(coordinator_t *self, const incoming_t *in)
{
    lt_OfferMessage meta;

    if (frame_meta(in->frame, lt_OfferMessage_fields, &meta) != ERR_OK ||
        !meta.has_offer || in->frame->payload.len > 0) {
        return false;
    }
    worker_t *w = worker_speaking(self, in, meta.incarnation);
    if (w == NULL || !w->up) {
        return false;
    }
    take_offer(self, w, &meta.offer);
    return true;
}

// Both rise by file. A worker could put lines under the names of other hosts'
// files.
static bool
samples_are_of(const totals_t *got)
{
    size_t at = 0;

    for (size_t i = 0; i < got->n_samples; i++) {
        while (
            at < got->n_files && got->files[at].file < got->samples[i].file) {
            at++;
        }
        if (at >= got->n_files || got->files[at].file != got->samples[i].file) {
            return false;
        }
    }
    return true;
}

// Bytes read of each file are those of the shard's ranges, no more and no
// less, and of no other file.
static bool
covers(const job_t *job, const plan_shard_t *s, const totals_t *got)
{
    size_t at = 0;

    for (uint32_t i = 0; i < s->n;) {
        uint32_t file = job->ranges[s->first + i].file;
        uint64_t bytes = 0;
        for (; i < s->n && job->ranges[s->first + i].file == file; i++) {
            const plan_range_t *r = &job->ranges[s->first + i];
            bytes += r->end - r->begin;
        }
        if (at >= got->n_files || got->files[at].file != file ||
            (!job->files[file].stream && got->files[at].bytes != bytes)) {
            return false;
        }
        at++;
    }
    return at == got->n_files && samples_are_of(got);
}

void
sink_count(job_t *job, totals_t *got)
{
    for (size_t i = 0; i < got->n_files; i++) {
        plan_file_t *f = &job->files[got->files[i].file];
        f->bytes += got->files[i].bytes;
        f->lines += got->files[i].lines;
        f->format = got->files[i].format;
        f->read = true;
        job->bytes_streamed += f->stream ? got->files[i].bytes : 0;
    }
    got->n_files = 0; // they are in the job's own list
    totals_merge(&job->totals, got);
    job->rejected = totals_rejected(&job->totals);
}

static void
end_shard(coordinator_t *self, job_t *job, uint32_t shard)
{
    plan_shard_t *s = &job->shards[shard];

    job->bytes_done += s->bytes;
    shard_not_pending(self, job, shard);
    s->state = SHARD_DONE;
    job->n_done++;
    job->news = true;
}

// Whatever is wrong with it: these bytes are not counted.
static errcode_t
check_partial(coordinator_t *self, const job_t *job, uint64_t shard,
    span_t partial, totals_t *got)
{
    const query_t *list[LIMIT_QUERIES];
    const queries_t *tables = job->shared->tables;
    size_t n = tables->n;

    for (size_t i = 0; i < n; i++) {
        list[i] = tables->list[i].query;
    }
    errcode_t rc = partial_check_all(
        partial, (uint32_t)job->n_files, list, n, self->pool, got);

    return rc == ERR_OK && covers(job, &job->shards[shard], got) ? ERR_OK
                                                                 : ERR_CORRUPT;
}

errcode_t
sink_merge(coordinator_t *self, job_t *job, uint64_t shard, span_t partial)
{
    totals_t got = {0};
    plan_shard_t *s = &job->shards[shard];
    errcode_t rc = check_partial(self, job, shard, partial, &got);

    budgets_ask(job);
    if (rc == ERR_OK && whole_is(&job->files[job->ranges[s->first].file])) {
        rc = whole_add(job, (uint32_t)shard, partial, &got);
    } else if (rc == ERR_OK) {
        rc = partial_add_all(partial, job->tallies, job->shared->tables->n);
        if (rc == ERR_OK) {
            sink_count(job, &got);
        }
    }
    if (rc == ERR_OK) {
        end_shard(self, job, (uint32_t)shard);
    }
    totals_fini(&got);
    return rc;
}

static bool
is_as_offered(const lease_t *l)
{
    uint8_t hash[32];

    crypto_generichash(hash, sizeof hash, l->staged.p, l->staged.len, NULL, 0);
    return memcmp(hash, l->hash, sizeof hash) == 0;
}

static errcode_t
merge_staged(coordinator_t *self, const lease_t *l)
{
    return is_as_offered(l)
               ? sink_merge(self, l->job, l->key.shard, buf_span(&l->staged))
               : ERR_CORRUPT;
}

// Of a shard that is committed: compared, not counted.
static void
compare(coordinator_t *self, lease_t *l)
{
    totals_t got = {0};
    errcode_t rc = is_as_offered(l) ? check_partial(self, l->job, l->key.shard,
                                          buf_span(&l->staged), &got)
                                    : ERR_CORRUPT;

    send_ack(self, l->worker, l->job->id, l->key.shard,
        (uint32_t)l->key.attempt,
        rc == ERR_OK ? lt_Verdict_VERDICT_COMMITTED
                     : lt_Verdict_VERDICT_REJECTED);
    if (rc == ERR_OK) {
        verify_compare(self, l);
    } else {
        self->stats.partials_rejected++;
        verify_failed(self, l, "the second partial did not hold together");
    }
    totals_fini(&got);
}

static void
read_whole(coordinator_t *self, lease_t *l, const char *why)
{
    job_t *job = l->job;
    const plan_shard_t *s = &job->shards[l->key.shard];

    requeue(self, l, false);
    change_whole(self, job, job->ranges[s->first].file, why);
}

static void
commit(coordinator_t *self, lease_t *l)
{
    job_t *job = l->job;
    uint64_t shard = l->key.shard;
    uint64_t lines = job->totals.lines, rejected = job->rejected;
    errcode_t rc = merge_staged(self, l);

    if (rc == ERR_OK) {
        verify_counted(
            self, job, (uint32_t)shard, l->worker, buf_span(&l->staged));
        record_commit(self, job, shard, &l->staged);
    }
    send_ack(self, l->worker, job->id, shard, (uint32_t)l->key.attempt,
        rc == ERR_OK     ? lt_Verdict_VERDICT_COMMITTED
        : rc == ERR_BUSY ? lt_Verdict_VERDICT_STALE
                         : lt_Verdict_VERDICT_REJECTED);
    if (rc == ERR_BUSY) {
        read_whole(self, l, "its parts take too much memory");
        return;
    }
    if (rc == ERR_CORRUPT && l->adopted && is_as_offered(l)) {
        // Of the shard as it was before a change of the plan that the
        // coordinator before had not kept yet, or had cancelled it for.
        self->stats.stale++;
        requeue(self, l, false);
        return;
    }
    if (rc == ERR_CORRUPT) {
        self->stats.partials_rejected++;
        attempt_failed(self, l, "its partial did not hold together");
        return;
    }
    if (rc != ERR_OK) {
        job_fail(self, job, rc, EXIT_FAILED, "%s",
            budgets_shut_out(job) ? budgets_sentence
                                  : "the answer has too many groups for the "
                                    "coordinator's memory budget of a job; "
                                    "count by fewer keys");
        return;
    }
    job->n_counted++;
    job->counted_bytes += job->shards[shard].bytes;
    job->counted_ms += self->now - l->lent_at;
    self->stats.commits++;
    self->stats.bytes += job->shards[shard].bytes;
    self->stats.lines += job->totals.lines - lines;
    self->stats.rejected += job->rejected - rejected;
    lease_remove(self, l);
    leases_remove_of(self, job, shard);
    job_check_done(self, job);
}

bool
on_partial(coordinator_t *self, const incoming_t *in)
{
    lt_Partial meta;
    span_t chunk = in->frame->payload;

    if (frame_meta(in->frame, lt_Partial_fields, &meta) != ERR_OK ||
        chunk.len == 0 || chunk.len > LIMIT_CHUNK) {
        return false;
    }
    worker_t *w = worker_speaking(self, in, meta.incarnation);
    if (w == NULL) {
        return false;
    }
    lease_t *l = lease_find(self, w, meta.job, meta.shard, meta.attempt);
    if (l == NULL) {
        if (meta.last) {
            ack_unknown(self, w, meta.job, meta.shard, meta.attempt);
        }
        return true;
    }
    if (!l->granted || meta.total != l->bytes) {
        return false;
    }
    if (meta.offset == 0) {
        buf_clear(&l->staged);
    }
    if (meta.offset != l->staged.len || chunk.len > l->bytes - meta.offset) {
        return false; // a chunk was lost; it will be offered again
    }
    buf_put_span(&l->staged, chunk);
    l->mentioned = self->now;
    if (meta.last && l->staged.len == l->bytes) {
        if (l->is_check) {
            compare(self, l);
        } else {
            commit(self, l);
        }
        grant_waiting(self);
    }
    return true;
}

static bool
ends_the_job(errcode_t rc)
{
    return rc == ERR_QUERY || rc == ERR_FORMAT || rc == ERR_OVERFLOW ||
           rc == ERR_REGEX;
}

// Another attempt at the same file would end the same way.
static bool
is_the_files_fault(errcode_t rc, const place_t *place)
{
    return rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED || rc == ERR_CHANGED ||
           (place->home != NULL && (rc == ERR_NOT_FOUND || rc == ERR_DENIED));
}

static bool
shard_has_file(const job_t *job, const plan_shard_t *s, uint32_t file)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if (job->ranges[s->first + i].file == file) {
            return true;
        }
    }
    return false;
}

static void
drop_file(coordinator_t *self, lease_t *l, uint32_t file, const char *why)
{
    job_t *job = l->job;
    uint32_t shard = (uint32_t)l->key.shard;

    requeue(self, l, false);
    leases_remove_of(self, job, shard); // they would count the file
    change_drop(self, job, shard, file, why);
}

// What was read from or up to a place where no member begins is no word on the
// file, nor on the query: it may have been any bytes.
static bool
may_be_the_cuts(
    const job_t *job, const plan_shard_t *s, const lt_ShardFailed *meta)
{
    bool of_file = meta->error == ERR_CORRUPT || meta->error == ERR_UNSUPPORTED;

    return is_guessed(job, s) &&
           (of_file ? shard_has_file(job, s, meta->file)
                    : ends_the_job((errcode_t)meta->error));
}

static void
take_failure(coordinator_t *self, lease_t *l, const lt_ShardFailed *meta)
{
    job_t *job = l->job;
    const plan_shard_t *s = &job->shards[l->key.shard];
    errcode_t rc = meta->error < ERR_COUNT ? (errcode_t)meta->error : ERR_IO;

    if (rc == ERR_BUSY) {
        // Lent again at once, it would come back as fast as the wire goes.
        l->worker->pause_until = self->now + PAUSE_MS;
        requeue(self, l, false);
    } else if (l->is_check && ends_the_job(rc)) {
        char how[LIMIT_TEXT];
        snprintf(how, sizeof how, "could not: %.900s", meta->text);
        verify_answered(self, l, how);
    } else if (l->is_check) {
        verify_failed(self, l, meta->text);
    } else if (may_be_the_cuts(job, s, meta)) {
        read_whole(self, l, meta->text);
    } else if (ends_the_job(rc)) {
        job_fail(self, job, rc, rc == ERR_FORMAT ? EXIT_NO_FIT : EXIT_FAILED,
            "%s", meta->text);
    } else if (is_the_files_fault(rc, &job->places[s->place]) &&
               shard_has_file(job, s, meta->file)) {
        drop_file(self, l, meta->file, meta->text);
    } else {
        attempt_failed(self, l, meta->text);
    }
}

bool
on_shard_failed(coordinator_t *self, const incoming_t *in)
{
    lt_ShardFailed meta;

    if (frame_meta(in->frame, lt_ShardFailed_fields, &meta) != ERR_OK ||
        in->frame->payload.len > 0) {
        return false;
    }
    worker_t *w = worker_speaking(self, in, meta.incarnation);
    if (w == NULL) {
        return false;
    }
    lease_t *l = lease_find(self, w, meta.job, meta.shard, meta.attempt);
    send_ack(self, w, meta.job, meta.shard, meta.attempt,
        l == NULL ? lt_Verdict_VERDICT_STALE : lt_Verdict_VERDICT_REJECTED);
    if (l != NULL) {
        take_failure(self, l, &meta);
    }
    return true;
}
