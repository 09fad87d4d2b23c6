// SPDX-License-Identifier: Apache-2.0
// Who is there. A worker is known by its name for the coordinator's life and
// by its incarnation for its own; a lost one stays known, so that what it
// alone can read is waited for and named.
#include "coordinator/coordinator_inside.h"

#include "common/base/log.h"
#include "common/base/xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
worker_has_label(const worker_t *worker, const char *label)
{
    for (size_t i = 0; i < worker->n_labels; i++) {
        if (strcmp(worker->labels[i], label) == 0) {
            return true;
        }
    }
    return false;
}

worker_t *
worker_speaking(coordinator_t *self, const incoming_t *in, uint64_t incarnation)
{
    worker_t *w;

    HASH_FIND(by_incarnation, self->incarnations, &incarnation,
        sizeof w->incarnation, w);
    if (w == NULL || strcmp(w->key, in->who->name) != 0) {
        return NULL;
    }
    if (w->up) {
        w->heard = self->now;
    }
    return w;
}

void
worker_lost(coordinator_t *self, worker_t *worker, const char *why)
{
    job_t *job, *next;

    if (!worker->up) {
        return;
    }
    worker->up = false;
    self->n_up--;
    record_worker(self, worker);
    self->stats.workers_lost++;
    log_event(LOG_WARN, "worker-lost", "name", worker->name, "why", why, NULL);
    event_tell(self, LOG_WARN, "worker-lost", NULL, worker->name, "%s", why);
    close_lane(self, worker);
    leases_worker_lost(self, worker);
    HASH_ITER(hh, self->jobs, job, next)
    {
        plan_worker_lost(self, job, worker);
    }
}

// "tcp://ADDRESS:PORT"; a numeric IPv6 address gets its brackets. Nothing can
// be dialled of a worker that dials.
static void
set_endpoint(worker_t *worker, const lt_Register *meta, const char *address)
{
    worker->dials = meta->dials;
    if (meta->dials) {
        worker->endpoint[0] = '\0';
        return;
    }
    const char *host =
        meta->intake_address[0] != '\0' ? meta->intake_address : address;
    bool v6 = strchr(host, ':') != NULL && host[0] != '[';

    snprintf(worker->endpoint, sizeof worker->endpoint, "tcp://%s%.200s%s:%u",
        v6 ? "[" : "", host, v6 ? "]" : "", (unsigned)meta->intake_port);
}

static errcode_t
take_labels(const frame_t *frame, const lt_Register *meta, worker_t *into)
{
    rd_t r = rd_init(frame->payload);

    if (meta->n_labels > LIMIT_LABELS) {
        return ERR_TOO_LARGE;
    }
    into->n_labels = meta->n_labels;
    for (size_t i = 0; i < meta->n_labels; i++) {
        lt_Label label;
        errcode_t rc = record_get(&r, lt_Label_fields, &label);
        if (rc != ERR_OK) {
            return rc;
        }
        snprintf(into->labels[i], LIMIT_NAME, "%s", label.label);
    }
    return rd_end(&r);
}

bool
host_name_is_sound(const char *name)
{
    size_t n = strlen(name);

    return n > 0 && n < LIMIT_NAME && strcmp(name, "shared") != 0 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz"
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

static void refuse(coordinator_t *self, const incoming_t *in, errcode_t rc,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void
refuse(coordinator_t *self, const incoming_t *in, errcode_t rc, const char *fmt,
    ...)
{
    char text[LIMIT_TEXT];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    refusal_note(self, in, text);
    send_refused(self, in->peer, rc, EXIT_FAILED, "%s", text);
}

// Asking for the port may open it, so that who has no such worker has no such
// port.
static uint16_t
lane_port(const coordinator_t *self)
{
    return self->config.lane_port == NULL
               ? 0
               : self->config.lane_port(self->config.lane_ctx);
}

static bool
can_be_reached(
    coordinator_t *self, const incoming_t *in, const lt_Register *meta)
{
    if (!meta->dials || lane_port(self) != 0) {
        return true;
    }
    refuse(self, in, ERR_UNREACHABLE,
        "this coordinator cannot listen on its lane port, where workers with "
        "transport = dial get their shards; its log says why");
    return false;
}

// What a registration says, checked; nothing is changed yet.
static errcode_t
read_register(coordinator_t *self, const incoming_t *in, lt_Register *meta,
    worker_t *said)
{
    errcode_t rc = frame_meta(in->frame, lt_Register_fields, meta);

    if (rc != ERR_OK || (rc = take_labels(in->frame, meta, said)) != ERR_OK) {
        return rc;
    }
    if (!versions_agree(self, in, meta)) {
        return ERR_VERSION;
    }
    if (!host_name_is_sound(meta->name) ||
        !identity_speaks_for(in->who, meta->name)) {
        refuse(self, in, ERR_DENIED,
            "the key '%s' may not speak for host '%s'; make one that may: "
            "logtally keys new DIR NAME --role worker --host %s",
            in->who->name, meta->name, meta->name);
        return ERR_DENIED;
    }
    if (meta->executors == 0 || meta->executors > LIMIT_EXECUTORS ||
        meta->incarnation == 0 || meta->intake_port > UINT16_MAX) {
        return ERR_MALFORMED;
    }
    return can_be_reached(self, in, meta) ? ERR_OK : ERR_UNREACHABLE;
}

// More than two workers of one name would take it from each other in turns,
// if only the last one were known. One that was superseded may come back when
// the other is gone: it may have been the last word of a process long dead.
static bool
was_superseded(const worker_t *w, uint64_t incarnation)
{
    for (size_t i = 0; i < SUPERSEDED; i++) {
        if (incarnation != 0 && w->superseded[i] == incarnation) {
            return true;
        }
    }
    return false;
}

static void
end_incarnation(coordinator_t *self, worker_t *w, const incoming_t *in)
{
    lt_Bye bye = {.incarnation = w->incarnation,
        .reason = "another worker registered with this name"};

    if (w->up && w->peer != in->peer) {
        send_frame(self, OUT_CONTROL, w->peer, PROTO_BYE, lt_Bye_fields, &bye,
            (span_t){0});
    }
    worker_lost(self, w, "another one registered with its name");
    w->superseded[w->n_superseded++ % SUPERSEDED] = w->incarnation;
}

// Never heard of it has incarnation 0, and cannot be found by one.
static void
set_incarnation(coordinator_t *self, worker_t *w, uint64_t incarnation)
{
    if (w->incarnation != 0) {
        HASH_DELETE(by_incarnation, self->incarnations, w);
    }
    w->incarnation = incarnation;
    HASH_ADD(by_incarnation, self->incarnations, incarnation,
        sizeof w->incarnation, w);
}

worker_t *
worker_named(coordinator_t *self, const char *name)
{
    worker_t *w;

    HASH_FIND(by_name, self->workers, name, strlen(name), w);
    if (w == NULL) {
        w = xcalloc(1, sizeof *w);
        snprintf(w->name, sizeof w->name, "%s", name);
        w->heard = self->now;
        HASH_ADD(by_name, self->workers, name, strlen(w->name), w);
    }
    return w;
}

// NULL: refused.
static worker_t *
worker_of(coordinator_t *self, const incoming_t *in, const lt_Register *meta)
{
    worker_t *w, *other;

    HASH_FIND(by_name, self->workers, meta->name, strlen(meta->name), w);
    HASH_FIND(by_incarnation, self->incarnations, &meta->incarnation,
        sizeof meta->incarnation, other);
    if (other != NULL && other != w) {
        return NULL; // an incarnation belongs to one name
    }
    if (w != NULL && w->incarnation == meta->incarnation &&
        strcmp(w->key, in->who->name) != 0) {
        refuse(self, in, ERR_DENIED,
            "this worker registered as '%s' with another key", w->name);
        return NULL;
    }
    if (w != NULL && w->up && was_superseded(w, meta->incarnation)) {
        refuse(self, in, ERR_STALE,
            "another worker registered as '%s' after this one", w->name);
        return NULL;
    }
    if (w != NULL && w->incarnation == meta->incarnation) {
        return w;
    }
    if (w != NULL && w->incarnation != 0) {
        end_incarnation(self, w, in);
    }
    if (w == NULL && HASH_CNT(by_name, self->workers) >= LIMIT_WORKERS) {
        refuse(self, in, ERR_TOO_LARGE,
            "the coordinator has %u workers and takes no more", LIMIT_WORKERS);
        return NULL;
    }
    w = w != NULL ? w : worker_named(self, meta->name);
    set_incarnation(self, w, meta->incarnation);
    return w;
}

// Everybody who was there before the restart is there again: jobs need not
// wait for anybody else to be planned.
static void
expect_no_more(coordinator_t *self, worker_t *w)
{
    job_t *job, *next;

    if (!w->expected) {
        return;
    }
    w->expected = false;
    if (--self->n_expected > 0 || self->settled <= self->now) {
        return;
    }
    self->settled = self->now;
    HASH_ITER(hh, self->jobs, job, next)
    {
        if (job->plan_at > self->now) {
            job->plan_at = self->now;
        }
    }
}

static void
bring_up(coordinator_t *self, worker_t *w, const incoming_t *in,
    const lt_Register *meta, const worker_t *said)
{
    char before[sizeof w->endpoint];

    memcpy(before, w->endpoint, sizeof before);
    set_endpoint(w, meta, in->address);
    char key_id[LIMIT_NAME];
    identity_id(in->who, key_id);
    bool other_key = strcmp(w->key_id, key_id) != 0;
    memcpy(w->key_id, key_id, sizeof w->key_id);
    snprintf(w->key, sizeof w->key, "%s", in->who->name);
    snprintf(w->address, sizeof w->address, "%s", in->address);
    snprintf(w->software, sizeof w->software, "%s", meta->software);
    snprintf(w->sandbox, sizeof w->sandbox, "%s", meta->sandbox);
    w->open_files = meta->open_files;
    refusal_forget(self, w->key);
    memcpy(w->labels, said->labels, sizeof w->labels);
    w->n_labels = said->n_labels;
    w->executors = meta->executors;
    w->peer = in->peer;
    w->heard = self->now;
    w->pause_until = 0;
    if (!w->up || w->lane == 0 || other_key ||
        strcmp(before, w->endpoint) != 0) {
        close_lane(self, w);
        open_lane(self, w);
    }
    self->n_up += !w->up;
    w->up = true;
    expect_no_more(self, w);
    w->forgotten = false;
    record_worker(self, w);
    lend_to(self, w);
    plan_worker_up(self, w);
}

bool
on_register(coordinator_t *self, const incoming_t *in)
{
    lt_Register meta;
    worker_t *said = xcalloc(1, sizeof *said);
    errcode_t rc = read_register(self, in, &meta, said);
    worker_t *w = rc == ERR_OK ? worker_of(self, in, &meta) : NULL;

    if (w != NULL) {
        bring_up(self, w, in, &meta, said);
        lt_Registered reply = {.version = PROTOCOL_VERSION,
            .epoch = self->config.epoch,
            .heartbeat_ms = HEARTBEAT_MS,
            .sink_port = self->config.sink_port,
            .staging_bytes = self->config.staging_bytes,
            .lane_port = w->dials ? lane_port(self) : 0};
        send_frame(self, OUT_CONTROL, in->peer, PROTO_REGISTERED,
            lt_Registered_fields, &reply, (span_t){0});
        log_event(LOG_INFO, "worker-up", "name", w->name, "intake",
            w->dials ? "it dials" : w->endpoint, NULL);
        event_tell(
            self, LOG_INFO, "worker-up", NULL, w->name, "%s", w->software);
    }
    free(said);
    return w != NULL;
}

static bool
check_superseded(
    coordinator_t *self, const incoming_t *in, uint64_t incarnation)
{
    worker_t *w, *next;

    HASH_ITER(by_name, self->workers, w, next)
    {
        if (w->up && was_superseded(w, incarnation) &&
            strcmp(w->key, in->who->name) == 0) {
            send_refused(self, in->peer, ERR_STALE, EXIT_FAILED,
                "another worker registered as '%s' after this one", w->name);
            return true;
        }
    }
    return false;
}

// How far a clock is from ours. The peer says any number.
static int64_t
clock_between(int64_t theirs, int64_t ours)
{
    int64_t between;

    if (__builtin_sub_overflow(theirs, ours, &between)) {
        return theirs < 0 ? INT64_MIN : INT64_MAX;
    }
    return between;
}

bool
on_heartbeat(coordinator_t *self, const incoming_t *in)
{
    lt_Heartbeat meta;
    lt_Held held;
    lt_Offer offer;
    rd_t r = rd_init(in->frame->payload);

    if (frame_meta(in->frame, lt_Heartbeat_fields, &meta) != ERR_OK) {
        return false;
    }
    worker_t *w = worker_speaking(self, in, meta.incarnation);
    if (w == NULL || !w->up || w->peer != in->peer) {
        lt_Unknown reply = {.incarnation = meta.incarnation};
        if (w != NULL || !check_superseded(self, in, meta.incarnation)) {
            send_frame(self, OUT_CONTROL, in->peer, PROTO_UNKNOWN,
                lt_Unknown_fields, &reply, (span_t){0});
        }
        return true;
    }
    w->clock_told = meta.wall_ms != 0;
    w->clock_ms = w->clock_told
                      ? clock_between(meta.wall_ms, self->now + self->wall_ms)
                      : 0;
    snprintf(w->trouble, sizeof w->trouble, "%s", meta.trouble);
    lt_HeartbeatAck ack = {.seq = meta.seq};
    send_frame(self, OUT_CONTROL, in->peer, PROTO_HEARTBEAT_ACK,
        lt_HeartbeatAck_fields, &ack, (span_t){0});
    for (uint32_t i = 0; i < meta.n_held; i++) {
        if (record_get(&r, lt_Held_fields, &held) != ERR_OK) {
            return false;
        }
        lease_held(self, w, &held);
    }
    for (uint32_t i = 0; i < meta.n_offers; i++) {
        if (record_get(&r, lt_Offer_fields, &offer) != ERR_OK) {
            return false;
        }
        take_offer(self, w, &offer);
    }
    return rd_end(&r) == ERR_OK;
}

// Only who is registered as that incarnation, with its key, gets its frames.
bool
on_lane(coordinator_t *self, const incoming_t *in)
{
    lt_Lane meta;

    if (frame_meta(in->frame, lt_Lane_fields, &meta) != ERR_OK) {
        return false;
    }
    worker_t *w = worker_speaking(self, in, meta.incarnation);
    if (w == NULL || !w->dials) {
        return false;
    }
    if (w->up && w->lane != 0) {
        lane_is_here(self, w, in->peer);
    }
    return true;
}

bool
on_bye(coordinator_t *self, const incoming_t *in)
{
    lt_Bye meta;

    if (frame_meta(in->frame, lt_Bye_fields, &meta) != ERR_OK) {
        return false;
    }
    worker_t *w = worker_speaking(self, in, meta.incarnation);
    if (w != NULL) {
        worker_lost(self, w, "it said goodbye");
    }
    return w != NULL;
}

void
worker_forget(coordinator_t *self, worker_t *worker)
{
    if (!worker->forgotten) {
        worker->forgotten = true;
        log_event(LOG_INFO, "worker-forgotten", "name", worker->name, NULL);
        event_tell(self, LOG_INFO, "worker-forgotten", NULL, worker->name,
            "nobody waits for it any more");
        record_worker(self, worker);
    }
}

void
workers_tick(coordinator_t *self)
{
    worker_t *w, *next;

    HASH_ITER(by_name, self->workers, w, next)
    {
        if (!w->up && self->now - w->heard >= WORKER_FORGET_MS) {
            worker_forget(self, w);
        }
        if (w->up && self->now - w->heard >= WORKER_LOST_MS &&
            self->config.local_host == NULL) {
            worker_lost(self, w, "it is silent");
        }
    }
}
