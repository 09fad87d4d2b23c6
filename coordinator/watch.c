// SPDX-License-Identifier: Apache-2.0
// What an operator watches: events, and how fast the workers read. None of it
// decides anything.
#include "coordinator/coordinator_inside.h"

#include "common/base/xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void
put(coordinator_t *self, log_level_t level, const char *id, const job_t *job,
    const char *worker, const char *text)
{
    event_t e = {.at = self->now, .level = level, .id = id};

    if (job != NULL) {
        e.job = job->id;
        snprintf(e.owner, sizeof e.owner, "%s", job->owner);
    }
    snprintf(e.worker, sizeof e.worker, "%s", worker != NULL ? worker : "");
    events_put(self->events, &e, text);
}

void
event_tell(coordinator_t *self, log_level_t level, const char *id,
    const job_t *job, const char *worker, const char *fmt, ...)
{
    char text[LIMIT_TEXT];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    put(self, level, id, job, worker, text);
}

void
coordinator_event(coordinator_t *self, log_level_t level, const char *id,
    const char *worker, const char *text, int64_t now_ms)
{
    self->now = now_ms;
    put(self, level, id, NULL, worker, text);
}

// That a job was taken, or has ended, is told when it is durable.
void
event_tell_job(coordinator_t *self, job_t *job)
{
    if (job->plan_only) {
        return;
    }
    if (!job->taken_told && job->recorded_by <= self->durable) {
        job->taken_told = true;
        event_tell(
            self, LOG_INFO, "job-taken", job, NULL, "%.200s", job->canonical);
    }
    if (!job->end_told && job_is_over(job) && job->ended_by <= self->durable) {
        bool sound = job->state == lt_JobState_JOB_DONE;
        job->end_told = true;
        event_tell(self, sound ? LOG_INFO : LOG_WARN, "job-ended", job, NULL,
            "%s%s%s", job_state_text(job->state),
            job->text[0] != '\0' ? ": " : "", job->text);
    }
}

// ---- how fast

// A worker may say what it likes: no more than there is to read counts.
void
watch_progress(coordinator_t *self, lease_t *l, uint64_t bytes)
{
    uint64_t most = l->job->shards[l->key.shard].bytes;

    bytes = bytes < most ? bytes : most;
    if (bytes > l->bytes_seen) {
        l->worker->bytes_read += bytes - l->bytes_seen;
        self->bytes_read += bytes - l->bytes_seen;
        l->bytes_seen = bytes;
    }
}

uint64_t
worker_rate(const worker_t *w)
{
    return w->up ? rate_get(&w->rate) : 0;
}

void
watch_tick(coordinator_t *self)
{
    if (!flow_note(&self->flow, self->bytes_read, self->now)) {
        return;
    }
    for (worker_t *w = self->workers; w != NULL; w = w->by_name.next) {
        rate_add(&w->rate, (uint64_t)self->now, w->bytes_read);
    }
}

// ---- EVENTS

static bool
is_for(const incoming_t *in, uint64_t job, const event_t *e)
{
    bool admin = (in->who->roles & ROLE_ADMIN) != 0;

    return (admin || (e->job != 0 && strcmp(e->owner, in->who->name) == 0)) &&
           (job == 0 || e->job == job);
}

static void
put_record(const coordinator_t *self, const event_t *e, buf_t *out)
{
    lt_Event record = {.number = e->number,
        .ago_ms = (uint64_t)(self->now - e->at),
        .job = e->job};

    snprintf(record.level, sizeof record.level, "%s", event_level(e));
    snprintf(record.event, sizeof record.event, "%s", e->id);
    snprintf(record.worker, sizeof record.worker, "%s", e->worker);
    snprintf(record.text, sizeof record.text, "%s", e->text);
    record_put(out, lt_Event_fields, &record);
}

bool
on_events(coordinator_t *self, const incoming_t *in)
{
    lt_EventsRequest meta;
    buf_t records = {0};
    lt_Records list = {0};

    if (frame_meta(in->frame, lt_EventsRequest_fields, &meta) != ERR_OK) {
        return false;
    }
    const event_t *e = events_next(self->events, meta.after);
    for (; e != NULL; e = events_next(self->events, e->number)) {
        if (is_for(in, meta.job, e)) {
            put_record(self, e, &records);
            list.n++;
        }
        if (records.len > RECORDS_MAX) {
            send_records(
                self, in->peer, PROTO_EVENT_LIST, &list, &records, false);
        }
    }
    send_records(self, in->peer, PROTO_EVENT_LIST, &list, &records, true);
    buf_fini(&records);
    return true;
}
