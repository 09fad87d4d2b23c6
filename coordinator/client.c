// SPDX-License-Identifier: Apache-2.0
// What the CLI asks. Answers go to the connection that asked; followers are
// told about their job as it goes on.
#include "coordinator/coordinator_inside.h"

#include "common/base/log.h"
#include "common/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
may_see(const incoming_t *in, const job_t *job)
{
    return (in->who->roles & ROLE_ADMIN) != 0 ||
           strcmp(job->owner, in->who->name) == 0;
}

static void
follow(job_t *job, uint64_t peer)
{
    for (size_t i = 0; i < job->n_followers; i++) {
        if (job->followers[i] == peer) {
            return;
        }
    }
    job->followers = xgrow(job->followers, &job->cap_followers,
        job->n_followers + 1, sizeof *job->followers);
    job->followers[job->n_followers++] = peer;
}

// The first line of a mistake; the CLI has shown the place in the text.
static bool
check_query(coordinator_t *self, const incoming_t *in, const lt_Submit *meta,
    queries_t **out)
{
    query_error_t error;

    if (queries_parse(meta->query, out, &error) != ERR_OK) {
        send_refused(self, in->peer, ERR_QUERY, EXIT_USAGE,
            "the query is wrong: %s", error.message);
        return false;
    }
    return true;
}

static void
refuse_nobody(
    coordinator_t *self, const incoming_t *in, const job_source_t *source)
{
    buf_t known = {0};
    worker_t *w, *next;

    HASH_ITER(by_name, self->workers, w, next)
    {
        if (known.len < 600) {
            buf_printf(&known, "%s%s%s", known.len > 0 ? ", " : "", w->name,
                w->up ? "" : " (gone)");
        }
    }
    buf_put_u8(&known, 0);
    const char *names = (const char *)known.p;
    if (source->from == FROM_SHARED || names[0] == '\0') {
        send_refused(self, in->peer, ERR_NOT_FOUND, EXIT_FAILED,
            "no worker for '%.200s': none is connected", source->text);
    } else {
        send_refused(self, in->peer, ERR_NOT_FOUND, EXIT_FAILED,
            "no worker for '%.200s'; connected: %s", source->text, names);
    }
    buf_fini(&known);
}

static errcode_t
take_source(
    coordinator_t *self, const incoming_t *in, job_t *job, const char *text)
{
    bool local = self->config.local_host != NULL;
    job_source_t *s = &job->sources[job->n_sources];
    buf_t why = {0};
    errcode_t rc = source_parse(text, local, s, &why);

    if (rc != ERR_OK) {
        send_refused(self, in->peer, rc, EXIT_USAGE, "%.*s", (int)why.len,
            (const char *)why.p);
    } else {
        job->n_sources++;
        if (self->now >= self->settled && !plan_has_reader(self, s)) {
            refuse_nobody(self, in, s);
            rc = ERR_NOT_FOUND;
        }
    }
    buf_fini(&why);
    return rc;
}

// A refusal has been sent where this is not ERR_OK, but for ERR_MALFORMED.
static errcode_t
take_sources(coordinator_t *self, const incoming_t *in, job_t *job, uint32_t n)
{
    rd_t r = rd_init(in->frame->payload);
    lt_Source *source = xmalloc(sizeof *source);
    errcode_t rc = n == 0 || n > LIMIT_SOURCES ? ERR_MALFORMED : ERR_OK;

    if (rc == ERR_OK) {
        job->sources = xcalloc(n, sizeof *job->sources);
    }
    for (uint32_t i = 0; i < n && rc == ERR_OK; i++) {
        rc = record_get(&r, lt_Source_fields, source);
        if (rc == ERR_OK) {
            rc = take_source(self, in, job, source->text);
        } else {
            rc = ERR_MALFORMED;
        }
    }
    free(source);
    return rc != ERR_OK || rd_end(&r) == ERR_OK ? rc : ERR_MALFORMED;
}

static job_t *
same_request(coordinator_t *self, const incoming_t *in, const lt_Submit *meta)
{
    job_t *job, *next;

    HASH_ITER(hh, self->jobs, job, next)
    {
        if (memcmp(job->request, meta->request, sizeof job->request) == 0 &&
            may_see(in, job)) {
            return job;
        }
    }
    return NULL;
}

static bool
check_submit(coordinator_t *self, const incoming_t *in, const lt_Submit *meta)
{
    if (meta->version_min > PROTOCOL_VERSION ||
        meta->version_max < PROTOCOL_VERSION) {
        refuse_version(self, in, meta->version_min, meta->version_max);
        return false;
    }
    if (meta->verify_ppm > 1000000) {
        send_refused(self, in->peer, ERR_QUERY, EXIT_USAGE,
            "more than all shards cannot be verified");
        return false;
    }
    if (self->stuck[0] != '\0' && !meta->plan_only) {
        send_refused(self, in->peer, ERR_IO, EXIT_FAILED,
            "the coordinator cannot write its journal (%.900s), so it takes "
            "no job now",
            self->stuck);
        return false;
    }
    return true;
}

static void
start_job(coordinator_t *self, const incoming_t *in, const lt_Submit *meta,
    queries_t *queries)
{
    job_t *job = job_new(self, in->who->name);

    if (job == NULL) {
        send_refused(self, in->peer, ERR_BUSY, EXIT_FAILED,
            "%u jobs are running; wait for one to end", LIMIT_JOBS);
        queries_destroy(&queries);
        return;
    }
    int64_t deadline_ms =
        meta->deadline_ms > 0 && meta->deadline_ms < INT64_MAX / 2
            ? (int64_t)meta->deadline_ms
            : self->config.deadline_ms;
    memcpy(job->request, meta->request, sizeof job->request);
    job->queries = queries;
    job->rules = SHARED_RULES;
    job->canonical = xstrdup(queries->canonical);
    job->format = xstrdup(meta->format[0] != '\0' ? meta->format : "auto");
    job->deadline = self->now + deadline_ms;
    job->shard_bytes = meta->shard_bytes;
    job->plan_only = meta->plan_only;
    job->validate = meta->validate;
    job->verify_ppm = meta->verify_ppm;
    errcode_t rc = shared_new(queries, job->rules, &job->shared);
    rc = rc != ERR_OK ? rc : take_sources(self, in, job, meta->n_sources);
    if (rc != ERR_OK) {
        if (rc == ERR_MALFORMED) {
            self->stats.messages_refused++;
        }
        job_destroy(self, job);
        return;
    }
    record_job(self, job);
    event_tell_job(self, job);
    if (meta->follow || meta->plan_only) {
        follow(job, in->peer);
    }
    if (!meta->plan_only) {
        send_update(self, in->peer, job);
    }
    if (self->now < self->settled) {
        job->plan_at = self->settled;
    } else {
        plan_start(self, job);
    }
}

bool
on_submit(coordinator_t *self, const incoming_t *in)
{
    lt_Submit *meta = xmalloc(sizeof *meta);
    queries_t *queries = NULL;
    bool known = frame_meta(in->frame, lt_Submit_fields, meta) == ERR_OK;

    if (known && check_submit(self, in, meta)) {
        job_t *job = same_request(self, in, meta);
        if (job != NULL) {
            if (meta->follow && !job_is_over(job)) {
                follow(job, in->peer);
            }
            send_update(self, in->peer, job);
        } else if (check_query(self, in, meta, &queries)) {
            start_job(self, in, meta, queries);
        }
    }
    free(meta);
    return known;
}

job_t *
job_asked(coordinator_t *self, const incoming_t *in, uint64_t id)
{
    job_t *job = job_find(self, id);

    if (job == NULL) {
        send_refused(self, in->peer, ERR_NOT_FOUND, EXIT_FAILED,
            "there is no job %llu", (unsigned long long)id);
    } else if (!may_see(in, job)) {
        send_refused(self, in->peer, ERR_DENIED, EXIT_FAILED,
            "job %llu belongs to '%s'; only an admin may ask for it",
            (unsigned long long)id, job->owner);
        job = NULL;
    }
    return job;
}

bool
on_job_request(coordinator_t *self, const incoming_t *in)
{
    lt_JobRequest meta;

    if (frame_meta(in->frame, lt_JobRequest_fields, &meta) != ERR_OK) {
        return false;
    }
    job_t *job = job_asked(self, in, meta.job);
    if (job == NULL) {
        return true;
    }
    if (in->frame->type == PROTO_WAIT && !job_is_over(job)) {
        follow(job, in->peer);
    }
    if (in->frame->type == PROTO_CANCEL_JOB && !job_is_over(job)) {
        job_cancel(self, job);
    }
    send_update(self, in->peer, job);
    return true;
}

static errcode_t
fetch(coordinator_t *self, uint64_t job)
{
    if (self->fetched.job == job && self->fetched.bytes.len > 0) {
        return ERR_OK;
    }
    buf_clear(&self->fetched.bytes);
    self->fetched.job = job;
    errcode_t rc = self->config.store.get(
        self->config.store.ctx, job, &self->fetched.bytes);
    if (rc != ERR_OK) {
        buf_clear(&self->fetched.bytes);
    }
    return rc;
}

// An admin may read what an earlier coordinator left behind.
static bool
may_read(coordinator_t *self, const incoming_t *in, uint64_t id)
{
    bool kept =
        job_find(self, id) == NULL && (in->who->roles & ROLE_ADMIN) != 0;

    return kept || job_asked(self, in, id) != NULL;
}

bool
on_result(coordinator_t *self, const incoming_t *in)
{
    lt_ResultRequest meta;

    if (frame_meta(in->frame, lt_ResultRequest_fields, &meta) != ERR_OK) {
        return false;
    }
    if (!may_read(self, in, meta.job)) {
        return true;
    }
    const job_t *job = job_find(self, meta.job);
    if ((job != NULL && job->result_bytes == 0) ||
        fetch(self, meta.job) != ERR_OK) {
        send_refused(self, in->peer, ERR_NOT_FOUND, EXIT_FAILED,
            job == NULL        ? "there is no job %llu"
            : job_is_over(job) ? "job %llu has no result: see its status"
                               : "job %llu is still running",
            (unsigned long long)meta.job);
        return true;
    }
    span_t all = buf_span(&self->fetched.bytes);
    if (meta.offset > all.len) {
        return false;
    }
    size_t left = all.len - (size_t)meta.offset;
    span_t part = {all.p + meta.offset,
        left < LIMIT_RESULT_CHUNK ? left : LIMIT_RESULT_CHUNK};
    lt_ResultChunk chunk = {meta.job, meta.offset, all.len};
    send_frame(self, OUT_CONTROL, in->peer, PROTO_RESULT_CHUNK,
        lt_ResultChunk_fields, &chunk, part);
    if (part.len == left) {
        buf_fini(&self->fetched.bytes); // that was the last of it
    }
    return true;
}

void
send_records(coordinator_t *self, uint64_t peer, proto_type_t type,
    lt_Records *meta, buf_t *records, bool last)
{
    meta->last = last;
    send_frame(self, OUT_CONTROL, peer, type, lt_Records_fields, meta,
        buf_span(records));
    buf_clear(records);
    meta->n = 0;
}

bool
on_jobs(coordinator_t *self, const incoming_t *in)
{
    lt_JobUpdate *record = xmalloc(sizeof *record);
    lt_Records meta = {0};
    job_t *job, *next;
    buf_t records = {0};

    HASH_ITER(hh, self->jobs, job, next)
    {
        if (may_see(in, job) && !job->plan_only) {
            fill_update(self, job, record);
            record_put(&records, lt_JobUpdate_fields, record);
            meta.n++;
        }
        if (records.len > RECORDS_MAX) {
            send_records(
                self, in->peer, PROTO_JOB_LIST, &meta, &records, false);
        }
    }
    send_records(self, in->peer, PROTO_JOB_LIST, &meta, &records, true);
    buf_fini(&records);
    free(record);
    return true;
}

static void
send_plan_part(coordinator_t *self, const job_t *job, buf_t *records,
    uint32_t *n, bool last)
{
    lt_Plan meta = {*n, last, job->n_files, job->bytes, job->n_shards};

    for (size_t i = 0; i < job->n_followers; i++) {
        send_frame(self, OUT_CONTROL, job->followers[i], PROTO_PLAN,
            lt_Plan_fields, &meta, buf_span(records));
    }
    buf_clear(records);
    *n = 0;
}

// The answer to a job that was only to be planned; the job ends with it.
void
send_plan(coordinator_t *self, job_t *job)
{
    lt_PlanFile *record = xmalloc(sizeof *record);
    buf_t records = {0};
    uint32_t n = 0;

    for (size_t i = 0; i < job->n_files; i++) {
        const plan_file_t *f = &job->files[i];
        memset(record, 0, sizeof *record);
        snprintf(record->host, sizeof record->host, "%s",
            job->places[f->place].host);
        snprintf(record->path, sizeof record->path, "%s", f->path);
        record->bytes = f->size;
        record->shards = f->n_shards;
        record->compression = (lt_Compression)f->compression;
        record_put(&records, lt_PlanFile_fields, record);
        n++;
        if (records.len > RECORDS_MAX) {
            send_plan_part(self, job, &records, &n, false);
        }
    }
    send_plan_part(self, job, &records, &n, true);
    buf_fini(&records);
    free(record);
    job->n_followers = 0;
    job_cancel(self, job);
}
