// SPDX-License-Identifier: Apache-2.0
// Messages in, outputs out. A message is run by the row of the table that
// its type, link and sender's role allow; anything else is counted and
// changes nothing.
#include "coordinator/coordinator_inside.h"

#include "common/base/xalloc.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS        (ROLE_CLIENT | ROLE_ADMIN)
#define LANE_SILENT_MS 400

static const struct handler {
    uint8_t type;
    uint8_t link;
    bool any_epoch;
    unsigned roles;
    bool (*run)(coordinator_t *, const incoming_t *); // false: refused
} handlers[] = {
    {PROTO_REGISTER, LINK_CONTROL, true, ROLE_WORKER, on_register},
    {PROTO_HEARTBEAT, LINK_CONTROL, false, ROLE_WORKER, on_heartbeat},
    {PROTO_OFFER, LINK_CONTROL, false, ROLE_WORKER, on_offer},
    {PROTO_FILES, LINK_CONTROL, false, ROLE_WORKER, on_files},
    {PROTO_BYE, LINK_CONTROL, false, ROLE_WORKER, on_bye},
    {PROTO_LANE, LINK_LANE, false, ROLE_WORKER, on_lane},
    {PROTO_PARTIAL, LINK_SINK, false, ROLE_WORKER, on_partial},
    {PROTO_SHARD_FAILED, LINK_SINK, false, ROLE_WORKER, on_shard_failed},
    {PROTO_SUBMIT, LINK_CONTROL, true, CLIENTS, on_submit},
    {PROTO_STATUS, LINK_CONTROL, true, CLIENTS, on_job_request},
    {PROTO_WAIT, LINK_CONTROL, true, CLIENTS, on_job_request},
    {PROTO_CANCEL_JOB, LINK_CONTROL, true, CLIENTS, on_job_request},
    {PROTO_RESULT, LINK_CONTROL, true, CLIENTS, on_result},
    {PROTO_ROWS, LINK_CONTROL, true, CLIENTS, on_rows},
    {PROTO_JOBS, LINK_CONTROL, true, CLIENTS, on_jobs},
    {PROTO_WORKERS, LINK_CONTROL, true, CLIENTS | ROLE_WORKER, on_workers},
    {PROTO_EVENTS, LINK_CONTROL, true, CLIENTS, on_events},
    {PROTO_RELOAD_KEYS, LINK_CONTROL, true, ROLE_ADMIN, on_reload_keys},
};

static output_t *
push_output(coordinator_t *self, out_kind_t kind, uint64_t peer)
{
    if (self->out_head > 0 && self->out_head == self->n_out) {
        self->out_head = self->n_out = 0;
    }
    self->out =
        xgrow(self->out, &self->cap_out, self->n_out + 1, sizeof *self->out);
    output_t *out = &self->out[self->n_out++];
    *out = (output_t){.kind = kind, .peer = peer};
    return out;
}

static output_t *
hold_output(coordinator_t *self, uint64_t after, uint64_t peer)
{
    self->held = xgrow(
        self->held, &self->cap_held, self->n_held + 1, sizeof *self->held);
    output_t *out = &self->held[self->n_held++];
    *out = (output_t){.kind = OUT_CONTROL, .peer = peer, .after = after};
    return out;
}

bool
coordinator_next(coordinator_t *self, output_t *out)
{
    if (self->out_head == self->n_out) {
        self->out_head = self->n_out = 0;
        return false;
    }
    *out = self->out[self->out_head++];
    return true;
}

void
send_frame(coordinator_t *self, out_kind_t kind, uint64_t peer,
    proto_type_t type, const pb_msgdesc_t *fields, const void *meta,
    span_t payload)
{
    frame_encode(&push_output(self, kind, peer)->frame, type,
        self->config.epoch, fields, meta, payload);
}

void
send_frame_after(coordinator_t *self, uint64_t after, uint64_t peer,
    proto_type_t type, const pb_msgdesc_t *fields, const void *meta)
{
    output_t *out = after > self->durable
                        ? hold_output(self, after, peer)
                        : push_output(self, OUT_CONTROL, peer);

    frame_encode(
        &out->frame, type, self->config.epoch, fields, meta, (span_t){0});
}

void
send_refused(coordinator_t *self, uint64_t peer, errcode_t rc, unsigned exit,
    const char *fmt, ...)
{
    lt_Refused meta = {.error = rc,
        .exit = exit,
        .version_min = PROTOCOL_VERSION,
        .version_max = PROTOCOL_VERSION};
    va_list ap;

    self->stats.refusals++;
    va_start(ap, fmt);
    vsnprintf(meta.text, sizeof meta.text, fmt, ap);
    va_end(ap);
    send_frame(self, OUT_CONTROL, peer, PROTO_REFUSED, lt_Refused_fields, &meta,
        (span_t){0});
}

void
open_lane(coordinator_t *self, worker_t *worker)
{
    worker->lane = ++self->next_lane;
    worker->intake_up = false;
    worker->intake_since = self->now;
    output_t *out = push_output(self, OUT_LANE_OPEN, worker->lane);
    size_t len = strlen(worker->endpoint) + 1;
    buf_put(&out->frame, worker->endpoint, len);
    buf_put(&out->frame, worker->key_id, strlen(worker->key_id) + 1);
    out->endpoint = (const char *)out->frame.p;
    out->name = out->endpoint + len;
}

void
lane_is_here(coordinator_t *self, const worker_t *worker, uint64_t connection)
{
    push_output(self, OUT_LANE_HERE, worker->lane)->connection = connection;
}

// The keys are files, so this is for who drives the machine.
bool
on_reload_keys(coordinator_t *self, const incoming_t *in)
{
    push_output(self, OUT_RELOAD, in->peer);
    return true;
}

void
close_lane(coordinator_t *self, worker_t *worker)
{
    if (worker->lane != 0) {
        push_output(self, OUT_LANE_CLOSE, worker->lane);
        worker->lane = 0;
    }
}

coordinator_t *
coordinator_new(const coordinator_config_t *config, int64_t now_ms)
{
    coordinator_t *self = xcalloc(1, sizeof *self);

    assert(config->epoch > 0);
    self->config = *config;
    budgets_init(self);
    self->wall_ms = config->wall_ms;
    self->pool =
        pool_new(config->merge_threads < TALLY_PARTS ? config->merge_threads
                                                     : TALLY_PARTS);
    self->events = events_new(config->epoch);
    self->now = now_ms;
    self->settled = now_ms + config->settle_ms;
    self->next_job = self->stats.next_job = config->first_job;
    return self;
}

void
coordinator_destroy(coordinator_t **self_p)
{
    coordinator_t *self = *self_p;
    job_t *job, *next_job;
    worker_t *worker, *next_worker;

    if (self == NULL) {
        return;
    }
    HASH_ITER(hh, self->jobs, job, next_job)
    {
        job_destroy(self, job);
    }
    HASH_CLEAR(by_incarnation, self->incarnations);
    HASH_ITER(by_name, self->workers, worker, next_worker)
    {
        HASH_DELETE(by_name, self->workers, worker);
        free(worker);
    }
    for (size_t i = self->out_head; i < self->n_out; i++) {
        buf_fini(&self->out[i].frame);
    }
    for (size_t i = 0; i < self->n_held; i++) {
        buf_fini(&self->held[i].frame);
    }
    free(self->out);
    free(self->held);
    buf_fini(&self->fetched.bytes);
    pool_destroy(&self->pool);
    versions_free(self);
    events_destroy(&self->events);
    refusals_free(self);
    leases_free(self);
    free(self);
    *self_p = NULL;
}

const coordinator_stats_t *
coordinator_stats(const coordinator_t *self)
{
    return &self->stats;
}

static bool
run_frame(coordinator_t *self, link_t link, const incoming_t *in)
{
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        const struct handler *h = &handlers[i];
        if (h->type != in->frame->type || h->link != link) {
            continue;
        }
        if ((in->who->roles & h->roles) == 0) {
            if (link == LINK_CONTROL) {
                send_refused(self, in->peer, ERR_DENIED, EXIT_FAILED,
                    "the key '%s' may not do this: it has not the role for it",
                    in->who->name);
            }
            return false;
        }
        if (!h->any_epoch && in->frame->epoch != self->config.epoch) {
            self->stats.stale++;
            return true;
        }
        return h->run(self, in);
    }
    return false;
}

void
coordinator_message(coordinator_t *self, link_t link, uint64_t peer,
    const identity_t *who, const char *address, span_t bytes, int64_t now_ms)
{
    frame_t frame;
    incoming_t in = {peer, who, address, &frame};
    errcode_t rc = frame_decode(bytes, &frame);

    self->now = now_ms;
    self->stats.messages++;
    if (rc == ERR_VERSION && link == LINK_CONTROL) {
        // In the words of this one, which is all that can be said.
        refuse_version(self, &in, frame.version, frame.version);
    }
    if (rc != ERR_OK || !run_frame(self, link, &in)) {
        self->stats.messages_refused++;
    }
    leases_give(self);
}

void
coordinator_undelivered(
    coordinator_t *self, out_kind_t kind, uint64_t peer, int64_t now_ms)
{
    worker_t *w, *next;

    self->now = now_ms;
    HASH_ITER(by_name, self->workers, w, next)
    {
        // A worker whose connection is gone may be back on another in a
        // moment; its silence will tell.
        if (kind == OUT_INTAKE && w->lane == peer && w->lane != 0) {
            w->pause_until = now_ms + PAUSE_MS;
            for (lease_t *l = w->leases, *after; l != NULL; l = after) {
                after = l->next;
                if (l->mentioned < 0) {
                    lease_lapse(self, l, false);
                }
            }
        }
    }
    job_t *job, *next_job;
    HASH_ITER(hh, self->jobs, job, next_job)
    {
        for (size_t i = job->n_followers; kind == OUT_CONTROL && i-- > 0;) {
            if (job->followers[i] == peer) {
                job->followers[i] = job->followers[--job->n_followers];
            }
        }
    }
}

// A process that dies takes its connections with it at once; one that lives
// is heard of, and if it is not, registers again a moment later and has its
// leases back.
void
coordinator_lane_down(coordinator_t *self, uint64_t lane, int64_t now_ms)
{
    worker_t *w, *next;

    self->now = now_ms;
    HASH_ITER(by_name, self->workers, w, next)
    {
        if (w->lane == lane && w->lane != 0) {
            w->intake_up = false;
            w->intake_since = now_ms;
        }
        if (w->up && w->lane == lane && now_ms - w->heard >= LANE_SILENT_MS) {
            worker_lost(self, w, "its connections are gone");
        }
    }
    leases_give(self);
}

void
coordinator_lane_up(coordinator_t *self, uint64_t lane, int64_t now_ms)
{
    worker_t *w, *next;

    self->now = now_ms;
    HASH_ITER(by_name, self->workers, w, next)
    {
        if (w->lane == lane && w->lane != 0) {
            w->intake_up = true;
            w->intake_since = now_ms;
        }
    }
}

void
coordinator_clock(coordinator_t *self, int64_t wall_ms)
{
    self->wall_ms = wall_ms;
}

void
coordinator_revoked(coordinator_t *self, const char *id, int64_t now_ms)
{
    worker_t *w, *next;

    self->now = now_ms;
    event_tell(self, LOG_WARN, "key-revoked", NULL, NULL, "%s", id);
    HASH_ITER(by_name, self->workers, w, next)
    {
        if (strcmp(w->key_id, id) == 0) {
            worker_lost(self, w, "its key was revoked");
            worker_forget(self, w);
        }
    }
}

static void
release_held(coordinator_t *self)
{
    size_t kept = 0;

    for (size_t i = 0; i < self->n_held; i++) {
        if (self->held[i].after > self->durable) {
            self->held[kept++] = self->held[i];
        } else {
            *push_output(self, OUT_CONTROL, 0) = self->held[i];
        }
    }
    self->n_held = kept;
}

void
coordinator_journaled(coordinator_t *self, uint64_t number, int64_t now_ms)
{
    job_t *job, *next;

    self->now = now_ms;
    self->durable = number;
    self->wants_grant = true; // there is more room
    release_held(self);
    HASH_ITER(hh, self->jobs, job, next)
    {
        if (job->state == lt_JobState_JOB_RUNNING && !job->started &&
            job->planned_by <= number) {
            job_start(self, job);
        }
        change_durable(self, job);
        event_tell_job(self, job);
    }
    leases_give(self);
}

void
coordinator_journal_stuck(coordinator_t *self, const char *why, int64_t now_ms)
{
    self->now = now_ms;
    event_tell(self, why != NULL ? LOG_ERROR : LOG_INFO,
        why != NULL ? "journal-stuck" : "journal-goes-on", NULL, NULL, "%s",
        why != NULL ? why : "");
    snprintf(self->stuck, sizeof self->stuck, "%s", why != NULL ? why : "");
    self->wants_grant = true;
}

int64_t
coordinator_tick(coordinator_t *self, int64_t now_ms)
{
    bool busy = false;
    job_t *job, *next;

    self->now = now_ms;
    standing_tick(self);
    workers_tick(self);
    leases_tick(self);
    jobs_tick(self);
    leases_give(self);
    stragglers_tick(self);
    watch_tick(self);
    HASH_ITER(hh, self->jobs, job, next)
    {
        busy = busy || !job_is_over(job);
    }
    return busy ? UPDATE_MS : HEARTBEAT_MS;
}
