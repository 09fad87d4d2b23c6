// SPDX-License-Identifier: Apache-2.0
// The start and the end of the daemon. In order: state folder, epoch and
// journal, signals, key check, sockets, machine, the jobs of before.
#include "coordinator/coordinator_inside_io.h"

#include "certs/keypath.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/xalloc.h"
#include "coordinator/fences_io.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define CONTROL_HWM    4096
#define SINK_HWM       64 // chunks of 1 MiB, per worker
#define IO_THREADS     2
#define IO_THREAD_CTRL 1 // affinity bits
#define IO_THREAD_SINK 2
#define SOCKETS_MAX    (2 * (int)LIMIT_WORKERS + 64)
#define LAST_WORDS_MS  100
#define SETTLE_MS      6000 // a worker dials every five seconds at least

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

static uint64_t
open_files(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
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

// A revoked key is out within milliseconds. Without inotify, within the
// second that the folder is read anyway.
static void
watch_keys(coordinator_io_t *self, const char *keys)
{
    char *path = xasprintf("%s/allowed", keys);

    self->key_changes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (self->key_changes != -1) {
        (void)inotify_add_watch(self->key_changes, path,
            IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_CLOSE_WRITE);
    }
    free(path);
}

static errcode_t
load_own_key(const char *keys, keypair_t *out, buf_t *why)
{
    const char *given = keypath_credentials();
    char *path =
        xasprintf("%s/coordinator_secret", given != NULL ? given : keys);

    // systemd may hold the secret apart from the folder of allowed keys.
    if (given != NULL && access(path, F_OK) != 0) {
        free(path);
        path = xasprintf("%s/coordinator_secret", keys);
    }
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

    watch_keys(self, keys);
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
    self->machine = coordinator_new(
        &(coordinator_config_t){
            .epoch = epoch,
            .first_job = state_first_job(self->state),
            .sink_port = self->sink_port,
            .staging_bytes = (uint64_t)options->staging_bytes,
            .merge_budget = (size_t)options->merge_bytes,
            .memory = (size_t)options->memory_bytes,
            .merge_threads = options->merge_threads > 0
                                 ? (unsigned)options->merge_threads
                                 : (unsigned)get_nprocs(),
            .deadline_ms = options->deadline_ms,
            .keep_ms = options->keep_ms,
            .settle_ms = state_was_used(self->state) ? SETTLE_MS : 0,
            .store = state_results(self->state),
            .journal = journal_io_seam(self->journal),
            .wall_ms = clock_wall_ms() - self->seen_ms,
            .open_files = open_files(),
            .lane_port = coordinator_io_lane_port,
            .lane_ctx = self,
        },
        self->seen_ms);
}

typedef struct restoring {
    coordinator_t *machine;
    notify_t *notify;
    uint64_t entries;
    uint64_t ended; // jobs
    uint64_t damaged;
} restoring_t;

static void
restore_entry(void *ctx, const entry_key_t *key, const span_t *bytes)
{
    restoring_t *r = ctx;

    r->entries++;
    notify_starting(r->notify, "restoring the journal", clock_mono_ms());
    if (bytes == NULL) {
        coordinator_restore_damaged(r->machine, key);
        r->damaged++;
    } else if (coordinator_restore(r->machine, key, *bytes) != ERR_OK) {
        r->damaged++;
    } else {
        r->ended += key->kind == ENTRY_END;
    }
}

static errcode_t
restore(coordinator_io_t *self, buf_t *why)
{
    restoring_t r = {.machine = self->machine, .notify = &self->notify};
    char entries[24], damaged[24], commits[24], ended[24];
    errcode_t rc = journal_io_load(self->journal, restore_entry, &r, why);

    rc = rc != ERR_OK ? rc : journal_io_start(self->journal, why);
    if (rc != ERR_OK) {
        return rc;
    }
    coordinator_restored(self->machine);
    snprintf(entries, sizeof entries, "%llu", (unsigned long long)r.entries);
    snprintf(ended, sizeof ended, "%llu", (unsigned long long)r.ended);
    snprintf(damaged, sizeof damaged, "%llu", (unsigned long long)r.damaged);
    snprintf(commits, sizeof commits, "%llu",
        (unsigned long long)coordinator_stats(self->machine)->restored);
    if (r.entries > 0) {
        log_event(r.damaged > 0 ? LOG_WARN : LOG_INFO, "journal-restored",
            "entries", entries, "commits", commits, "ended", ended, "damaged",
            damaged, NULL);
    }
    return ERR_OK;
}

static errcode_t
open_journal(
    coordinator_io_t *self, const coordinator_options_t *options, buf_t *why)
{
    char *path = xasprintf("%s/journal.db", options->state);
    errcode_t rc = journal_io_open(path, &self->journal, why);

    if (rc == ERR_OK && why->len > 0) {
        buf_put_u8(why, '\0');
        log_event(
            LOG_ERROR, "journal-damaged", "why", (const char *)why->p, NULL);
        buf_clear(why);
    }
    free(path);
    return rc;
}

static errcode_t
open_audit(
    coordinator_io_t *self, const coordinator_options_t *options, buf_t *why)
{
    char *path = xasprintf("%s/audit.log", options->state);
    errcode_t rc = audit_io_open(path, &self->audit, why);

    free(path);
    return rc;
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
    rc = rc != ERR_OK ? rc : fences_put_up(options, why);
    rc = rc != ERR_OK ? rc : open_journal(self, options, why);
    rc = rc != ERR_OK ? rc : open_audit(self, options, why);
    rc = rc != ERR_OK ? rc : open_signals(self, why);
    rc = rc != ERR_OK ? rc : open_context(self, why);
    rc = rc != ERR_OK ? rc : open_zap(self, options->keys, why);
    rc = rc != ERR_OK ? rc : open_sockets(self, options, why);
    if (rc != ERR_OK) {
        return rc;
    }
    self->lanes = lanes_new(self->zmq_ctx, &self->own);
    self->listen = xstrdup(options->listen);
    self->lane_port = (uint16_t)options->lane_port;
    self->outbox = outbox_new();
    start_machine(self, options, epoch);
    rc = restore(self, why);
    if (rc != ERR_OK) {
        return rc;
    }
    rc = metrics_io_open(self, options, why);
    rc = rc != ERR_OK ? rc : dashboard_io_open(self, options, why);
    if (rc != ERR_OK) {
        return rc;
    }
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
    coordinator_event(self->machine, LOG_INFO, "coordinator-ready", NULL,
        "version " LOGTALLY_VERSION, self->seen_ms);
}

errcode_t
coordinator_io_open(
    const coordinator_options_t *options, coordinator_io_t **out, buf_t *why)
{
    coordinator_io_t *self = xcalloc(1, sizeof *self);

    *out = NULL;
    self->signals = self->key_changes = -1;
    self->seen_ms = clock_mono_ms();
    self->roster = roster_new();
    notify_init(&self->notify);
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

// ---- the end

static void
close_socket(void *socket)
{
    if (socket != NULL) {
        zmq_close(socket);
    }
}

static void
close_fd(int fd)
{
    if (fd != -1) {
        close(fd);
    }
}

static void
close_state(coordinator_io_t *self)
{
    if (self->state != NULL && self->machine != NULL) {
        state_release_jobs(
            self->state, coordinator_stats(self->machine)->next_job);
    }
    dashboard_close(&self->dashboard); // its threads read the state
    coordinator_destroy(&self->machine);
    journal_io_close(&self->journal);
    audit_io_close(&self->audit);
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
    http_io_close(&self->http);
    lanes_destroy(&self->lanes);
    outbox_destroy(&self->outbox);
    close_socket(self->sink);
    close_socket(self->control);
    if (self->control != NULL) {
        nanosleep(&(struct timespec){.tv_nsec = LAST_WORDS_MS * 1000000}, NULL);
    }
    zap_stop(&self->zap);
    close_state(self);
    roster_destroy(&self->roster);
    keypair_fini(&self->own);
    received_fini(&self->in);
    buf_fini(&self->stuck);
    close_fd(self->signals);
    close_fd(self->key_changes);
    free(self->items);
    free(self->listen);
    free(self);
}
