// SPDX-License-Identifier: Apache-2.0
// Sources to files: every worker a source names is asked for its own files;
// nothing is guessed. What a worker cannot say is named as missing.
#include "coordinator/coordinator_inside.h"

#include "common/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOUBLES_NAMED 100u // files that are named twice, by their names

static uint32_t
place_of(coordinator_t *self, job_t *job, worker_t *home)
{
    for (size_t i = 0; i < job->n_places; i++) {
        if (job->places[i].home == home) {
            return (uint32_t)i;
        }
    }
    job->places = xgrow(
        job->places, &job->cap_places, job->n_places + 1, sizeof *job->places);
    place_t *p = &job->places[job->n_places++];
    *p = (place_t){.home = home};
    snprintf(p->host, sizeof p->host, "%s",
        self->config.local_host != NULL ? self->config.local_host
        : home != NULL                  ? home->name
                                        : "shared");
    return (uint32_t)(job->n_places - 1);
}

static plan_file_t *
file_new(job_t *job, uint32_t place, size_t source, const char *path)
{
    job->files = xgrow(
        job->files, &job->cap_files, job->n_files + 1, sizeof *job->files);
    plan_file_t *f = &job->files[job->n_files++];
    *f = (plan_file_t){
        .path = xstrdup(path), .place = place, .source = (uint32_t)source};
    job->sources[source].n_files++;
    return f;
}

static void
send_list(coordinator_t *self, const job_t *job, listing_t *l)
{
    const job_source_t *s = &job->sources[l->source];
    lt_List *meta = xcalloc(1, sizeof *meta);

    meta->job = job->id;
    meta->request = l->request;
    meta->shared = s->from == FROM_SHARED;
    meta->cuts_from = cuts_least(job);
    meta->guess_bytes = LIMIT_GUESS_BYTES / job->n_sources;
    l->asked++;
    snprintf(meta->pattern, sizeof meta->pattern, "%s", s->pattern);
    send_frame(self, OUT_CONTROL, l->worker->peer, PROTO_LIST, lt_List_fields,
        meta, (span_t){0});
    free(meta);
}

// A worker that is gone is asked when it is back.
static void
list(coordinator_t *self, job_t *job, size_t source, worker_t *worker)
{
    job->listings = xgrow(job->listings, &job->cap_listings,
        job->n_listings + 1, sizeof *job->listings);
    listing_t *l = &job->listings[job->n_listings++];
    *l = (listing_t){.request = ++self->next_request,
        .worker = worker,
        .source = source,
        .heard = self->now};
    if (worker->up) {
        send_list(self, job, l);
    }
}

// A worker that is up, other than the one that just failed, if possible.
static worker_t *
any_worker(coordinator_t *self, const worker_t *not_this)
{
    worker_t *w, *next, *found = NULL;

    HASH_ITER(by_name, self->workers, w, next)
    {
        if (w->up && w != not_this) {
            return w;
        }
        found = w->up ? w : found;
    }
    return found;
}

static void
ask_one(coordinator_t *self, job_t *job, size_t i)
{
    worker_t *w = any_worker(self, NULL);

    if (w != NULL) {
        list(self, job, i, w);
    } else {
        job->sources[i].n_gone++;
        job_missing(job, "%s: no worker is there", job->sources[i].text);
    }
}

// Such a source waits for its host; one with a wildcard takes who is there
// and names the others.
static bool
names_one_host(const job_source_t *source)
{
    return source->from == FROM_HOSTS && strpbrk(source->who, "*?[") == NULL;
}

static void
ask(coordinator_t *self, job_t *job, size_t i)
{
    job_source_t *s = &job->sources[i];
    worker_t *w, *next;

    if (strcmp(s->pattern, "-") == 0 && s->from == FROM_LOCAL) {
        w = any_worker(self, NULL);
        plan_file_t *f = file_new(job, place_of(self, job, w), i, "-");
        f->stream = true;
        job->n_streams++;
        return;
    }
    if (s->from == FROM_SHARED || s->from == FROM_LOCAL) {
        ask_one(self, job, i);
        return;
    }
    HASH_ITER(by_name, self->workers, w, next)
    {
        if (source_wants(s, w) &&
            (w->up || names_one_host(s) || self->now - w->heard < GRACE_MS)) {
            list(self, job, i, w);
        } else if (source_wants(s, w)) {
            s->n_gone++;
            job_missing(job, "%s:%s: %s is gone, last heard %lld s ago",
                w->name, s->pattern, w->name,
                (long long)((self->now - w->heard) / 1000));
        }
    }
}

// Nobody can say more until a worker is back: the deadline is the end.
static bool
waits_for_worker(const job_source_t *source)
{
    return names_one_host(source) || source->from == FROM_SHARED;
}

bool
plan_has_reader(coordinator_t *self, const job_source_t *source)
{
    worker_t *w, *next;

    HASH_ITER(by_name, self->workers, w, next)
    {
        if (source_wants(source, w) && (w->up || source->from != FROM_SHARED)) {
            return true;
        }
    }
    return false;
}

static int
by_host_and_path(const void *a, const void *b, void *ctx)
{
    const plan_file_t *x = a, *y = b;
    const job_t *job = ctx;
    int c = strcmp(job->places[x->place].host, job->places[y->place].host);

    return c != 0 ? c : strcmp(x->path, y->path);
}

static void
note(job_t *job, const char *begin, const char *end)
{
    buf_t note = {0};

    buf_printf(&note, "%s%s", begin, end);
    buf_put_u8(&note, 0);
    receipt_add_note(&job->heard_of, (char *)note.p);
    buf_fini(&note);
}

// A file that two sources name is counted once. A worker could name a million
// twice.
static void
drop_doubles(job_t *job)
{
    size_t kept = 0, doubles = 0;

    if (job->n_files == 0) {
        return;
    }
    qsort_r(
        job->files, job->n_files, sizeof *job->files, by_host_and_path, job);
    for (size_t i = 0; i < job->n_files; i++) {
        if (kept > 0 &&
            by_host_and_path(&job->files[kept - 1], &job->files[i], job) == 0) {
            if (doubles++ < DOUBLES_NAMED) {
                note(job, job->files[i].path,
                    " is named twice and counted once");
            }
            plan_file_fini(&job->files[i]);
        } else {
            job->files[kept++] = job->files[i];
        }
    }
    job->n_files = kept;
    if (doubles > DOUBLES_NAMED) {
        char more[32];
        snprintf(more, sizeof more, "%zu more", doubles - DOUBLES_NAMED);
        note(job, "so are ", more);
    }
}

// A source without a file is a mistake of the command, not an empty answer.
static bool
check_sources(coordinator_t *self, job_t *job)
{
    for (size_t i = 0; i < job->n_sources; i++) {
        const job_source_t *s = &job->sources[i];
        if (s->n_files > 0 || s->n_gone > 0) {
            continue;
        }
        job_fail(self, job, ERR_NOT_FOUND, EXIT_FAILED, "%s%s%s",
            s->from == FROM_LOCAL ? "" : s->text,
            s->from == FROM_LOCAL ? "" : ": ",
            s->why != NULL ? s->why : "no file matches");
        return false;
    }
    return true;
}

static void
check_listed(coordinator_t *self, job_t *job)
{
    for (size_t i = 0; i < job->n_listings; i++) {
        if (!job->listings[i].done) {
            return;
        }
    }
    if (!check_sources(self, job)) {
        return;
    }
    drop_doubles(job);
    budgets_weigh_plan(job);
    budgets_ask(job);
    errcode_t rc = plan_cut(self, job);
    if (rc != ERR_OK && budgets_shut_out(job)) {
        job_fail(self, job, rc, EXIT_FAILED, "%s", budgets_sentence);
    } else if (rc != ERR_OK) {
        job_fail(self, job, rc, EXIT_USAGE,
            "the plan has more than %u shards; name larger shards with "
            "--shard-size",
            LIMIT_JOB_SHARDS);
    } else if (job->plan_only) {
        send_plan(self, job);
    } else {
        job_run(self, job);
    }
}

void
plan_start(coordinator_t *self, job_t *job)
{
    job->plan_at = 0;
    for (size_t i = 0; i < job->n_sources; i++) {
        if (job->restored && !plan_has_reader(self, &job->sources[i])) {
            job->plan_at = self->now + HEARTBEAT_MS; // there was one
            return;
        }
        if (!plan_has_reader(self, &job->sources[i])) {
            job_fail(self, job, ERR_NOT_FOUND, EXIT_FAILED,
                "no worker for '%.200s'", job->sources[i].text);
            return;
        }
    }
    for (size_t i = 0; i < job->n_sources; i++) {
        ask(self, job, i);
    }
    check_listed(self, job);
}

// What a listing that came to nothing brought so far.
static void
drop_files(job_t *job, const listing_t *l)
{
    size_t kept = 0;

    for (size_t i = 0; i < job->n_files; i++) {
        plan_file_t *f = &job->files[i];
        if (f->source == l->source &&
            (job->places[f->place].home == l->worker ||
                job->places[f->place].home == NULL)) {
            plan_file_fini(f);
            job->sources[l->source].n_files--;
        } else {
            job->files[kept++] = *f;
        }
    }
    job->n_files = kept;
    budgets_weigh_plan(job);
}

static void
end_listing(job_t *job, listing_t *l, const char *why)
{
    job_source_t *s = &job->sources[l->source];

    l->done = true;
    drop_files(job, l);
    s->n_gone++;
    job_missing(job, "%s:%s: %s",
        s->from == FROM_SHARED ? "shared" : l->worker->name, s->pattern, why);
}

static void
give_up(coordinator_t *self, job_t *job, size_t at, const char *why)
{
    listing_t *l = &job->listings[at];
    size_t source = l->source;
    worker_t *other = job->sources[source].from == FROM_SHARED
                          ? any_worker(self, l->worker)
                          : NULL;

    // Two workers that cannot list it would pass it on for ever.
    job->sources[source].n_failed += l->worker->up;
    if (other == NULL || other == l->worker ||
        job->sources[source].n_failed >= LIMIT_ATTEMPTS) {
        end_listing(job, l, why);
        return;
    }
    l->done = true;
    drop_files(job, l);
    list(self, job, source, other);
}

// A shared source is listed by another, or by the first that comes; else the
// worker has some time to come back, and all of it where the source names its
// host.
void
plan_worker_lost(coordinator_t *self, job_t *job, const worker_t *worker)
{
    bool any = false;

    if (job->state != lt_JobState_JOB_PLANNING) {
        return;
    }
    for (size_t i = 0; i < job->n_listings; i++) {
        listing_t *l = &job->listings[i];
        if (l->done || l->worker != worker) {
            continue;
        }
        l->heard = self->now;
        if (job->sources[l->source].from == FROM_SHARED &&
            any_worker(self, NULL) != NULL) {
            give_up(self, job, i, "the worker is gone");
            any = true;
        }
    }
    if (any) {
        check_listed(self, job);
    }
}

// What it said so far is dropped.
static void
ask_again(coordinator_t *self, job_t *job, listing_t *l)
{
    drop_files(job, l);
    l->request = ++self->next_request;
    l->heard = self->now;
    send_list(self, job, l);
}

void
plan_worker_up(coordinator_t *self, worker_t *worker)
{
    job_t *job, *next;

    HASH_ITER(hh, self->jobs, job, next)
    {
        for (size_t i = 0;
             i < job->n_listings && job->state == lt_JobState_JOB_PLANNING;
             i++) {
            listing_t *l = &job->listings[i];
            bool anybody =
                job->sources[l->source].from == FROM_SHARED && !l->worker->up;
            if (!l->done && (l->worker == worker || anybody)) {
                l->worker = worker;
                l->asked = 0;
                ask_again(self, job, l);
            }
        }
    }
}

const worker_t *
plan_waits_for(const job_t *job)
{
    for (size_t i = 0; i < job->n_listings; i++) {
        if (!job->listings[i].done && !job->listings[i].worker->up) {
            return job->listings[i].worker;
        }
    }
    return NULL;
}

void
plan_give_up(coordinator_t *self, job_t *job)
{
    for (size_t i = 0; i < job->n_listings; i++) {
        listing_t *l = &job->listings[i];
        if (!l->done) {
            end_listing(job, l,
                l->worker->up ? "its files were not listed by the deadline"
                              : "the worker is gone");
        }
    }
    check_listed(self, job);
}

void
plan_tick(coordinator_t *self, job_t *job)
{
    bool any = false;

    for (size_t i = 0; i < job->n_listings; i++) {
        listing_t *l = &job->listings[i];
        int64_t silent = self->now - l->heard;
        if (l->done ||
            (!l->worker->up && waits_for_worker(&job->sources[l->source]))) {
            continue;
        }
        if (l->worker->up && silent > LIST_MS && l->asked < LIMIT_ATTEMPTS) {
            ask_again(self, job, l); // the question or the answer was lost
        } else if (silent > (l->worker->up ? LIST_MS : GRACE_MS)) {
            give_up(self, job, i,
                l->worker->up ? "its files were not listed in time"
                              : "the worker is gone");
            any = true;
        }
    }
    if (any) {
        check_listed(self, job);
    }
}

static errcode_t
take_files(coordinator_t *self, job_t *job, const listing_t *l,
    const incoming_t *in, const lt_Files *meta)
{
    rd_t r = rd_init(in->frame->payload);
    lt_File *file = xmalloc(sizeof *file);
    const job_source_t *s = &job->sources[l->source];
    uint32_t place =
        place_of(self, job, s->from == FROM_SHARED ? NULL : l->worker);
    size_t first = job->n_files;
    errcode_t rc = ERR_OK;

    budgets_ask(job);

    for (uint32_t i = 0; i < meta->n && rc == ERR_OK; i++) {
        rc = record_get(&r, lt_File_fields, file);
        if (rc == ERR_OK &&
            (file->path[0] == '\0' ||
                file->compression > lt_Compression_COMPRESSION_XZ)) {
            rc = ERR_MALFORMED;
        }
        if (rc == ERR_OK && !source_allows(s, file->path)) {
            rc = ERR_DENIED;
        }
        if (rc == ERR_OK && (job->n_files >= LIMIT_JOB_FILES ||
                                !budgets_take_file(job, file->path))) {
            rc = ERR_TOO_LARGE;
        }
        if (rc == ERR_OK) {
            plan_file_t *f = file_new(job, place, l->source, file->path);
            f->device = file->device;
            f->inode = file->inode;
            f->size = file->size;
            f->mtime_ns = file->mtime_ns;
            memcpy(f->hash, file->hash, sizeof f->hash);
            f->compression = (uint8_t)file->compression;
        }
    }
    free(file);
    rc = rc != ERR_OK ? rc : cuts_take(job, first, meta->n_cuts, &r);
    return rc != ERR_OK ? rc : rd_end(&r);
}

// What the worker says about its own trouble. No match is a fact; anything
// else leaves a hole in the answer.
static void
take_error(job_t *job, const listing_t *l, const lt_Files *meta)
{
    job_source_t *s = &job->sources[l->source];

    free(s->why);
    s->why =
        xstrdup(meta->text[0] != '\0'
                    ? meta->text
                    : err_text(meta->error < ERR_COUNT ? (errcode_t)meta->error
                                                       : ERR_IO));
    if (meta->error != ERR_NOT_FOUND) {
        job_missing(job, "%s:%s: %s",
            s->from == FROM_SHARED ? "shared" : l->worker->name, s->pattern,
            s->why);
    }
}

bool
on_files(coordinator_t *self, const incoming_t *in)
{
    lt_Files *meta = xmalloc(sizeof *meta);
    bool known = frame_meta(in->frame, lt_Files_fields, meta) == ERR_OK;
    worker_t *w = known ? worker_speaking(self, in, meta->incarnation) : NULL;
    job_t *job = w != NULL ? job_find(self, meta->job) : NULL;

    if (job != NULL && job->state == lt_JobState_JOB_PLANNING) {
        for (size_t i = 0; i < job->n_listings; i++) {
            listing_t *l = &job->listings[i];
            if (l->request != meta->request || l->worker != w || l->done) {
                continue;
            }
            l->heard = self->now;
            errcode_t rc = take_files(self, job, l, in, meta);
            if (rc != ERR_OK) {
                self->stats.messages_refused++;
                give_up(self, job, i,
                    budgets_shut_out(job) ? budgets_sentence : err_text(rc));
            } else if (meta->error != ERR_OK) {
                take_error(job, l, meta);
                l->done = true;
            } else {
                l->done = meta->last;
            }
            check_listed(self, job);
            break;
        }
    }
    free(meta);
    return w != NULL;
}
