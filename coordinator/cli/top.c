// SPDX-License-Identifier: Apache-2.0
// Each list is asked for anew some time after its answer: a coordinator that
// is slow is asked less often, and never twice at once.
#include "coordinator/cli/top_inside.h"

#include "common/base/xalloc.h"
#include "coordinator/cli/job_text.h"
#include "coordinator/cli/text.h"

#include <stdlib.h>
#include <string.h>

#define LOST_MS 20000 // an answer was lost: ask again

// Records of a list; a coordinator of a later release may have more than this
// one would.
static const size_t most[PANES] = {
    [PANE_WORKERS] = 2 * LIMIT_WORKERS,
    [PANE_JOBS] = 2 * LIMIT_JOBS,
    [PANE_EVENTS] = 2 * EVENTS_SHOWN,
};

top_t *
top_new(const top_options_t *options)
{
    top_t *self = xcalloc(1, sizeof *self);

    self->endpoint = options->endpoint;
    self->interval_ms = options->interval_ms;
    self->charset = options->charset;
    self->focus = PANE_JOBS;
    return self;
}

void
top_destroy(top_t **self_p)
{
    top_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    for (size_t i = 0; i < PANES; i++) {
        free(self->panes[i].shown.list);
        free(self->panes[i].coming.list);
        free(self->panes[i].order);
    }
    live_fini(&self->live);
    buf_fini(&self->says);
    free(self);
    *self_p = NULL;
}

// ---- answers

static void *
record_add(records_t *to, size_t size)
{
    to->list = xgrow(to->list, &to->cap, to->n + 1, size);
    return (uint8_t *)to->list + size * to->n++;
}

static errcode_t
take_record(records_t *to, pane_name_t name, rd_t *r, int64_t now_ms)
{
    size_t size = record_size(name);

    if (to->n >= most[name]) {
        return ERR_TOO_LARGE;
    }
    void *record = record_add(to, size);
    memset(record, 0, size);
    if (name == PANE_EVENTS) {
        top_event_t *e = record;
        errcode_t rc = record_get(r, lt_Event_fields, &e->e);
        e->at_ms = now_ms - (int64_t)(e->e.ago_ms & INT64_MAX);
        return rc;
    }
    return record_get(r,
        name == PANE_JOBS ? lt_JobUpdate_fields : lt_WorkerInfo_fields, record);
}

static void
take_end(top_t *self, const lt_JobUpdate *job)
{
    if (self->open == job->job) {
        progress_take(&self->progress, job);
    }
}

// The newest of the events that are known, and of those that came.
static void
add_events(pane_t *p)
{
    size_t size = sizeof(top_event_t);

    for (size_t i = 0; i < p->coming.n; i++) {
        memcpy(record_add(&p->shown, size),
            (const top_event_t *)p->coming.list + i, size);
    }
    if (p->shown.n > EVENTS_SHOWN) {
        size_t gone = p->shown.n - EVENTS_SHOWN;
        memmove(p->shown.list, (top_event_t *)p->shown.list + gone,
            EVENTS_SHOWN * size);
        p->shown.n = EVENTS_SHOWN;
    }
    p->coming.n = 0;
}

static void
replace(pane_t *p)
{
    records_t old = p->shown;

    p->shown = p->coming;
    p->coming = old;
    p->coming.n = 0;
}

static void
list_is_whole(top_t *self, pane_name_t name, int64_t now_ms)
{
    pane_t *p = &self->panes[name];

    if (name == PANE_EVENTS) {
        add_events(p);
        if (p->shown.n > 0) {
            self->last_event = event_at(self, p->shown.n - 1)->e.number;
        }
    } else {
        replace(p);
    }
    p->took_ms = now_ms;
    p->asked_ms = 0;
    p->ask_at_ms = now_ms + self->interval_ms;
    for (size_t i = 0; name == PANE_JOBS && i < p->shown.n; i++) {
        take_end(self, job_at(self, i));
    }
    pane_arrange(self, name);
}

static void
take_list(top_t *self, pane_name_t name, const frame_t *frame, int64_t now_ms)
{
    pane_t *p = &self->panes[name];
    rd_t r = rd_init(frame->payload);
    lt_Records meta;
    errcode_t rc = frame_meta(frame, lt_Records_fields, &meta);

    for (uint32_t i = 0; rc == ERR_OK && i < meta.n; i++) {
        rc = take_record(&p->coming, name, &r, now_ms);
    }
    rc = rc == ERR_OK ? rd_end(&r) : rc;
    if (rc != ERR_OK) {
        p->coming.n = 0;
    } else if (meta.last) {
        list_is_whole(self, name, now_ms);
    }
}

// The answer to CANCEL_JOB.
static void
take_update(top_t *self, const frame_t *frame)
{
    lt_JobUpdate *job = xmalloc(sizeof *job);

    if (frame_meta(frame, lt_JobUpdate_fields, job) == ERR_OK &&
        job->job == self->awaited && self->awaited != 0) {
        buf_clear(&self->says);
        job_end(job, &self->says);
        self->awaited = 0;
        self->panes[PANE_JOBS].ask_at_ms = 0;
    }
    free(job);
}

static void
take_refusal(top_t *self, const frame_t *frame)
{
    lt_Refused refused;

    if (frame_meta(frame, lt_Refused_fields, &refused) == ERR_OK) {
        buf_clear(&self->says);
        text_safe(refused.text, &self->says);
        self->awaited = 0;
    }
}

void
top_take(top_t *self, const frame_t *frame, int64_t now_ms)
{
    switch (frame->type) {
    case PROTO_WORKER_LIST:
        take_list(self, PANE_WORKERS, frame, now_ms);
        break;
    case PROTO_JOB_LIST:
        take_list(self, PANE_JOBS, frame, now_ms);
        break;
    case PROTO_EVENT_LIST:
        take_list(self, PANE_EVENTS, frame, now_ms);
        break;
    case PROTO_ROWS_NOW:
        if (self->open != 0) {
            live_take(&self->live, frame, now_ms);
        }
        break;
    case PROTO_JOB_UPDATE:
        take_update(self, frame);
        break;
    case PROTO_REFUSED:
        take_refusal(self, frame);
        break;
    default:
        break;
    }
}

// ---- the connection

// What was asked before is not answered any more.
static void
forget_questions(top_t *self)
{
    for (size_t i = 0; i < PANES; i++) {
        self->panes[i].asked_ms = 0;
        self->panes[i].ask_at_ms = 0;
        self->panes[i].coming.n = 0;
    }
    live_lost(&self->live);
}

void
top_lost(top_t *self, int64_t now_ms)
{
    self->lost_ms = now_ms;
    forget_questions(self);
    if (self->awaited != 0 || self->cancel != 0) {
        buf_clear(&self->says);
        buf_printf(&self->says,
            "the coordinator did not confirm that job %llu is cancelled",
            (unsigned long long)(self->cancel != 0 ? self->cancel
                                                   : self->awaited));
        self->awaited = self->cancel = 0;
    }
}

void
top_back(top_t *self)
{
    self->lost_ms = 0;
    forget_questions(self);
}

// ---- requests

static bool
is_due(const pane_t *p, int64_t now_ms)
{
    bool waits = p->asked_ms != 0 && now_ms - p->asked_ms < LOST_MS;

    return !waits && now_ms >= p->ask_at_ms;
}

static void
ask_list(top_t *self, pane_name_t name, int64_t now_ms, buf_t *frame)
{
    if (name == PANE_EVENTS) {
        frame_encode(frame, PROTO_EVENTS, 0, lt_EventsRequest_fields,
            &(lt_EventsRequest){.after = self->last_event}, (span_t){0});
    } else {
        frame_encode(frame, name == PANE_JOBS ? PROTO_JOBS : PROTO_WORKERS, 0,
            lt_Empty_fields, &(lt_Empty){0}, (span_t){0});
    }
    self->panes[name].asked_ms = now_ms > 0 ? now_ms : 1;
    self->panes[name].coming.n = 0;
}

static void
ask_job(proto_type_t type, uint64_t job, buf_t *frame)
{
    frame_encode(frame, type, 0, lt_JobRequest_fields,
        &(lt_JobRequest){.job = job}, (span_t){0});
}

bool
top_asks(top_t *self, int64_t now_ms, buf_t *frame)
{
    const lt_JobUpdate *open = job_of(self, self->open);

    if (self->lost_ms != 0) {
        return false;
    }
    if (self->cancel != 0) {
        ask_job(PROTO_CANCEL_JOB, self->cancel, frame);
        self->awaited = self->cancel;
        self->cancel = 0;
        return true;
    }
    for (size_t i = 0; i < PANES; i++) {
        if (is_due(&self->panes[i], now_ms)) {
            ask_list(self, (pane_name_t)i, now_ms, frame);
            return true;
        }
    }
    if (open != NULL && live_asks(&self->live, open, now_ms)) {
        ask_job(PROTO_ROWS, self->open, frame);
        return true;
    }
    return false;
}

// Ages on the screen move, too.
int64_t
top_wakes(const top_t *self, int64_t now_ms)
{
    int64_t at = now_ms + 1000;

    for (size_t i = 0; self->lost_ms == 0 && i < PANES; i++) {
        const pane_t *p = &self->panes[i];
        at = p->asked_ms == 0 && p->ask_at_ms < at ? p->ask_at_ms : at;
    }
    return self->open != 0 && now_ms + 200 < at ? now_ms + 200 : at;
}

bool
top_is_whole(const top_t *self)
{
    for (size_t i = 0; i < PANES; i++) {
        if (self->panes[i].took_ms == 0) {
            return false;
        }
    }
    return true;
}
