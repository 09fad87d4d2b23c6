// SPDX-License-Identifier: Apache-2.0
// The machine decides, this file carries: frames that ZAP and the current
// allowlist vouch for go in, outputs go to their sockets.
//
// The sink has an I/O thread of its own, so that heartbeats on control do not
// wait behind the decryption of partials. Each socket is drained for at most
// DRAIN_MAX messages a round, so neither can shut out the other.
#include "coordinator/audit_take_io.h"
#include "coordinator/coordinator_inside_io.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/xalloc.h"
#include "common/wire/control.pb.h"
#include "common/wire/frame.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_MAX        256 // messages of one socket in a round
#define REFRESH_MS       1000
#define REFRESH_SOON_MS  20 // several files of one change are one refresh
#define AWAY_MS          2000
#define STUCK_POLL_MS    200
#define REBIND_TRIES     200
#define REBIND_PAUSE_MS  10
#define RESERVE_RETRY_MS 5000

enum {
    ITEM_SIGNALS,
    ITEM_KEYS,
    ITEM_JOURNAL,
    ITEM_DASHBOARD,
    ITEM_CONTROL,
    ITEM_SINK,
    ITEM_LANE,
    N_ITEMS
};

// ---- outputs

static void
tell_number(coordinator_io_t *self, const char *event, uint64_t total)
{
    char text[40];

    snprintf(text, sizeof text, "%llu", (unsigned long long)total);
    log_event(LOG_WARN, event, "total", text, NULL);
    snprintf(text, sizeof text, "%llu so far", (unsigned long long)total);
    coordinator_event(self->machine, LOG_WARN, event, NULL, text,
        self->seen_ms - self->away_ms);
}

static void
open_lane(coordinator_io_t *self, const output_t *out, int64_t now_ms)
{
    identity_t worker;
    buf_t why = {0};

    if (out->endpoint[0] == '\0') {
        lanes_expect(self->lanes, out->peer, out->name);
        return;
    }
    errcode_t rc = zap_identity(self->zap, out->name, &worker);

    if (rc == ERR_OK) {
        rc = lanes_open(self->lanes, out->peer, out->endpoint, &worker, &why);
    } else {
        buf_put_str(&why, "its key is no longer allowed");
    }
    buf_put_u8(&why, '\0');
    if (rc != ERR_OK) {
        log_event(LOG_WARN, "worker-unreachable", "name", out->name, "intake",
            out->endpoint, "why", (const char *)why.p, NULL);
        coordinator_event(self->machine, LOG_WARN, "worker-unreachable",
            out->name, (const char *)why.p, now_ms);
        coordinator_undelivered(self->machine, OUT_INTAKE, out->peer, now_ms);
    }
    buf_fini(&why);
}

static void
send_control(
    coordinator_io_t *self, uint64_t peer, span_t message, int64_t now_ms)
{
    static log_limit_t limit = {.per_second = 5};
    errcode_t rc = socket_send_to(self->control, peer, message);

    if (rc == ERR_OK) {
        return;
    }
    // A peer with thousands of frames unread is as good as gone, and must
    // not make the others wait.
    if (rc != ERR_NOT_FOUND && log_allowed(&limit, "control-full")) {
        log_event(LOG_WARN, "control-full", "error", err_text(rc), NULL);
    }
    coordinator_undelivered(self->machine, OUT_CONTROL, peer, now_ms);
}

static void
tell_keys_changed(coordinator_io_t *self, int64_t now_ms)
{
    log_event(LOG_INFO, "keys-changed", NULL);
    coordinator_event(self->machine, LOG_INFO, "keys-changed", NULL,
        "another list of allowed keys is in force", now_ms);
}

// An admin asked. What was revoked is cut off a moment later, so that the
// answer is not cut off with it.
static void
reload_keys(coordinator_io_t *self, const output_t *out, int64_t now_ms)
{
    buf_t why = {0};
    zap_reload_t done = zap_reload(self->zap, &why);
    lt_KeysReloaded meta = {
        .changed = done.changed, .allowed = (uint32_t)done.allowed};
    buf_t answer = {0};

    if (done.changed) {
        tell_keys_changed(self, now_ms);
    }
    snprintf(meta.fault, sizeof meta.fault, "%.*s", (int)why.len,
        why.len > 0 ? (const char *)why.p : "");
    frame_encode(&answer, PROTO_KEYS_RELOADED, 0, lt_KeysReloaded_fields, &meta,
        (span_t){0});
    outbox_put(self->outbox, out->peer, buf_span(&answer));
    self->refresh_at_ms = now_ms + REFRESH_SOON_MS;
    buf_fini(&answer);
    buf_fini(&why);
}

static void
carry_out(coordinator_io_t *self, output_t *out, int64_t now_ms)
{
    switch (out->kind) {
    case OUT_CONTROL:
        outbox_put(self->outbox, out->peer, buf_span(&out->frame));
        break;
    case OUT_INTAKE:
        if (lanes_send(self->lanes, out->peer, &out->frame, now_ms) != ERR_OK) {
            coordinator_undelivered(
                self->machine, OUT_INTAKE, out->peer, now_ms);
        }
        break;
    case OUT_LANE_OPEN:
        open_lane(self, out, now_ms);
        break;
    case OUT_LANE_HERE:
        lanes_here(self->lanes, out->peer, out->connection);
        break;
    case OUT_LANE_CLOSE:
        lanes_close(self->lanes, out->peer);
        break;
    case OUT_RELOAD:
        reload_keys(self, out, now_ms);
        break;
    }
}

// So that ids are not given out twice even if the journal is lost. While the
// disk is full the journal holds the jobs back, so this can wait.
static void
reserve_jobs(coordinator_io_t *self, int64_t now_ms)
{
    uint64_t next = coordinator_stats(self->machine)->next_job;

    if (now_ms >= self->reserve_at_ms &&
        state_reserve_job(self->state, next) != ERR_OK) {
        self->reserve_at_ms = now_ms + RESERVE_RETRY_MS;
        log_event(LOG_ERROR, "state-failed", "what", "next_job", "error",
            strerror(errno), NULL);
        coordinator_event(self->machine, LOG_ERROR, "state-failed", NULL,
            "next_job cannot be written", now_ms);
    }
}

static void
flush(coordinator_io_t *self, int64_t now_ms)
{
    output_t out;
    uint64_t peer;
    span_t message;

    reserve_jobs(self, now_ms);
    while (!self->failed && coordinator_next(self->machine, &out)) {
        carry_out(self, &out, now_ms);
        buf_fini(&out.frame);
    }
    while (outbox_next(self->outbox, &peer, &message)) {
        send_control(self, peer, message, now_ms);
    }
}

// ---- inputs

static void
refuse(coordinator_io_t *self, link_t link, int64_t now_ms)
{
    static log_limit_t limit = {.per_second = 5};
    static const char *const names[] = {
        [LINK_CONTROL] = "control", [LINK_SINK] = "sink", [LINK_LANE] = "lane"};

    self->unknown++;
    if (log_allowed(&limit, "message-refused")) {
        log_event(LOG_WARN, "message-refused", "name", self->in.user, "from",
            self->in.address, "socket", names[link], NULL);
        coordinator_event(self->machine, LOG_WARN, "message-refused", NULL,
            self->in.user, now_ms);
    }
}

static void
take(coordinator_io_t *self, link_t link, int64_t now_ms)
{
    identity_t who;

    if (self->in.user[0] == '\0' ||
        zap_identity(self->zap, self->in.user, &who) != ERR_OK) {
        refuse(self, link, now_ms);
        return;
    }
    roster_note(self->roster, &who);
    const coordinator_stats_t before = *coordinator_stats(self->machine);
    coordinator_message(self->machine, link, self->in.peer, &who,
        self->in.address, buf_span(&self->in.frame), now_ms);
    if (link == LINK_CONTROL) {
        audit_message(self, &who, &before);
    }
}

static void
drain(coordinator_io_t *self, void *socket, link_t link, int64_t now_ms)
{
    for (int i = 0;
         (i < DRAIN_MAX || received_more(&self->in)) && !self->failed; i++) {
        errcode_t rc = socket_receive(socket, link != LINK_SINK, &self->in);
        if (rc == ERR_BUSY) {
            break;
        }
        if (rc == ERR_OK) {
            take(self, link, now_ms);
        } else if (rc == ERR_MALFORMED) {
            refuse(self, link, now_ms);
        } else {
            log_event(LOG_ERROR, "socket-failed", "error",
                zmq_strerror(zmq_errno()), NULL);
            self->failed = true;
        }
    }
    flush(self, now_ms);
}

// ---- keys

static errcode_t
look_up(void *ctx, const char *name, identity_t *out)
{
    return zap_identity(ctx, name, out);
}

static bool
rebind(void *socket)
{
    char endpoint[LIMIT_ENDPOINT];
    size_t len = sizeof endpoint;

    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &len) != 0 ||
        zmq_unbind(socket, endpoint) != 0) {
        return false;
    }
    for (int i = 0; i < REBIND_TRIES; i++) {
        if (zmq_bind(socket, endpoint) == 0) {
            return true;
        }
        if (zmq_errno() != EADDRINUSE) {
            return false;
        }
        nanosleep(
            &(struct timespec){.tv_nsec = REBIND_PAUSE_MS * 1000000}, NULL);
    }
    return false;
}

// Messages of a revoked name are refused one by one already. Its open
// connections are cut as well, or they would speak again once another key
// gets the same name; libzmq can only cut all. Those still allowed are back
// within a second, and what they had under way is offered again.
static void
cut_connections(coordinator_io_t *self)
{
    void *lane = lanes_socket(self->lanes);

    lanes_cut(self->lanes);
    if (rebind(self->control) && rebind(self->sink) &&
        (lane == NULL || rebind(lane))) {
        return;
    }
    log_event(
        LOG_ERROR, "listen-failed", "error", zmq_strerror(zmq_errno()), NULL);
    self->failed = true;
}

static void
refresh_keys(coordinator_io_t *self, int64_t now_ms)
{
    char name[LIMIT_NAME];
    bool cut = false;

    if (zap_refresh(self->zap)) {
        tell_keys_changed(self, now_ms);
    }
    while (roster_next_gone(self->roster, look_up, self->zap, name)) {
        log_event(LOG_INFO, "key-revoked", "name", name, NULL);
        audit_revoked(self, name);
        coordinator_revoked(self->machine, name, now_ms);
        cut = true;
    }
    flush(self, now_ms);
    if (cut) {
        cut_connections(self);
    }
    self->refresh_at_ms = now_ms + REFRESH_MS;
}

// ---- the loop

// The time that the machine lives in. It stands still while this process is
// stopped or busy for long: what the workers said meanwhile is still in the
// sockets, and they must not be taken for lost before it was read.
static int64_t
machine_ms(coordinator_io_t *self)
{
    int64_t now_ms = clock_mono_ms();
    int64_t gap_ms = now_ms - self->seen_ms;

    if (gap_ms > AWAY_MS) {
        char text[24], said[40];
        snprintf(text, sizeof text, "%lld", (long long)gap_ms);
        log_event(LOG_WARN, "was-away", "ms", text, NULL);
        snprintf(said, sizeof said, "for %s ms", text);
        self->away_ms += gap_ms;
        coordinator_event(self->machine, LOG_WARN, "was-away", NULL, said,
            now_ms - self->away_ms);
    }
    self->seen_ms = now_ms;
    return now_ms - self->away_ms;
}

static void
tell_changes(coordinator_io_t *self)
{
    const coordinator_stats_t *now = coordinator_stats(self->machine);
    const struct {
        const char *event;
        uint64_t now;
        uint64_t told;
    } rows[] = {
        {"frames-refused", now->messages_refused, self->told.messages_refused},
        {"leases-expired", now->leases_expired, self->told.leases_expired},
        {"partials-rejected", now->partials_rejected,
            self->told.partials_rejected},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].now != rows[i].told) {
            tell_number(self, rows[i].event, rows[i].now);
        }
    }
    self->told = *now;
}

static void
on_signal(coordinator_io_t *self, int64_t now_ms)
{
    struct signalfd_siginfo info;

    while (read(self->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            self->refresh_at_ms = now_ms;
        } else {
            self->ending = true;
        }
    }
}

static void
on_key_change(coordinator_io_t *self, int64_t now_ms)
{
    uint8_t events[4096];

    while (self->key_changes != -1 &&
           read(self->key_changes, events, sizeof events) > 0) {
        self->refresh_at_ms = now_ms + REFRESH_SOON_MS;
    }
}

static void
on_journal(coordinator_io_t *self, int64_t now_ms)
{
    buf_t why = {0};
    uint64_t durable = journal_io_state(self->journal, &why);

    if (durable != self->journaled) {
        self->journaled = durable;
        coordinator_journaled(self->machine, durable, now_ms);
    }
    if (!span_eq(buf_span(&why), buf_span(&self->stuck))) {
        buf_clear(&self->stuck);
        buf_put_span(&self->stuck, buf_span(&why));
        bool stuck = why.len > 0;
        buf_put_u8(&why, '\0');
        log_event(stuck ? LOG_ERROR : LOG_INFO,
            stuck ? "journal-stuck" : "journal-goes-on", "why",
            (const char *)why.p, NULL);
        coordinator_journal_stuck(
            self->machine, stuck ? (const char *)why.p : NULL, now_ms);
    }
    buf_fini(&why);
    flush(self, now_ms);
}

// A negative descriptor would be an error to zmq_poll.
static int
key_fd(const coordinator_io_t *self)
{
    return self->key_changes != -1 ? self->key_changes : self->signals;
}

static size_t
poll_items(coordinator_io_t *self)
{
    void *lane = lanes_socket(self->lanes);
    size_t need = N_ITEMS + lanes_waiting(self->lanes);

    self->items =
        xgrow(self->items, &self->cap_items, need, sizeof *self->items);
    self->items[ITEM_SIGNALS] =
        (zmq_pollitem_t){.fd = self->signals, .events = ZMQ_POLLIN};
    self->items[ITEM_KEYS] =
        (zmq_pollitem_t){.fd = key_fd(self), .events = ZMQ_POLLIN};
    self->items[ITEM_JOURNAL] = (zmq_pollitem_t){
        .fd = journal_io_fd(self->journal), .events = ZMQ_POLLIN};
    self->items[ITEM_DASHBOARD] =
        (zmq_pollitem_t){.fd = dashboard_io_fd(self), .events = ZMQ_POLLIN};
    self->items[ITEM_CONTROL] =
        (zmq_pollitem_t){.socket = self->control, .events = ZMQ_POLLIN};
    self->items[ITEM_SINK] =
        (zmq_pollitem_t){.socket = self->sink, .events = ZMQ_POLLIN};
    self->items[ITEM_LANE] = (zmq_pollitem_t){
        .socket = lane, .fd = self->signals, .events = ZMQ_POLLIN};
    return N_ITEMS +
           lanes_poll_items(self->lanes, self->items + N_ITEMS, need - N_ITEMS);
}

static long
wait_ms(const coordinator_io_t *self, int64_t tick_ms, int64_t now_ms)
{
    int64_t wait = self->refresh_at_ms - now_ms;

    wait = tick_ms < wait ? tick_ms : wait;
    int64_t dashboard = self->dashboard_at_ms - now_ms;
    wait = dashboard < wait ? dashboard : wait;
    int64_t turn = notify_wait_ms(&self->notify, self->seen_ms);
    wait = turn < wait ? turn : wait;
    if (lanes_waiting(self->lanes) > 0 && wait > STUCK_POLL_MS) {
        wait = STUCK_POLL_MS;
    }
    return wait < 0 ? 0 : (long)wait;
}

static void
give_up_stuck_lanes(coordinator_io_t *self, int64_t now_ms)
{
    uint64_t lane;

    while (lanes_stuck(self->lanes, now_ms, &lane)) {
        log_event(LOG_WARN, "intake-unreachable", "name",
            lanes_name(self->lanes, lane), NULL);
        coordinator_event(self->machine, LOG_WARN, "intake-unreachable",
            lanes_name(self->lanes, lane), "it takes nothing", now_ms);
        coordinator_undelivered(self->machine, OUT_INTAKE, lane, now_ms);
        flush(self, now_ms);
    }
}

static void
look_at_lanes(coordinator_io_t *self, int64_t now_ms)
{
    uint64_t lane;
    bool up;

    while (lanes_changed(self->lanes, now_ms, &lane, &up)) {
        if (up) {
            coordinator_lane_up(self->machine, lane, now_ms);
        } else {
            coordinator_lane_down(self->machine, lane, now_ms);
        }
        flush(self, now_ms);
    }
}

// For who asks the service manager.
static void
tell_status(coordinator_io_t *self)
{
    buf_t text = {0};

    coordinator_status_text(self->machine, &text);
    notify_status(&self->notify, buf_span(&text), self->seen_ms);
    buf_fini(&text);
}

static void
do_due(coordinator_io_t *self, int64_t now_ms)
{
    lanes_flush(self->lanes);
    give_up_stuck_lanes(self, now_ms);
    look_at_lanes(self, now_ms);
    if (now_ms >= self->refresh_at_ms) {
        coordinator_clock(self->machine, clock_wall_ms() - now_ms);
        refresh_keys(self, now_ms);
        tell_changes(self);
        tell_status(self);
        metrics_io_tell(self);
        audit_tick(self);
    }
    dashboard_io_tell(self, now_ms);
}

// Looks at everything, whatever the poll said: after an interrupted one its
// flags say nothing, and a look costs little.
static void
do_ready(coordinator_io_t *self)
{
    int64_t now_ms = machine_ms(self);

    on_signal(self, now_ms);
    on_key_change(self, now_ms);
    on_journal(self, now_ms);
    dashboard_io_ready(self);
    drain(self, self->control, LINK_CONTROL, now_ms);
    drain(self, self->sink, LINK_SINK, now_ms);
    if (lanes_socket(self->lanes) != NULL) {
        drain(self, lanes_socket(self->lanes), LINK_LANE, now_ms);
    }
}

// What came of the time since its start.
static void
log_end(const coordinator_stats_t *now)
{
    const uint64_t numbers[] = {now->leases, now->adopted, now->commits};
    char texts[sizeof numbers / sizeof *numbers][24];

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        snprintf(
            texts[i], sizeof texts[i], "%llu", (unsigned long long)numbers[i]);
    }
    log_event(LOG_INFO, "coordinator-ends", "leases", texts[0], "adopted",
        texts[1], "commits", texts[2], NULL);
}

static errcode_t
loop(coordinator_io_t *self)
{
    while (!self->ending && !self->failed) {
        int64_t now_ms = machine_ms(self);
        int64_t tick_ms = coordinator_tick(self->machine, now_ms);
        flush(self, now_ms);
        do_due(self, now_ms);
        size_t n = poll_items(self);
        if (zmq_poll(self->items, (int)n, wait_ms(self, tick_ms, now_ms)) ==
                -1 &&
            zmq_errno() != EINTR) {
            log_event(LOG_ERROR, "poll-failed", "error",
                zmq_strerror(zmq_errno()), NULL);
            return ERR_IO;
        }
        do_ready(self);
        notify_turned(&self->notify, self->seen_ms);
    }
    return self->failed ? ERR_IO : ERR_OK;
}

errcode_t
coordinator_io_run(coordinator_io_t *self)
{
    notify_ready(&self->notify);
    errcode_t rc = loop(self);

    notify_stopping(&self->notify, 0);
    log_end(coordinator_stats(self->machine));
    return rc;
}
