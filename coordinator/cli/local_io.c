// SPDX-License-Identifier: Apache-2.0
// Two machines and a pump between them. Whatever one says the other hears in
// the same turn; only executors and signals are waited for.
#include "coordinator/cli/local_io.h"

#include "common/base/clock.h"
#include "common/base/xalloc.h"
#include "common/wire/frame.h"
#include "coordinator/cli/job_text.h"
#include "coordinator/coordinator.h"
#include "worker/executor_io.h"
#include "worker/files_io.h"
#include "worker/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEER_WORKER 1u
#define PEER_CLIENT 2u
#define WORKER_NAME "local"
#define FOREVER_MS  (INT64_MAX / 4)
#define EPOCH       1u

typedef struct local {
    const local_options_t *options;
    local_answer_t *answer;
    coordinator_t *coordinator;
    supervisor_t *supervisor;
    executors_t *executors;
    files_t *files;
    struct pollfd *items; // signals, then one per executor
    identity_t worker;
    identity_t client;
    buf_t kept; // the encoded result
    char host[LIMIT_NAME];
    int signals;
    bool over;
    lt_JobUpdate last;
} local_t;

static errcode_t
keep(void *ctx, uint64_t job, span_t bytes)
{
    local_t *self = ctx;

    (void)job;
    buf_clear(&self->kept);
    buf_put_span(&self->kept, bytes);
    return ERR_OK;
}

static errcode_t
kept(void *ctx, uint64_t job, buf_t *out)
{
    local_t *self = ctx;

    (void)job;
    buf_put_span(out, buf_span(&self->kept));
    return ERR_OK;
}

// No more executors than there can be shards for: starting one costs more
// than counting a small file.
static uint32_t
executors_wanted(const local_options_t *o)
{
    uint64_t shards = 0;

    for (size_t i = 0; i < o->n_files; i++) {
        struct stat st;
        if (strcmp(o->files[i], "-") == 0) {
            shards += 1;
        } else if (stat(o->files[i], &st) != 0) {
            return o->executors; // a pattern, or a file that will be named
        } else {
            shards += (uint64_t)st.st_size /
                          (o->shard_bytes > 0 ? o->shard_bytes : SHARD_MIN) +
                      (st.st_size > 1 << 20);
        }
    }
    return shards == 0             ? 1
           : shards < o->executors ? (uint32_t)shards
                                   : o->executors;
}

static void
open_coordinator(local_t *self)
{
    coordinator_config_t config = {.epoch = EPOCH,
        .first_job = 1,
        .staging_bytes = LIMIT_STAGING,
        .merge_budget = self->options->memory,
        .merge_threads = self->options->executors,
        .deadline_ms = FOREVER_MS,
        .store = {keep, kept, self, NULL},
        .local_host = self->host};

    self->coordinator = coordinator_new(&config, clock_mono_ms());
}

static void
open_supervisor(local_t *self)
{
    supervisor_config_t config = {.name = WORKER_NAME,
        .executors = executors_count(self->executors),
        .incarnation = 1,
        .intake_address = ""};

    self->supervisor = supervisor_new(&config, clock_mono_ms());
    supervisor_connected(self->supervisor, clock_mono_ms());
}

static int
open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

// How they are confined is not waited for: one that is not ends before it
// takes an order.
static errcode_t
start_executors(local_t *self, buf_t *why)
{
    const local_options_t *o = self->options;
    const executors_options_t options = {.n = executors_wanted(o),
        .program = o->program,
        .budget = o->memory,
        .allow_weak_sandbox = o->allow_weak_sandbox};

    return executors_open(&options, &self->executors, why);
}

static errcode_t
open_all(local_t *self, buf_t *why)
{
    errcode_t rc;

    if (gethostname(self->host, sizeof self->host - 1) != 0 ||
        self->host[0] == '\0') {
        snprintf(self->host, sizeof self->host, "localhost");
    }
    self->worker = (identity_t){.name = WORKER_NAME, .roles = ROLE_WORKER};
    self->client = (identity_t){.name = "run", .roles = ROLE_ADMIN};
    if ((self->signals = open_signals()) == -1) {
        buf_printf(why, "cannot take signals: %s", strerror(errno));
        return ERR_IO;
    }
    if ((rc = files_open(NULL, 0, &self->files, why)) != ERR_OK ||
        (rc = start_executors(self, why)) != ERR_OK) {
        return rc;
    }
    self->items =
        xcalloc(1 + executors_count(self->executors), sizeof *self->items);
    open_coordinator(self);
    open_supervisor(self);
    return ERR_OK;
}

static void
close_all(local_t *self)
{
    executors_stop(&self->executors);
    supervisor_destroy(&self->supervisor);
    coordinator_destroy(&self->coordinator);
    files_destroy(&self->files);
    free(self->items);
    buf_fini(&self->kept);
    if (self->signals != -1) {
        close(self->signals);
    }
}

// ---- the client's part

static void
say(local_t *self, proto_type_t type, const pb_msgdesc_t *fields,
    const void *meta, span_t payload)
{
    buf_t frame = {0};

    frame_encode(&frame, type, 0, fields, meta, payload);
    coordinator_message(self->coordinator, LINK_CONTROL, PEER_CLIENT,
        &self->client, "local", buf_span(&frame), clock_mono_ms());
    buf_fini(&frame);
}

static void
submit(local_t *self)
{
    const local_options_t *o = self->options;
    lt_Submit *meta = xcalloc(1, sizeof *meta);
    lt_Source *source = xcalloc(1, sizeof *source);
    buf_t sources = {0};

    for (size_t i = 0; i < o->n_files; i++) {
        snprintf(source->text, sizeof source->text, "%s", o->files[i]);
        record_put(&sources, lt_Source_fields, source);
    }
    meta->version_min = meta->version_max = PROTOCOL_VERSION;
    meta->n_sources = (uint32_t)o->n_files;
    meta->follow = true;
    meta->shard_bytes = o->shard_bytes;
    meta->validate = o->validate;
    snprintf(meta->query, sizeof meta->query, "%s", o->query);
    snprintf(meta->format, sizeof meta->format, "%s", o->format);
    say(self, PROTO_SUBMIT, lt_Submit_fields, meta, buf_span(&sources));
    free(meta);
    free(source);
    buf_fini(&sources);
}

static void
take_update(local_t *self, const lt_JobUpdate *update)
{
    self->last = *update;
    if (self->options->progress != NULL) {
        self->options->progress(self->options->ctx, update);
    }
    if (!job_has_ended(update)) {
        return;
    }
    self->over = true;
    self->answer->exit = update->exit;
    snprintf(self->answer->text, sizeof self->answer->text, "%s", update->text);
    if (update->result_bytes > 0 &&
        result_decode(buf_span(&self->kept), &self->answer->result) != ERR_OK) {
        self->answer->exit = EXIT_FAILED;
        snprintf(self->answer->text, sizeof self->answer->text,
            "the result could not be read back");
    }
}

// Asks for rows, where they are shown and there may be others.
static void
ask_rows(local_t *self)
{
    live_t *live = self->options->live;

    if (live != NULL && live_asks(live, &self->last, clock_mono_ms())) {
        say(self, PROTO_ROWS, lt_JobRequest_fields,
            &(lt_JobRequest){.job = self->last.job}, (span_t){0});
    }
}

static void
take_answer(local_t *self, span_t bytes)
{
    frame_t frame;
    lt_JobUpdate *update = xmalloc(sizeof *update);
    lt_Refused refused;

    if (frame_decode(bytes, &frame) == ERR_OK) {
        if (frame.type == PROTO_JOB_UPDATE &&
            frame_meta(&frame, lt_JobUpdate_fields, update) == ERR_OK) {
            take_update(self, update);
        } else if (frame.type == PROTO_ROWS_NOW &&
                   self->options->live != NULL) {
            live_take(self->options->live, &frame, clock_mono_ms());
        } else if (frame.type == PROTO_REFUSED &&
                   frame_meta(&frame, lt_Refused_fields, &refused) == ERR_OK) {
            self->over = true;
            self->answer->exit = refused.exit;
            snprintf(self->answer->text, sizeof self->answer->text, "%s",
                refused.text);
        }
    }
    free(update);
}

// ---- the worker's part

static void
found(void *ctx, const listed_file_t *file)
{
    const sup_output_t *out = ((void **)ctx)[1];
    local_t *self = ((void **)ctx)[0];

    supervisor_listed(self->supervisor, out->request, file, 1, false, ERR_OK,
        "", clock_mono_ms());
}

static void
do_list(local_t *self, sup_output_t *out)
{
    void *ctx[2] = {self, out};
    const files_asked_t asked = {
        out->pattern, out->shared, out->cuts_from, out->guess_bytes};
    buf_t why = {0};
    errcode_t rc = files_list(self->files, &asked, found, ctx, &why);

    buf_put_u8(&why, 0);
    supervisor_listed(self->supervisor, out->request, NULL, 0, true, rc,
        (const char *)why.p, clock_mono_ms());
    buf_fini(&why);
}

static void
do_start(local_t *self, const sup_output_t *out)
{
    char text[LIMIT_TEXT] = "";
    uint32_t file;
    errcode_t rc = executors_give(
        self->executors, out->slot, out->shard, self->files, &file, text);

    if (rc != ERR_OK) {
        supervisor_not_started(
            self->supervisor, out->shard, rc, file, text, clock_mono_ms());
    }
}

static void
do_output(local_t *self, sup_output_t *out)
{
    switch (out->kind) {
    case SUP_CONTROL:
    case SUP_SINK:
        coordinator_message(self->coordinator,
            out->kind == SUP_SINK ? LINK_SINK : LINK_CONTROL, PEER_WORKER,
            &self->worker, "local", buf_span(&out->frame), clock_mono_ms());
        break;
    case SUP_LIST:
        do_list(self, out);
        break;
    case SUP_START:
        do_start(self, out);
        break;
    case SUP_KILL:
        executors_kill(self->executors, out->slot);
        break;
    case SUP_RECONNECT: // a merge took its time
        supervisor_connected(self->supervisor, clock_mono_ms());
        break;
    case SUP_SINK_OPEN:
    case SUP_LANE:
    case SUP_LANE_OPEN:
    case SUP_REFUSED:
        break;
    }
    buf_fini(&out->frame);
}

static void
do_frame(local_t *self, output_t *out)
{
    if (out->kind == OUT_CONTROL && out->peer == PEER_CLIENT) {
        take_answer(self, buf_span(&out->frame));
    } else if (out->kind == OUT_CONTROL || out->kind == OUT_INTAKE) {
        supervisor_message(self->supervisor,
            out->kind == OUT_INTAKE ? SUP_LINK_INTAKE : SUP_LINK_CONTROL,
            buf_span(&out->frame), clock_mono_ms());
    }
    buf_fini(&out->frame);
}

static void
pump(local_t *self)
{
    sup_output_t *sup = xmalloc(sizeof *sup);
    output_t out;
    bool any = true;

    while (any) {
        any = false;
        while (coordinator_next(self->coordinator, &out)) {
            do_frame(self, &out);
            any = true;
        }
        while (supervisor_next(self->supervisor, sup)) {
            do_output(self, sup);
            any = true;
        }
    }
    free(sup);
}

static void
read_executor(local_t *self, uint32_t slot)
{
    executor_event_t *e = xmalloc(sizeof *e);

    while (executors_read(self->executors, slot, e) == ERR_OK) {
        if (e->kind == EXECUTOR_PROGRESS) {
            supervisor_progress(
                self->supervisor, slot, e->bytes_done, clock_mono_ms());
        } else if (e->kind == EXECUTOR_UNCONFINED) {
            self->over = true;
            self->answer->exit = EXIT_FAILED;
            snprintf(
                self->answer->text, sizeof self->answer->text, "%s", e->text);
        } else {
            supervisor_done(self->supervisor, slot, e->rc, &e->partial, e->file,
                e->text, clock_mono_ms());
        }
    }
    free(e);
}

static void
wait_for_something(local_t *self)
{
    uint32_t n = executors_count(self->executors);
    int64_t a = coordinator_tick(self->coordinator, clock_mono_ms());
    int64_t b = supervisor_tick(self->supervisor, clock_mono_ms());
    int64_t wait = a < b ? a : b;

    pump(self);
    if (self->over) {
        return;
    }
    self->items[0] = (struct pollfd){.fd = self->signals, .events = POLLIN};
    for (uint32_t i = 0; i < n; i++) {
        self->items[1 + i] = (struct pollfd){
            .fd = executors_fd(self->executors, i), .events = POLLIN};
    }
    if (poll(self->items, 1 + n, wait < 0 ? 0 : (int)wait) < 0) {
        return; // EINTR: revents are stale
    }
    if (self->items[0].revents != 0) {
        self->over = true;
        self->answer->exit = EXIT_INTERRUPTED;
        snprintf(self->answer->text, sizeof self->answer->text, "interrupted");
    }
    for (uint32_t i = 0; i < n; i++) {
        if (self->items[1 + i].revents != 0) {
            read_executor(self, i);
        }
    }
}

errcode_t
local_run(const local_options_t *options, local_answer_t *out, buf_t *why)
{
    local_t self = {.options = options, .answer = out, .signals = -1};
    errcode_t rc = open_all(&self, why);

    *out = (local_answer_t){0};
    if (rc == ERR_OK) {
        pump(&self); // registers
        submit(&self);
        pump(&self);
        while (!self.over) {
            wait_for_something(&self);
            pump(&self);
            ask_rows(&self);
            pump(&self);
        }
    }
    close_all(&self);
    return rc;
}
