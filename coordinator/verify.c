// SPDX-License-Identifier: Apache-2.0
// Checks: a share of a job's shards is counted once more by another worker,
// and what the two counted is compared. The first count is committed at once,
// as ever; the job ends when its checks have.
#include "coordinator/entries.h"

#include "common/base/log.h"
#include "common/base/xalloc.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define MILLION 1000000u

static bool
is_readable_by_several(const job_t *job, uint32_t shard)
{
    return job->places[job->shards[shard].place].home == NULL;
}

// By chance that no worker can foresee: the number of the request is between
// coordinator and client.
static uint64_t
draw(const job_t *job, uint64_t shard)
{
    uint8_t bytes[8], hash[crypto_shorthash_BYTES];
    uint64_t out;

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(shard >> 8 * i);
    }
    crypto_shorthash(hash, bytes, sizeof bytes, job->request);
    memcpy(&out, hash, sizeof out);
    return out;
}

void
verify_choose(job_t *job)
{
    uint32_t least = UINT32_MAX;
    uint64_t least_drawn = UINT64_MAX;
    bool any = false;

    for (uint32_t i = 0; job->verify_ppm > 0 && i < job->n_shards; i++) {
        uint64_t drawn = draw(job, i);
        if (!is_readable_by_several(job, i)) {
            continue;
        }
        job->shards[i].verify = drawn % MILLION < job->verify_ppm;
        any = any || job->shards[i].verify;
        if (drawn <= least_drawn) {
            least = i;
            least_drawn = drawn;
        }
    }
    if (!any && least != UINT32_MAX) {
        job->shards[least].verify = true; // a share of few is one of them
    }
}

static check_t *
find(const job_t *job, uint64_t shard)
{
    uint32_t key = (uint32_t)shard;
    check_t *c;

    HASH_FIND(hh, job->checks, &key, sizeof key, c);
    return c;
}

static check_t *
find_or_add(job_t *job, uint32_t shard)
{
    check_t *c = find(job, shard);

    if (c == NULL) {
        c = xcalloc(1, sizeof *c);
        c->shard = shard;
        budget_add(&job->plan, sizeof *c);
        HASH_ADD(hh, job->checks, shard, sizeof c->shard, c);
    }
    return c;
}

static void
wait_for_worker(coordinator_t *self, job_t *job, check_t *c)
{
    c->state = CHECK_WAITING;
    c->since = self->now;
    DL_APPEND(job->waiting, c);
    self->n_waiting++;
    self->fresh = true;
}

static void
leave_state(coordinator_t *self, job_t *job, check_t *c)
{
    if (c->state == CHECK_WAITING) {
        DL_DELETE(job->waiting, c);
        self->n_waiting--;
    }
    job->n_checks_open -= c->state == CHECK_WAITING || c->state == CHECK_LENT;
}

static void
record(coordinator_t *self, job_t *job, change_kind_t kind, const check_t *c,
    uint32_t other, const char *why)
{
    change_t change = {.kind = kind, .shard = c->shard, .other = other};

    snprintf(change.why, sizeof change.why, "%s", why);
    record_change(self, job, &change);
}

// It was counted, and perhaps checked, before its commit was lost.
static void
begin_again(coordinator_t *self, job_t *job, check_t *c, const worker_t *by)
{
    leave_state(self, job, c);
    if (c->state >= CHECK_EQUAL) {
        job->n_checked[c->state]--;
    }
    c->state = CHECK_NONE;
    c->by = by;
}

void
verify_counted(coordinator_t *self, job_t *job, uint32_t shard,
    const worker_t *by, span_t partial)
{
    if (!job->shards[shard].verify) {
        return;
    }
    check_t *c = find_or_add(job, shard);
    partial_digest(partial, c->digest);
    begin_again(self, job, c, by);
    record(self, job, CHANGE_COUNTED, c, 0, by->name);
    job->n_checks_open++;
    wait_for_worker(self, job, c);
}

// The commit of a job before: who counted was said before it.
void
verify_restored(coordinator_t *self, job_t *job, uint32_t shard, span_t partial)
{
    check_t *c = find(job, shard);

    if (c == NULL || c->state != CHECK_NONE || c->by == NULL) {
        return;
    }
    partial_digest(partial, c->digest);
    job->n_checks_open++;
    wait_for_worker(self, job, c);
}

static void
name_difference(job_t *job, const check_t *c, const char *text)
{
    const plan_shard_t *s = &job->shards[c->shard];
    const plan_range_t *r = &job->ranges[s->first];
    char more[40] = "";

    if (s->n > 1) {
        snprintf(more, sizeof more, " and %u more", s->n - 1);
    }
    job_missing(job, "%s:%s: bytes %llu to %llu%s: %s",
        job->places[s->place].host, job->files[r->file].path,
        (unsigned long long)r->begin, (unsigned long long)r->end, more, text);
}

static void
settle(coordinator_t *self, job_t *job, check_t *c, check_state_t state,
    const char *why)
{
    leave_state(self, job, c);
    c->state = state;
    if (state == CHECK_DIFFERS) {
        name_difference(job, c, why);
    }
    if (state == CHECK_GIVEN_UP) {
        snprintf(job->unchecked, sizeof job->unchecked, "%s", why);
    }
    job->n_checked[state]++;
    job->news = true;
}

static void
finish(coordinator_t *self, job_t *job, check_t *c, check_state_t state,
    const char *why)
{
    record(self, job, CHANGE_CHECKED, c, state, why);
    settle(self, job, c, state, why);
    self->stats.checks++;
}

static void
differs(coordinator_t *self, job_t *job, check_t *c, const worker_t *other,
    const char *how)
{
    char text[LIMIT_TEXT], id[24];

    snprintf(text, sizeof text, "%s counted it, and %s %.600s", c->by->name,
        other->name, how);
    snprintf(id, sizeof id, "%llu", (unsigned long long)job->id);
    self->stats.checks_differ++;
    finish(self, job, c, CHECK_DIFFERS, text);
    log_event(LOG_ERROR, "counts-differ", "job", id, "first", c->by->name,
        "second", other->name, "text", text, NULL);
    event_tell(self, LOG_ERROR, "counts-differ", job, other->name, "%s", text);
}

bool
verify_lend(coordinator_t *self, worker_t *w)
{
    job_t *job, *next;
    check_t *c;

    if (self->n_waiting == 0) {
        return false;
    }
    HASH_ITER(hh, self->jobs, job, next)
    {
        DL_FOREACH(job->waiting, c)
        {
            if (c->by != w && (c->avoid != w || self->now >= c->again)) {
                DL_DELETE(job->waiting, c);
                self->n_waiting--;
                c->state = CHECK_LENT;
                lease_lend_check(self, w, job, c->shard);
                return true;
            }
        }
    }
    return false;
}

void
verify_lapsed(coordinator_t *self, const lease_t *l)
{
    check_t *c = find(l->job, l->key.shard);

    if (c != NULL && c->state == CHECK_LENT) {
        c->avoid = l->worker; // another first, if there is one
        c->again = self->now + GRACE_MS;
        wait_for_worker(self, l->job, c);
    }
}

void
verify_failed(coordinator_t *self, lease_t *l, const char *why)
{
    job_t *job = l->job;
    check_t *c = find(job, l->key.shard);

    lease_lapse(self, l, false);
    lease_remove(self, l);
    if (c != NULL && c->state == CHECK_WAITING &&
        ++c->failures >= LIMIT_ATTEMPTS) {
        finish(self, job, c, CHECK_GIVEN_UP, why);
        job_check_done(self, job);
    }
}

void
verify_answered(coordinator_t *self, lease_t *l, const char *how)
{
    job_t *job = l->job;
    check_t *c = find(job, l->key.shard);
    const worker_t *w = l->worker;

    lease_remove(self, l);
    if (c == NULL || (c->state != CHECK_LENT && c->state != CHECK_WAITING)) {
        return; // a late one; another has answered
    }
    differs(self, job, c, w, how);
    job_check_done(self, job);
}

void
verify_compare(coordinator_t *self, lease_t *l)
{
    check_t *c = find(l->job, l->key.shard);
    uint8_t digest[PARTIAL_DIGEST];
    job_t *job = l->job;

    partial_digest(buf_span(&l->staged), digest);
    if (c == NULL || memcmp(c->digest, digest, sizeof digest) != 0) {
        verify_answered(self, l, "counted something else");
        return;
    }
    lease_remove(self, l);
    if (c->state == CHECK_LENT || c->state == CHECK_WAITING) {
        finish(self, job, c, CHECK_EQUAL, "");
        job_check_done(self, job);
    }
}

// Nobody waits for a second worker that may never come.
void
verify_tick(coordinator_t *self, job_t *job)
{
    check_t *c, *next;

    if (job->n_done < job->n_shards) {
        return;
    }
    DL_FOREACH_SAFE(job->waiting, c, next)
    {
        self->fresh = self->fresh || self->now >= c->again;
        if (self->now - c->since >= GRACE_MS &&
            self->n_up <= (c->by->up ? 1u : 0u)) {
            finish(self, job, c, CHECK_GIVEN_UP, "no other worker is there");
        }
    }
    job_check_done(self, job);
}

void
verify_give_up(coordinator_t *self, job_t *job)
{
    check_t *c, *next;

    HASH_ITER(hh, job->checks, c, next)
    {
        if (c->state == CHECK_WAITING || c->state == CHECK_LENT) {
            finish(self, job, c, CHECK_GIVEN_UP, "the deadline passed");
        }
    }
}

errcode_t
verify_again(coordinator_t *self, job_t *job, const change_t *change)
{
    if (change->kind == CHANGE_COUNTED) {
        if (!host_name_is_sound(change->why)) {
            return ERR_MALFORMED;
        }
        begin_again(self, job, find_or_add(job, change->shard),
            worker_named(self, change->why));
        return ERR_OK;
    }
    check_t *c = find(job, change->shard);
    if (c == NULL || c->state != CHECK_NONE || change->other < CHECK_EQUAL ||
        change->other >= CHECK_STATES) {
        return ERR_MALFORMED;
    }
    settle(self, job, c, (check_state_t)change->other, change->why);
    return ERR_OK;
}

// One that differed was named, and stays so.
void
verify_void(coordinator_t *self, job_t *job, uint32_t shard)
{
    check_t *c = find(job, shard);

    job->shards[shard].verify = false;
    if (c == NULL || c->state == CHECK_DIFFERS) {
        return;
    }
    leave_state(self, job, c);
    if (c->state >= CHECK_EQUAL) {
        job->n_checked[c->state]--;
    }
    HASH_DEL(job->checks, c);
    free(c);
}

static uint64_t
sum_of(const job_t *job)
{
    return job->n_checked[CHECK_EQUAL] + job->n_checked[CHECK_DIFFERS];
}

void
verify_note(const job_t *job, receipt_t *receipt)
{
    char text[LIMIT_TEXT];
    uint64_t given_up = job->n_checked[CHECK_GIVEN_UP];

    if (job->verify_ppm == 0) {
        return;
    }
    snprintf(text, sizeof text,
        "%llu of %llu shards were counted by a second worker too: %llu %s",
        (unsigned long long)sum_of(job), (unsigned long long)job_shards(job),
        (unsigned long long)(job->n_checked[CHECK_DIFFERS] > 0
                                 ? job->n_checked[CHECK_DIFFERS]
                                 : sum_of(job)),
        job->n_checked[CHECK_DIFFERS] > 0 ? "differ" : "equal");
    receipt_add_note(receipt, text);
    if (given_up > 0) {
        snprintf(text, sizeof text,
            "%llu that should have been could not be: %.800s",
            (unsigned long long)given_up, job->unchecked);
        receipt_add_note(receipt, text);
    }
}

void
verify_free(coordinator_t *self, job_t *job)
{
    check_t *c, *next;

    HASH_ITER(hh, job->checks, c, next)
    {
        self->n_waiting -= c->state == CHECK_WAITING;
        HASH_DEL(job->checks, c);
        free(c);
    }
    job->waiting = NULL;
    job->n_checks_open = 0;
}
