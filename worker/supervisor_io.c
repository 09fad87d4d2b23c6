// SPDX-License-Identifier: Apache-2.0
// One thread runs the machine and everything that may not wait: it never
// reads a log, never lists a folder, never waits for an executor. A turn of
// the loop takes a bounded number of messages from each side, so that no
// side can keep the heartbeats from going out.
#include "worker/supervisor_io.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/xalloc.h"
#include "worker/daemon_io.h"
#include "worker/executor_spawn_io.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define CONTROL_HWM 1000
#define INTAKE_HWM  256
#define LANE_HWM                                                               \
    4096 // all that credit allows: what it does not take it
         // cannot tell from a lost connection
#define SINK_HWM       16
#define START_MS       20000 // for executors to be confined
#define DRAIN_MAX      64    // messages of one side in one turn
#define HEALTH_MS      500
#define AFFINITY_LIGHT 1u // I/O threads: control and intake or lane
#define AFFINITY_BULK  2u // the sink

enum {
    POLL_SIGNAL,
    POLL_LISTER,
    POLL_INTAKE,
    POLL_CONTROL,
    POLL_CONTROL_MONITOR,
    POLL_SINK_MONITOR,
    POLL_LANE,
    POLL_LANE_MONITOR,
    POLL_EXECUTORS, // and one per slot
};

// ---- start and end

static errcode_t
open_context(daemon_t *self, buf_t *why)
{
    self->pins = self->options->keys->pins;
    if (self->pins.n == 0) { // keys that were not read from a folder
        self->pins.n = 1;
        memcpy(
            self->pins.keys[0], self->options->keys->coordinator.key, KEY_LEN);
    }
    self->zmq_ctx = zmq_ctx_new();
    if (self->zmq_ctx == NULL ||
        zmq_ctx_set(self->zmq_ctx, ZMQ_IO_THREADS, 2) != 0) {
        buf_printf(why, "cannot start ZeroMQ: %s", zmq_strerror(zmq_errno()));
        return ERR_IO;
    }
    allowlist_t *allowed = daemon_allowed(self);
    errcode_t rc = zap_start(self->zmq_ctx, &allowed, NULL, &self->zap);
    if (rc != ERR_OK) {
        buf_printf(why, "cannot start authentication: %s", err_text(rc));
    }
    return rc;
}

static errcode_t
open_intake(daemon_t *self, buf_t *why)
{
    const worker_options_t *o = self->options;
    const curve_bind_t options = {.type = ZMQ_PULL,
        .domain = "intake",
        .secret = o->keys->self.secret_key,
        .address = o->listen,
        .port = o->intake_port,
        .max_frame = LIMIT_INTAKE,
        .hwm = INTAKE_HWM,
        .affinity = AFFINITY_LIGHT};

    if (o->dials) {
        return ERR_OK;
    }
    return curve_bind(
        self->zmq_ctx, &options, &self->intake, &self->intake_port, why);
}

static void
open_links(daemon_t *self)
{
    const link_options_t control = {.what = "control",
        .type = ZMQ_DEALER,
        .max_frame = LIMIT_CONTROL,
        .hwm = CONTROL_HWM,
        .heartbeats = true,
        .affinity = AFFINITY_LIGHT,
        .keys = self->options->keys,
        .pins = &self->pins};
    const link_options_t sink = {.what = "sink",
        .type = ZMQ_PUSH,
        .max_frame = LIMIT_SINK,
        .hwm = SINK_HWM,
        .affinity = AFFINITY_BULK,
        .keys = self->options->keys,
        .pins = &self->pins};
    // Its heartbeats find out, and keep from happening, that a NAT forgets the
    // connection. Only this side asks, so that orders under way are answer
    // enough, however slow the line is.
    const link_options_t lane = {.what = "lane",
        .type = ZMQ_DEALER,
        .max_frame = LIMIT_INTAKE,
        .hwm = LANE_HWM,
        .heartbeats = true,
        .reads = true,
        .affinity = AFFINITY_LIGHT,
        .keys = self->options->keys,
        .pins = &self->pins};

    self->control = link_new(self->zmq_ctx, &control);
    self->sink = link_new(self->zmq_ctx, &sink);
    self->lane = link_new(self->zmq_ctx, &lane);
    link_dial(self->control, self->options->coordinator, CONTROL_PORT,
        clock_mono_ms());
}

// A worker that listens on one address is reached there, wherever it dials
// from.
static const char *
advertised(const worker_options_t *o)
{
    static const char *const everywhere[] = {"*", "0.0.0.0", "::", "[::]"};

    if (o->advertise != NULL) {
        return o->advertise;
    }
    for (size_t i = 0; i < sizeof everywhere / sizeof *everywhere; i++) {
        if (strcmp(o->listen, everywhere[i]) == 0) {
            return "";
        }
    }
    return o->listen;
}

// Raised by executors_open.
static uint64_t
open_files(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

static void
open_machine(daemon_t *self)
{
    const worker_options_t *o = self->options;
    supervisor_config_t config = {.name = o->name,
        .labels = o->labels,
        .n_labels = o->n_labels,
        .executors = o->executors,
        .intake_port = self->intake_port,
        .intake_address = o->dials ? "" : advertised(o),
        .dials = o->dials,
        .sandbox = executors_sandbox(self->executors),
        .open_files = open_files()};

    do {
        randombytes_buf(&config.incarnation, sizeof config.incarnation);
    } while (config.incarnation == 0);
    self->machine = supervisor_new(&config, clock_mono_ms());
}

static errcode_t
start_lister(daemon_t *self, buf_t *why)
{
    errcode_t rc = lister_start(self->files, &self->lister);

    if (rc != ERR_OK) {
        buf_printf(why, "cannot start a thread: %s", strerror(errno));
    }
    return rc;
}

// Not before each says that it is confined may it be given anything.
static errcode_t
start_executors(daemon_t *self, const char *program, buf_t *why)
{
    const worker_options_t *o = self->options;
    const executors_options_t options = {.n = o->executors,
        .program = program,
        .budget = o->memory,
        .pack = true,
        .allow_weak_sandbox = o->allow_weak_sandbox,
        .uid = o->uid,
        .gid = o->gid};
    errcode_t rc = executors_open(&options, &self->executors, why);

    if (rc == ERR_OK) {
        rc = executors_wait(self->executors, START_MS, why);
    }
    if (rc == ERR_OK && strcmp(executors_sandbox(self->executors), "full")) {
        log_event(LOG_WARN, "sandbox-weak", "level",
            executors_sandbox(self->executors), NULL);
    }
    return rc;
}

static errcode_t
confine_and_start(daemon_t *self, buf_t *why)
{
    const char *given = self->options->program;
    char *program = given != NULL ? xstrdup(given) : executor_beside();
    errcode_t rc = daemon_put_up_fences(self, program, why);

    rc = rc == ERR_OK ? start_executors(self, program, why) : rc;
    free(program);
    return rc;
}

static errcode_t
open_all(daemon_t *self, buf_t *why)
{
    const worker_options_t *o = self->options;
    errcode_t rc;

    self->items = xcalloc(POLL_EXECUTORS + o->executors, sizeof *self->items);
    if ((rc = files_open(o->roots, o->n_roots, &self->files, why)) ||
        (rc = confine_and_start(self, why)) || (rc = start_lister(self, why)) ||
        (rc = open_context(self, why)) || (rc = open_intake(self, why))) {
        return rc;
    }
    open_links(self);
    open_machine(self);
    return ERR_OK;
}

static void
close_intake(daemon_t *self)
{
    if (self->lane != NULL) {
        link_drop(self->lane);
    }
    if (self->intake != NULL) {
        zmq_close(self->intake);
        self->intake = NULL;
    }
}

static void
close_all(daemon_t *self)
{
    http_io_close(&self->http);
    supervisor_destroy(&self->machine);
    link_destroy(&self->sink);
    link_destroy(&self->control);
    close_intake(self);
    link_destroy(&self->lane);
    zap_stop(&self->zap);
    if (self->zmq_ctx != NULL) {
        zmq_ctx_term(self->zmq_ctx); // waits for BYE, at most its linger
    }
    executors_stop(&self->executors);
    if (lister_stop(&self->lister)) {
        files_destroy(&self->files);
    }
    free(self->items);
    received_fini(&self->in);
    batch_fini(&self->to_control);
    batch_fini(&self->to_sink);
}

// ---- what comes in

// Only the coordinator can be on the other side of what was dialled.
static void
drain_link(daemon_t *self, link_t *link, sup_link_t as, int64_t now)
{
    for (int i = 0; (i < DRAIN_MAX || received_more(&self->in)) &&
                    link_socket(link) != NULL;
         i++) {
        errcode_t rc = socket_receive(link_socket(link), false, &self->in);
        if (rc == ERR_OK) {
            supervisor_message(
                self->machine, as, buf_span(&self->in.frame), now);
        } else if (rc != ERR_MALFORMED) {
            return;
        }
    }
}

// Nobody but the coordinator gets through the handshake; a message without
// its User-Id would mean that authentication failed open.
static void
drain_intake(daemon_t *self, int64_t now)
{
    static log_limit_t limit = {.per_second = 1};
    identity_t who;

    for (int i = 0; i < DRAIN_MAX || received_more(&self->in); i++) {
        errcode_t rc = socket_receive(self->intake, false, &self->in);
        if (rc == ERR_OK && self->in.user[0] != '\0' &&
            zap_identity(self->zap, self->in.user, &who) != ERR_OK) {
            continue; // a key of the coordinator that was given up
        }
        if (rc == ERR_OK && self->in.user[0] == '\0') {
            if (log_allowed(&limit, "intake-unauthenticated")) {
                log_event(LOG_ERROR, "intake-unauthenticated", "address",
                    self->in.address, NULL);
            }
        } else if (rc == ERR_OK) {
            supervisor_message(
                self->machine, SUP_LINK_INTAKE, buf_span(&self->in.frame), now);
        } else if (rc != ERR_MALFORMED) {
            return;
        }
    }
}

// Held back while the control connection has no room.
static void
drain_lister(daemon_t *self, int64_t now)
{
    listed_t l;

    for (int i = 0; i < DRAIN_MAX && !link_has_backlog(self->control) &&
                    lister_take(self->lister, &l);
         i++) {
        supervisor_listed(
            self->machine, l.request, l.files, l.n, l.last, l.rc, l.text, now);
        listed_fini(&l);
        daemon_carry_out(self);
    }
}

static void
drain_executor(daemon_t *self, uint32_t slot, int64_t now)
{
    static log_limit_t limit = {.per_second = 5};
    executor_event_t e;

    for (int i = 0; i < DRAIN_MAX; i++) {
        if (executors_read(self->executors, slot, &e) != ERR_OK) {
            return;
        }
        if (e.kind == EXECUTOR_PROGRESS) {
            supervisor_progress(self->machine, slot, e.bytes_done, now);
            continue;
        }
        if (e.kind == EXECUTOR_UNCONFINED) { // began after the start
            if (log_allowed(&limit, "executor-unconfined")) {
                log_event(
                    LOG_ERROR, "executor-unconfined", "text", e.text, NULL);
            }
            e.rc = ERR_CRASHED;
        } else if (e.rc == ERR_CRASHED &&
                   log_allowed(&limit, "executor-crashed")) {
            log_event(LOG_WARN, "executor-crashed", "text", e.text, NULL);
        }
        supervisor_done(
            self->machine, slot, e.rc, &e.partial, e.file, e.text, now);
        buf_fini(&e.partial);
    }
}

// No new work is taken; what runs may be brought to its end and delivered.
static void
on_signal(daemon_t *self, int64_t now)
{
    struct signalfd_siginfo info;

    if (read(self->options->signal_fd, &info, sizeof info) != sizeof info) {
        return;
    }
    self->stop_now = self->stopping;
    if (!self->stopping) {
        self->stopping = true;
        self->stop_ms = now + self->options->drain_ms;
        close_intake(self);
        notify_stopping(&self->notify, self->options->drain_ms);
        log_event(LOG_INFO, "worker-stopping", NULL);
    }
}

// ---- the loop

static zmq_pollitem_t
poll_fd(int fd)
{
    // poll(2) skips a negative descriptor.
    return (zmq_pollitem_t){
        .fd = fd, .events = (short)(fd < 0 ? 0 : ZMQ_POLLIN)};
}

static zmq_pollitem_t
poll_socket(void *socket)
{
    return socket == NULL
               ? poll_fd(-1)
               : (zmq_pollitem_t){.socket = socket, .events = ZMQ_POLLIN};
}

static int
fill_items(daemon_t *self)
{
    zmq_pollitem_t *items = self->items;
    bool backlog = link_has_backlog(self->control);

    items[POLL_SIGNAL] = poll_fd(self->options->signal_fd);
    items[POLL_LISTER] = poll_fd(backlog ? -1 : lister_fd(self->lister));
    items[POLL_INTAKE] = poll_socket(self->intake);
    items[POLL_CONTROL] = poll_socket(link_socket(self->control));
    if (backlog) {
        items[POLL_CONTROL].events |= ZMQ_POLLOUT;
    }
    items[POLL_CONTROL_MONITOR] = poll_socket(link_monitor(self->control));
    items[POLL_SINK_MONITOR] = poll_socket(link_monitor(self->sink));
    items[POLL_LANE] = poll_socket(link_socket(self->lane));
    items[POLL_LANE_MONITOR] = poll_socket(link_monitor(self->lane));
    for (uint32_t i = 0; i < self->options->executors; i++) {
        items[POLL_EXECUTORS + i] = poll_fd(executors_fd(self->executors, i));
    }
    return POLL_EXECUTORS + (int)self->options->executors;
}

static int64_t
least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// In time for each heartbeat.
static void
tell_health(daemon_t *self, int64_t now)
{
    char trouble[LISTER_TROUBLE];

    if (now >= self->health_at_ms) {
        lister_trouble(self->lister, trouble);
        supervisor_health(self->machine, clock_wall_ms() - now, trouble);
        self->health_at_ms = now + HEALTH_MS;
    }
}

static int64_t
tick(daemon_t *self)
{
    int64_t now = clock_mono_ms();
    bool came_up;
    int64_t wait = link_tick(self->control, now, &came_up);

    if (came_up) {
        supervisor_connected(self->machine, now);
    }
    wait = least(wait, link_tick(self->lane, now, &came_up));
    if (came_up) {
        supervisor_lane_up(self->machine, now);
    }
    wait = least(wait, link_tick(self->sink, now, &came_up));
    tell_health(self, now);
    wait = least(wait, supervisor_tick(self->machine, now));
    return daemon_carry_out(self) || wait < 0 ? 0 : wait;
}

static bool
is_ready(const zmq_pollitem_t *item)
{
    return item->revents != 0;
}

static void
take_input(daemon_t *self)
{
    int64_t now = clock_mono_ms();
    const zmq_pollitem_t *items = self->items;

    if (is_ready(&items[POLL_SIGNAL])) {
        on_signal(self, now);
    }
    if (is_ready(&items[POLL_CONTROL])) {
        drain_link(self, self->control, SUP_LINK_CONTROL, now);
    }
    if (is_ready(&items[POLL_LANE])) {
        drain_link(self, self->lane, SUP_LINK_INTAKE, now);
    }
    if (is_ready(&items[POLL_INTAKE]) && self->intake != NULL) {
        drain_intake(self, now);
    }
    for (uint32_t i = 0; i < self->options->executors; i++) {
        if (is_ready(&items[POLL_EXECUTORS + i])) {
            drain_executor(self, i, now);
        }
    }
    if (is_ready(&items[POLL_LISTER])) {
        drain_lister(self, now);
    }
}

static bool
is_done(const daemon_t *self)
{
    return self->stopping &&
           (self->stop_now || supervisor_is_idle(self->machine) ||
               !link_is_up(self->control) || clock_mono_ms() >= self->stop_ms);
}

static void
tell_turn(daemon_t *self)
{
    int64_t now = clock_mono_ms();
    buf_t text = {0};

    supervisor_status_text(self->machine, &text);
    if (self->refused[0] != '\0') {
        buf_printf(&text, "; refused: %s", self->refused);
    }
    notify_status(&self->notify, buf_span(&text), now);
    notify_turned(&self->notify, now);
    daemon_metrics_tell(self, now);
    buf_fini(&text);
}

static errcode_t
loop(daemon_t *self, buf_t *why)
{
    for (;;) {
        int64_t wait = tick(self);
        wait = least(wait, notify_wait_ms(&self->notify, clock_mono_ms()));
        wait = least(wait, daemon_metrics_wait_ms(self, clock_mono_ms()));
        wait = least(wait, daemon_look_at_pins(self, clock_mono_ms()));
        if (is_done(self)) {
            return ERR_OK;
        }
        if (self->stopping) {
            wait = least(wait, self->stop_ms - clock_mono_ms());
        }
        int n = fill_items(self);
        if (zmq_poll(self->items, n, wait < 0 ? 0 : (long)wait) != -1) {
            take_input(self);
            tell_turn(self);
        } else if (zmq_errno() != EINTR) {
            buf_printf(
                why, "cannot wait for input: %s", zmq_strerror(zmq_errno()));
            return ERR_IO;
        }
    }
}

static void
say_ready(const daemon_t *self)
{
    const worker_options_t *o = self->options;
    char port[8], executors[12];

    snprintf(port, sizeof port, "%u", self->intake_port);
    snprintf(executors, sizeof executors, "%u", o->executors);
    log_event(LOG_INFO, "worker-ready", "name", o->name, "listen",
        o->dials ? "nowhere" : o->listen, "intake_port", o->dials ? "-" : port,
        "executors", executors, NULL);
}

errcode_t
worker_run(const worker_options_t *options, buf_t *why)
{
    daemon_t self = {.options = options};

    notify_init(&self.notify);
    errcode_t rc = open_all(&self, why);
    rc = rc == ERR_OK ? daemon_metrics_open(&self, why) : rc;
    if (rc == ERR_OK) {
        say_ready(&self);
        notify_ready(&self.notify);
        rc = loop(&self, why);
        supervisor_bye(self.machine, "the worker stops", clock_mono_ms());
        daemon_carry_out(&self);
        log_event(LOG_INFO, "worker-stopped", NULL);
    }
    close_all(&self);
    return rc;
}
