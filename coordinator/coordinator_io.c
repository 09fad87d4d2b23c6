// SPDX-License-Identifier: Apache-2.0
// The machine decides, this file carries: frames that ZAP and the current
// allowlist vouch for go in, outputs go to their sockets.
//
// The sink has an I/O thread of its own, so that heartbeats on control do not
// wait behind the decryption of partials. Each socket is drained for at most
// DRAIN_MAX messages a round, so neither can shut out the other.
#include "coordinator/coordinator_io.h"

#include "certs/keyfile.h"
#include "certs/zap_io.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/xalloc.h"
#include "common/net/curve_socket.h"
#include "coordinator/coordinator.h"
#include "coordinator/lanes_io.h"
#include "coordinator/roster.h"
#include "coordinator/state_io.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define DRAIN_MAX       256 // messages of one socket in a round
#define CONTROL_HWM     4096
#define SINK_HWM        64 // chunks of 1 MiB, per worker
#define IO_THREADS      2
#define IO_THREAD_CTRL  1 // affinity bits
#define IO_THREAD_SINK  2
#define REFRESH_MS      1000
#define STUCK_POLL_MS   200
#define SOCKETS_MAX     (2 * (int)LIMIT_WORKERS + 64)
#define REBIND_TRIES    200
#define REBIND_PAUSE_MS 10
#define LAST_WORDS_MS   100

enum { ITEM_SIGNALS, ITEM_CONTROL, ITEM_SINK, N_ITEMS };

struct coordinator_io {
    coordinator_t *machine;
    state_t *state;
    keypair_t own;
    void *zmq_ctx;
    zap_t *zap;
    void *control;
    void *sink;
    lanes_t *lanes;
    roster_t *roster;
    int signals;
    uint16_t control_port;
    uint16_t sink_port;
    zmq_pollitem_t *items;
    size_t cap_items;
    received_t in;
    int64_t refresh_at_ms;
    uint64_t unknown; // messages without a name, or of one not allowed
    coordinator_stats_t told;
    uint64_t first_job;
    bool ending;
    bool failed;
};

// ---- opening

static void
raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
        limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// Before any thread starts, so that all of them leave signals to signalfd.
static errcode_t
open_signals(coordinator_io_t *self, buf_t *why)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
        buf_printf(why, "cannot block signals: %s", strerror(errno));
        return ERR_IO;
    }
    self->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (self->signals == -1) {
        buf_printf(why, "cannot open a signalfd: %s", strerror(errno));
        return ERR_IO;
    }
    return ERR_OK;
}

static errcode_t
load_own_key(const char *keys, keypair_t *out, buf_t *why)
{
    char *path = xasprintf("%s/coordinator_secret", keys);
    errcode_t rc = keyfile_load_secret(path, out, why);

    free(path);
    return rc == ERR_OK ? ERR_OK : ERR_CONFIG;
}

static errcode_t
load_allowed(const char *keys, allowlist_t **out, buf_t *why)
{
    errcode_t rc = allowlist_load(keys, out, why);

    if (rc != ERR_OK && why->len == 0) {
        buf_printf(why,
            "%s/allowed names nobody; `logtally keys new %s NAME --role "
            "worker` allows one",
            keys, keys);
    }
    return rc == ERR_OK ? ERR_OK : ERR_CONFIG;
}

errcode_t
coordinator_io_check_keys(const char *keys, buf_t *why)
{
    keypair_t own = {0};
    allowlist_t *allowed = NULL;
    errcode_t rc = load_own_key(keys, &own, why);

    if (rc == ERR_OK) {
        rc = load_allowed(keys, &allowed, why);
    }
    allowlist_destroy(&allowed);
    keypair_fini(&own);
    return rc;
}

static errcode_t
open_context(coordinator_io_t *self, buf_t *why)
{
    self->zmq_ctx = zmq_ctx_new();
    if (self->zmq_ctx == NULL ||
        zmq_ctx_set(self->zmq_ctx, ZMQ_IO_THREADS, IO_THREADS) != 0 ||
        zmq_ctx_set(self->zmq_ctx, ZMQ_MAX_SOCKETS, SOCKETS_MAX) != 0) {
        buf_printf(why, "cannot start ZeroMQ: %s", zmq_strerror(zmq_errno()));
        return ERR_IO;
    }
    return ERR_OK;
}

// The handler is there before the first server socket: no handshake may
// meet a socket without it.
static errcode_t
open_zap(coordinator_io_t *self, const char *keys, buf_t *why)
{
    allowlist_t *allowed = NULL;
    errcode_t rc = load_allowed(keys, &allowed, why);

    if (rc != ERR_OK) {
        return rc;
    }
    for (size_t i = 0; i < allowlist_count(allowed); i++) {
        roster_note(self->roster, allowlist_at(allowed, i));
    }
    rc = zap_start(self->zmq_ctx, &allowed, keys, &self->zap);
    if (rc != ERR_OK) {
        buf_printf(why, "cannot start the key check: %s", err_text(rc));
    }
    allowlist_destroy(&allowed);
    return rc;
}

static errcode_t
open_sockets(
    coordinator_io_t *self, const coordinator_options_t *options, buf_t *why)
{
    curve_bind_t control = {
        .type = ZMQ_ROUTER,
        .domain = "control",
        .secret = self->own.secret_key,
        .address = options->listen,
        .port = (uint16_t)options->control_port,
        .max_frame = LIMIT_CONTROL,
        .hwm = CONTROL_HWM,
        .heartbeats = true,
        .affinity = IO_THREAD_CTRL,
    };
    curve_bind_t sink = {
        .type = ZMQ_PULL,
        .domain = "sink",
        .secret = self->own.secret_key,
        .address = options->listen,
        .port = (uint16_t)options->sink_port,
        .max_frame = LIMIT_SINK,
        .hwm = SINK_HWM,
        .affinity = IO_THREAD_SINK,
    };
    errcode_t rc = curve_bind(
        self->zmq_ctx, &control, &self->control, &self->control_port, why);

    if (rc == ERR_OK) {
        rc = curve_bind(
            self->zmq_ctx, &sink, &self->sink, &self->sink_port, why);
    }
    return rc;
}

static void
start_machine(coordinator_io_t *self, const coordinator_options_t *options,
    uint64_t epoch)
{
    self->first_job = state_first_job(self->state);
    self->machine = coordinator_new(
        &(coordinator_config_t){
            .epoch = epoch,
            .first_job = self->first_job,
            .sink_port = self->sink_port,
            .staging_bytes = (uint64_t)options->staging_bytes,
            .merge_budget = (size_t)options->merge_bytes,
            .deadline_ms = options->deadline_ms,
            .store = state_results(self->state),
        },
        clock_mono_ms());
}

// The epoch is on disk before anybody can connect.
static errcode_t
start(coordinator_io_t *self, const coordinator_options_t *options, buf_t *why)
{
    uint64_t epoch;
    errcode_t rc = load_own_key(options->keys, &self->own, why);

    rc = rc != ERR_OK ? rc
                      : state_open(options->state,
                            (size_t)options->keep_results, &self->state, why);
    rc = rc != ERR_OK ? rc
                      : state_raise_epoch(
                            self->state, (uint64_t)time(NULL), &epoch, why);
    rc = rc != ERR_OK ? rc : open_signals(self, why);
    rc = rc != ERR_OK ? rc : open_context(self, why);
    rc = rc != ERR_OK ? rc : open_zap(self, options->keys, why);
    rc = rc != ERR_OK ? rc : open_sockets(self, options, why);
    if (rc != ERR_OK) {
        return rc;
    }
    self->lanes = lanes_new(self->zmq_ctx, &self->own);
    start_machine(self, options, epoch);
    rc = state_write_ports(self->state, self->control_port, self->sink_port);
    if (rc != ERR_OK) {
        buf_printf(
            why, "cannot write %s/ports: %s", options->state, strerror(errno));
    }
    return rc;
}

static void
log_ready(const coordinator_io_t *self)
{
    char control[8];
    char sink[8];
    char fingerprint[20];

    snprintf(control, sizeof control, "%u", self->control_port);
    snprintf(sink, sizeof sink, "%u", self->sink_port);
    key_fingerprint(self->own.public_key, fingerprint);
    log_event(LOG_INFO, "coordinator-ready", "control_port", control,
        "sink_port", sink, "version", LOGTALLY_VERSION, "key", fingerprint,
        NULL);
}

errcode_t
coordinator_io_open(
    const coordinator_options_t *options, coordinator_io_t **out, buf_t *why)
{
    coordinator_io_t *self = xcalloc(1, sizeof *self);

    *out = NULL;
    self->signals = -1;
    self->roster = roster_new();
    raise_file_limit();
    errcode_t rc = start(self, options, why);
    if (rc != ERR_OK) {
        coordinator_io_close(&self);
        return rc;
    }
    log_ready(self);
    *out = self;
    return ERR_OK;
}

// ---- outputs

static void
log_number(log_level_t level, const char *event, uint64_t total)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)total);
    log_event(level, event, "total", text, NULL);
}

static void
open_lane(coordinator_io_t *self, const output_t *out, int64_t now_ms)
{
    identity_t worker;
    buf_t why = {0};
    errcode_t rc = zap_identity(self->zap, out->name, &worker);

    if (rc == ERR_OK) {
        rc = lanes_open(self->lanes, out->peer, out->endpoint, &worker, &why);
    } else {
        buf_put_str(&why, "its key is no longer allowed");
    }
    buf_put_u8(&why, '\0');
    if (rc == ERR_OK) {
        log_event(LOG_INFO, "worker-up", "name", out->name, "intake",
            out->endpoint, NULL);
    } else {
        log_event(LOG_WARN, "worker-unreachable", "name", out->name, "intake",
            out->endpoint, "why", (const char *)why.p, NULL);
        coordinator_undelivered(self->machine, OUT_INTAKE, out->peer, now_ms);
    }
    buf_fini(&why);
}

static void
close_lane(coordinator_io_t *self, uint64_t lane)
{
    const coordinator_stats_t *stats = coordinator_stats(self->machine);
    bool lost = stats->workers_lost > self->told.workers_lost;

    log_event(lost ? LOG_WARN : LOG_INFO, lost ? "worker-lost" : "worker-gone",
        "name", lanes_name(self->lanes, lane), NULL);
    self->told.workers_lost += lost;
    lanes_close(self->lanes, lane);
}

static void
send_control(coordinator_io_t *self, const output_t *out, int64_t now_ms)
{
    static log_limit_t limit = {.per_second = 5};
    errcode_t rc =
        socket_send_to(self->control, out->peer, buf_span(&out->frame));

    if (rc == ERR_OK) {
        return;
    }
    // A peer with thousands of frames unread is as good as gone, and must
    // not make the others wait.
    if (rc != ERR_NOT_FOUND && log_allowed(&limit, "control-full")) {
        log_event(LOG_WARN, "control-full", "error", err_text(rc), NULL);
    }
    coordinator_undelivered(self->machine, OUT_CONTROL, out->peer, now_ms);
}

static void
carry_out(coordinator_io_t *self, output_t *out, int64_t now_ms)
{
    switch (out->kind) {
    case OUT_CONTROL:
        send_control(self, out, now_ms);
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
    case OUT_LANE_CLOSE:
        close_lane(self, out->peer);
        break;
    }
}

// No job's id may reach a client before it is set aside on disk.
static void
reserve_jobs(coordinator_io_t *self)
{
    uint64_t next = self->first_job + coordinator_stats(self->machine)->jobs;

    if (state_reserve_job(self->state, next) != ERR_OK) {
        log_event(LOG_ERROR, "state-failed", "what", "next_job", "error",
            strerror(errno), NULL);
        self->failed = true;
    }
}

static void
flush(coordinator_io_t *self, int64_t now_ms)
{
    output_t out;

    reserve_jobs(self);
    while (!self->failed && coordinator_next(self->machine, &out)) {
        carry_out(self, &out, now_ms);
        buf_fini(&out.frame);
    }
}

// ---- inputs

static void
refuse(coordinator_io_t *self, link_t link)
{
    static log_limit_t limit = {.per_second = 5};

    self->unknown++;
    if (log_allowed(&limit, "message-refused")) {
        log_event(LOG_WARN, "message-refused", "name", self->in.user, "from",
            self->in.address, "socket",
            link == LINK_CONTROL ? "control" : "sink", NULL);
    }
}

static void
take(coordinator_io_t *self, link_t link, int64_t now_ms)
{
    identity_t who;

    if (self->in.user[0] == '\0' ||
        zap_identity(self->zap, self->in.user, &who) != ERR_OK) {
        refuse(self, link);
        return;
    }
    roster_note(self->roster, &who);
    coordinator_message(self->machine, link, self->in.peer, &who,
        self->in.address, buf_span(&self->in.frame), now_ms);
}

static void
drain(coordinator_io_t *self, void *socket, link_t link, int64_t now_ms)
{
    for (int i = 0; i < DRAIN_MAX && !self->failed; i++) {
        errcode_t rc = socket_receive(socket, link == LINK_CONTROL, &self->in);
        if (rc == ERR_BUSY) {
            break;
        }
        if (rc == ERR_OK) {
            take(self, link, now_ms);
        } else if (rc == ERR_MALFORMED) {
            refuse(self, link);
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
    if (rebind(self->control) && rebind(self->sink)) {
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
        log_event(LOG_INFO, "keys-changed", NULL);
    }
    while (roster_next_gone(self->roster, look_up, self->zap, name)) {
        log_event(LOG_INFO, "key-revoked", "name", name, NULL);
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
            log_number(LOG_WARN, rows[i].event, rows[i].now);
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

static size_t
poll_items(coordinator_io_t *self)
{
    size_t need = N_ITEMS + lanes_waiting(self->lanes);

    self->items =
        xgrow(self->items, &self->cap_items, need, sizeof *self->items);
    self->items[ITEM_SIGNALS] =
        (zmq_pollitem_t){.fd = self->signals, .events = ZMQ_POLLIN};
    self->items[ITEM_CONTROL] =
        (zmq_pollitem_t){.socket = self->control, .events = ZMQ_POLLIN};
    self->items[ITEM_SINK] =
        (zmq_pollitem_t){.socket = self->sink, .events = ZMQ_POLLIN};
    return N_ITEMS +
           lanes_poll_items(self->lanes, self->items + N_ITEMS, need - N_ITEMS);
}

static long
wait_ms(const coordinator_io_t *self, int64_t tick_ms, int64_t now_ms)
{
    int64_t wait = self->refresh_at_ms - now_ms;

    wait = tick_ms < wait ? tick_ms : wait;
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
        coordinator_undelivered(self->machine, OUT_INTAKE, lane, now_ms);
        flush(self, now_ms);
    }
}

static void
do_due(coordinator_io_t *self, int64_t now_ms)
{
    lanes_flush(self->lanes);
    give_up_stuck_lanes(self, now_ms);
    if (now_ms >= self->refresh_at_ms) {
        refresh_keys(self, now_ms);
        tell_changes(self);
    }
}

static void
do_ready(coordinator_io_t *self)
{
    int64_t now_ms = clock_mono_ms();

    if (self->items[ITEM_SIGNALS].revents != 0) {
        on_signal(self, now_ms);
    }
    if (self->items[ITEM_CONTROL].revents != 0) {
        drain(self, self->control, LINK_CONTROL, now_ms);
    }
    if (self->items[ITEM_SINK].revents != 0) {
        drain(self, self->sink, LINK_SINK, now_ms);
    }
}

errcode_t
coordinator_io_run(coordinator_io_t *self)
{
    while (!self->ending && !self->failed) {
        int64_t now_ms = clock_mono_ms();
        int64_t tick_ms = coordinator_tick(self->machine, now_ms);
        flush(self, now_ms);
        do_due(self, now_ms);
        size_t n = poll_items(self);
        if (zmq_poll(self->items, (int)n, wait_ms(self, tick_ms, now_ms)) ==
            -1) {
            if (zmq_errno() == EINTR) {
                continue; // revents are stale
            }
            log_event(LOG_ERROR, "poll-failed", "error",
                zmq_strerror(zmq_errno()), NULL);
            return ERR_IO;
        }
        do_ready(self);
    }
    return self->failed ? ERR_IO : ERR_OK;
}

// ---- the end

static void
close_socket(void *socket)
{
    if (socket != NULL) {
        zmq_close(socket);
    }
}

static void
close_state(coordinator_io_t *self)
{
    if (self->state != NULL && self->machine != NULL) {
        state_release_jobs(self->state,
            self->first_job + coordinator_stats(self->machine)->jobs);
    }
    coordinator_destroy(&self->machine);
    state_close(&self->state);
}

// The context is not terminated: with many sockets that can hang or trip
// over old faults of libzmq, and the process ends anyway. The pause lets the
// I/O threads send what is queued.
void
coordinator_io_close(coordinator_io_t **self_p)
{
    coordinator_io_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    *self_p = NULL;
    lanes_destroy(&self->lanes);
    close_socket(self->sink);
    close_socket(self->control);
    if (self->control != NULL) {
        nanosleep(&(struct timespec){.tv_nsec = LAST_WORDS_MS * 1000000}, NULL);
    }
    zap_stop(&self->zap);
    close_state(self);
    roster_destroy(&self->roster);
    keypair_fini(&self->own);
    buf_fini(&self->in.frame);
    if (self->signals != -1) {
        close(self->signals);
    }
    free(self->items);
    free(self);
}
