// SPDX-License-Identifier: Apache-2.0
// The life of a job: planning, running, and one of the four ends. What an
// ended job needs no longer is freed at once.
#include "coordinator/coordinator_inside.h"

#include "common/base/log.h"
#include "common/base/xalloc.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MS 1000 // of a result that could not be written

static void
forget(coordinator_t *self, job_t *job)
{
    if (job->result_bytes > 0 && self->config.store.remove != NULL) {
        self->config.store.remove(self->config.store.ctx, job->id);
    }
    record_forget(self, job);
    job_destroy(self, job);
}

// Makes room by forgetting the job that ended first; its result stays.
static void
forget_one(coordinator_t *self)
{
    job_t *job, *next, *oldest = NULL;

    HASH_ITER(hh, self->jobs, job, next)
    {
        if (job_is_over(job) &&
            (oldest == NULL || job->ended < oldest->ended)) {
            oldest = job;
        }
    }
    if (oldest != NULL) {
        record_forget(self, oldest);
        job_destroy(self, oldest);
    }
}

// NULL when as many jobs as can be are alive.
job_t *
job_add(coordinator_t *self, uint64_t id)
{
    if (HASH_COUNT(self->jobs) >= LIMIT_JOBS) {
        forget_one(self);
    }
    if (HASH_COUNT(self->jobs) >= LIMIT_JOBS) {
        return NULL;
    }
    job_t *job = xcalloc(1, sizeof *job);
    job->id = id;
    job->told = self->now;
    budgets_job(self, job);
    HASH_ADD(hh, self->jobs, id, sizeof job->id, job);
    self->next_job = id >= self->next_job ? id + 1 : self->next_job;
    self->stats.next_job = self->next_job;
    return job;
}

job_t *
job_new(coordinator_t *self, const char *owner)
{
    job_t *job = job_add(self, self->next_job);

    if (job != NULL) {
        snprintf(job->owner, sizeof job->owner, "%s", owner);
        job->epoch = self->config.epoch;
        job->submitted = self->now;
        self->stats.jobs++;
    }
    return job;
}

job_t *
job_find(coordinator_t *self, uint64_t id)
{
    job_t *job;

    HASH_FIND(hh, self->jobs, &id, sizeof id, job);
    return job;
}

bool
job_is_over(const job_t *job)
{
    return job->state > lt_JobState_JOB_RUNNING;
}

size_t
job_shards(const job_t *job)
{
    return job->n_shards - job->n_void;
}

size_t
job_shards_done(const job_t *job)
{
    return job->n_done - job->n_void;
}

static void
free_receipt(receipt_t *receipt)
{
    for (size_t i = 0; i < receipt->n_missing; i++) {
        free(receipt->missing[i]);
    }
    for (size_t i = 0; i < receipt->n_notes; i++) {
        free(receipt->notes[i]);
    }
    free(receipt->missing);
    free(receipt->notes);
    *receipt = (receipt_t){0};
}

// Everything but what STATUS tells.
void
job_free_work(coordinator_t *self, job_t *job)
{
    lease_t *l, *next;

    HASH_ITER(hh, job->leases, l, next)
    {
        lease_remove(self, l);
    }
    for (size_t i = 0; i < job->n_sources; i++) {
        free(job->sources[i].text);
        free(job->sources[i].why);
    }
    // n_files stays for STATUS, so this may be the second time.
    for (size_t i = 0; job->files != NULL && i < job->n_files; i++) {
        whole_free(job, &job->files[i]);
        plan_file_fini(&job->files[i]);
    }
    places_free(self, job);
    free(job->sources);
    free(job->listings);
    free(job->files);
    free(job->ranges);
    free(job->shards);
    free(job->split);
    job->sources = NULL;
    job->listings = NULL;
    job->files = NULL;
    job->ranges = NULL;
    job->shards = NULL;
    job->split = NULL;
    job->n_split = 0;
    verify_free(self, job);
    standing_free(job);
    job->n_sources = job->n_listings = job->n_ranges = 0;
    for (size_t i = 0; job->tallies != NULL && i < job->shared->tables->n;
         i++) {
        tallies_destroy(&job->tallies[i]);
    }
    free(job->tallies);
    job->tallies = NULL;
    budgets_free(job);
    totals_fini(&job->totals);
    shared_destroy(&job->shared);
    queries_destroy(&job->queries);
    free_receipt(&job->heard_of);
}

void
job_destroy(coordinator_t *self, job_t *job)
{
    job_free_work(self, job);
    HASH_DEL(self->jobs, job);
    free(job->followers);
    free(job->canonical);
    free(job->format);
    free(job);
}

void
job_missing(job_t *job, const char *fmt, ...)
{
    char text[LIMIT_TEXT];
    va_list ap;

    if (job->heard_of.n_missing >= MISSING_MAX) {
        job->more_missing++;
        return;
    }
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    receipt_add_missing(&job->heard_of, text);
}

static void
cancel_leases(coordinator_t *self, const job_t *job)
{
    worker_t *w, *next;

    HASH_ITER(by_name, self->workers, w, next)
    {
        for (const lease_t *l = w->leases; l != NULL; l = l->next) {
            if (l->job == job) {
                send_cancel(self, w, job->id, ALL_SHARDS);
                break;
            }
        }
    }
}

const char *
job_state_text(lt_JobState state)
{
    static const char *const names[] = {
        [lt_JobState_JOB_PLANNING] = "planning",
        [lt_JobState_JOB_RUNNING] = "running",
        [lt_JobState_JOB_DONE] = "done",
        [lt_JobState_JOB_PARTIAL] = "partial",
        [lt_JobState_JOB_FAILED] = "failed",
        [lt_JobState_JOB_CANCELLED] = "cancelled",
    };

    return names[state];
}

static void
end(coordinator_t *self, job_t *job, lt_JobState state, unsigned exit)
{
    char id[24];

    cancel_leases(self, job);
    job->state = state;
    job->exit = exit;
    job->ended = self->now;
    job->plan_at = 0;
    job->hosts = job->n_places;
    job->n_shards = job_shards(job);
    job->n_done = job_shards_done(job);
    job->n_void = 0;
    self->stats.jobs_ended++;
    record_end(self, job);
    job_free_work(self, job);
    snprintf(id, sizeof id, "%llu", (unsigned long long)job->id);
    log_event(LOG_INFO, "job-ended", "job", id, "state", job_state_text(state),
        "text", job->text, NULL);
    event_tell_job(self, job);
    update_followers(self, job);
    job->n_followers = 0;
}

void
job_fail(coordinator_t *self, job_t *job, errcode_t rc, unsigned exit,
    const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(job->text, sizeof job->text, fmt, ap);
    va_end(ap);
    job->error = rc;
    end(self, job, lt_JobState_JOB_FAILED, exit);
}

void
job_cancel(coordinator_t *self, job_t *job)
{
    snprintf(job->text, sizeof job->text, "cancelled");
    job->error = ERR_CANCELLED;
    end(self, job, lt_JobState_JOB_CANCELLED, EXIT_INTERRUPTED);
}

errcode_t
job_prepare(coordinator_t *self, job_t *job)
{
    const queries_t *tables = job->shared->tables;
    size_t n = tables->n;
    errcode_t rc = ERR_OK;

    job->state = lt_JobState_JOB_RUNNING;
    budgets_ask(job);
    job->tallies = xcalloc(n, sizeof(tallies_t *));
    for (size_t i = 0; i < n; i++) {
        job->tallies[i] = tallies_new_sharing(
            tables->list[i].query, &job->merge_budget, self->pool);
    }
    // Without keys there is one row, also when there is nothing to read.
    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        agg_state_t *states;
        if (tables->list[i].query->n_keys == 0) {
            rc = tallies_group(job->tallies[i], (span_t){0}, &states);
        }
    }
    return rc;
}

void
job_start(coordinator_t *self, job_t *job)
{
    job->started = true;
    for (size_t i = 0; i < job->n_shards; i++) {
        if (job->shards[i].state == SHARD_PENDING) {
            queue_shard(self, job, (uint32_t)i);
        }
    }
    job_check_done(self, job);
}

// No shard is lent before the plan is durable: whatever a worker counts has a
// meaning to the coordinator after this one.
void
job_run(coordinator_t *self, job_t *job)
{
    job->news = true;
    if (job_prepare(self, job) != ERR_OK) {
        job_fail(self, job, ERR_TOO_LARGE, EXIT_FAILED, "%s",
            budgets_shut_out(job) ? budgets_sentence
                                  : "the memory budget of a job is too small");
        return;
    }
    verify_choose(job);
    record_plan(self, job);
    if (job->planned_by <= self->durable) {
        job_start(self, job);
    }
}

void
job_file_lost(coordinator_t *self, job_t *job, uint32_t file, const char *why)
{
    plan_file_t *f = &job->files[file];
    const char *host = job->places[f->place].host;

    if (f->missing) {
        return;
    }
    f->missing = true;
    if (self->config.local_host != NULL) {
        job_missing(job, "%s%s%s", strstr(why, f->path) ? "" : f->path,
            strstr(why, f->path) ? "" : ": ", why);
    } else {
        job_missing(job, "%s:%s: %s", host, f->path, why);
    }
}

// Of a file in several shards, this part of it; of an archive, all of it.
static void
range_lost(
    coordinator_t *self, job_t *job, const plan_range_t *r, const char *why)
{
    const plan_file_t *f = &job->files[r->file];
    bool local = self->config.local_host != NULL;

    if (f->n_shards <= 1 || whole_is(f)) {
        job_file_lost(self, job, r->file, why);
    } else if (!f->missing) {
        job_missing(job, "%s%s%s: bytes %llu to %llu: %s",
            local ? "" : job->places[f->place].host, local ? "" : ":", f->path,
            (unsigned long long)r->begin, (unsigned long long)r->end, why);
    }
}

void
job_lose(coordinator_t *self, job_t *job, uint32_t shard, const char *why)
{
    plan_shard_t *s = &job->shards[shard];

    if (s->state >= SHARD_DONE) {
        return; // it would end the job before another shard has
    }
    shard_not_pending(self, job, shard);
    s->state = SHARD_LOST;
    job->n_done++;
    job->news = true;
    for (uint32_t i = 0; i < s->n; i++) {
        range_lost(self, job, &job->ranges[s->first + i], why);
    }
    if (whole_is(&job->files[job->ranges[s->first].file])) {
        whole_lose(self, job, job->ranges[s->first].file);
    }
}

static void
fail_result(coordinator_t *self, job_t *job, errcode_t rc)
{
    if (rc == ERR_OVERFLOW) {
        job_fail(self, job, rc, EXIT_FAILED,
            "a number of the answer does not fit 128 bits");
    } else if (rc == ERR_TOO_LARGE) {
        job_fail(self, job, rc, EXIT_FAILED,
            "the answer is larger than %u MiB; cut it with 'head'",
            LIMIT_RESULT >> 20);
    } else {
        job_fail(self, job, rc, EXIT_FAILED, "the result cannot be kept: %s",
            err_text(rc));
    }
}

// A full disk is no reason to lose what was counted: it is tried again until
// the deadline.
static bool
try_later(coordinator_t *self, job_t *job, errcode_t rc)
{
    if (rc != ERR_IO || self->now >= job->deadline ||
        self->config.journal.put == NULL) {
        return false;
    }
    snprintf(job->text, sizeof job->text,
        "cannot write the result (%s); trying again", strerror(errno));
    job->finish_at = self->now + RETRY_MS;
    job->news = true;
    return true;
}

static void
finish(coordinator_t *self, job_t *job, unsigned exit)
{
    bool whole = job->heard_of.n_missing + job->more_missing == 0 &&
                 job->totals.disorder == 0;
    bool none_fits = job->totals.accepted == 0 && job->rejected > 0;
    errcode_t rc = answer_keep(self, job, &job->result_bytes);

    if (rc != ERR_OK) {
        job->result_bytes = 0;
        if (!try_later(self, job, rc)) {
            fail_result(self, job, rc);
        }
        return;
    }
    if (none_fits) {
        snprintf(job->text, sizeof job->text, "no line fits the format '%s'",
            job->format);
        job->error = ERR_FORMAT;
    }
    end(self, job, whole ? lt_JobState_JOB_DONE : lt_JobState_JOB_PARTIAL,
        !whole      ? (exit != 0 ? exit : EXIT_PARTIAL)
        : none_fits ? EXIT_NO_FIT
                    : EXIT_DONE);
}

void
job_check_done(coordinator_t *self, job_t *job)
{
    if (job->state == lt_JobState_JOB_RUNNING && job->started &&
        job->n_done == job->n_shards && job->n_checks_open == 0 &&
        self->now >= job->finish_at) {
        finish(self, job, 0);
    }
}

// What is not there by now is missing. Slow work and absent workers are told
// apart: more time helps with the first alone.
static void
pass_deadline(coordinator_t *self, job_t *job)
{
    bool gone = false;

    if (job->plan_at != 0) {
        job_fail(self, job, ERR_TIMEOUT, EXIT_DEADLINE,
            "the deadline passed before the job was planned");
        return;
    }
    if (job->state == lt_JobState_JOB_PLANNING) {
        gone = plan_waits_for(job) != NULL;
        plan_give_up(self, job);
        if (job_is_over(job)) {
            return;
        }
    }
    for (uint32_t i = 0; i < job->n_shards; i++) {
        char why[LIMIT_NAME + 40];
        const plan_shard_t *s = &job->shards[i];
        const worker_t *home = job->places[s->place].home;
        if (s->state >= SHARD_DONE) {
            continue;
        }
        if (home != NULL && !home->up) {
            snprintf(why, sizeof why, "%s is gone", home->name);
            gone = true;
        } else {
            snprintf(why, sizeof why, "not counted by the deadline");
        }
        job_lose(self, job, i, why);
    }
    verify_give_up(self, job);
    finish(self, job, gone ? EXIT_PARTIAL : EXIT_DEADLINE);
}

// What a running job waits for, in words.
static void
say_waiting(const coordinator_t *self, job_t *job)
{
    const worker_t *listed = plan_waits_for(job);

    if (job->finish_at != 0) {
        return;
    }
    job->text[0] = '\0';
    if (self->stuck[0] != '\0') {
        snprintf(job->text, sizeof job->text,
            "waits for the journal, which cannot be written: %.900s",
            self->stuck);
        return;
    }
    if (job->n_checks_open > 0 && job->n_done == job->n_shards) {
        snprintf(job->text, sizeof job->text,
            "%llu shards are being counted by a second worker",
            (unsigned long long)job->n_checks_open);
    }
    if (listed != NULL) {
        snprintf(job->text, sizeof job->text, "waits for %s, which is gone",
            listed->name);
    }
    for (size_t i = 0; i < job->n_places; i++) {
        const place_t *p = &job->places[i];
        if (p->n_pending > 0 && p->home != NULL && !p->home->up) {
            snprintf(job->text, sizeof job->text, "waits for %s, which is gone",
                p->home->name);
            return;
        }
    }
}

void
jobs_tick(coordinator_t *self)
{
    job_t *job, *next;

    HASH_ITER(hh, self->jobs, job, next)
    {
        if (job->plan_at != 0 && self->now >= job->plan_at) {
            plan_start(self, job);
        }
        if (job->state == lt_JobState_JOB_PLANNING) {
            plan_tick(self, job);
        }
        if (!job_is_over(job) && self->now >= job->deadline) {
            pass_deadline(self, job);
        }
        if (job->n_checks_open > 0) {
            verify_tick(self, job);
        }
        if (job->finish_at != 0) {
            job_check_done(self, job);
        }
        if (!job_is_over(job)) {
            say_waiting(self, job);
        }
        if (update_is_due(self, job)) {
            update_followers(self, job);
        }
        if (job_is_over(job) && self->config.keep_ms > 0 &&
            self->now - job->ended >= self->config.keep_ms) {
            forget(self, job);
        }
    }
}
