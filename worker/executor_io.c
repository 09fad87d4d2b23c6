// SPDX-License-Identifier: Apache-2.0
// An executor reads hostile logs, so nothing it does may stop or end the
// supervisor: no call here waits for it. Packets are whole or not there, a
// full socket means it is stuck, and a killed process that does not end at
// once (a read that hangs in the kernel) is left to be reaped later.
#include "worker/executor_io.h"

#include "common/base/clock.h"
#include "common/base/xalloc.h"
#include "worker/executor/order.h"
#include "worker/executor/sealed.h"
#include "worker/executor/task.h"
#include "worker/executor_spawn_io.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REAP_MS 200 // how long the end of a process is waited for

typedef struct slot {
    pid_t pid;        // 0: no process
    int sock;         // -1: no process
    uint32_t n_given; // shards that it has; it counts the first
    bool ready;
} slot_t;

struct executors {
    uint32_t n;
    executors_options_t options;
    char *program;
    sandbox_level_t level; // the least so far
    char sandbox[SANDBOX_TEXT + 8];
    slot_t *slots;
    pid_t *dying; // killed, not reaped yet
    size_t n_dying, cap_dying;
};

static void
reap_dying(executors_t *self)
{
    for (size_t i = self->n_dying; i-- > 0;) {
        if (waitpid(self->dying[i], NULL, WNOHANG) != 0) {
            self->dying[i] = self->dying[--self->n_dying];
        }
    }
}

static bool
ends_soon(pid_t pid, int *status)
{
    const struct timespec ms = {0, 1000000};

    for (int i = 0; i < REAP_MS; i++) {
        pid_t got = waitpid(pid, status, WNOHANG);
        if (got != 0) {
            return got == pid;
        }
        nanosleep(&ms, NULL);
    }
    return false;
}

// The process is gone or going afterwards, and the slot is empty.
static void
end_slot(executors_t *self, slot_t *s)
{
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        self->dying = xgrow(self->dying, &self->cap_dying, self->n_dying + 1,
            sizeof *self->dying);
        self->dying[self->n_dying++] = s->pid;
        close(s->sock);
    }
    *s = (slot_t){.sock = -1};
    reap_dying(self);
}

errcode_t
executors_open(const executors_options_t *o, executors_t **out, buf_t *why)
{
    executors_t *self = xcalloc(1, sizeof *self);
    errcode_t rc = ERR_OK;

    executor_raise_open_files();
    self->program = o->program ? xstrdup(o->program) : executor_beside();
    self->options = *o;
    self->options.program = self->program;
    self->level = SANDBOX_LEVELS;
    self->slots = xcalloc(o->n, sizeof *self->slots);
    while (rc == ERR_OK && self->n < o->n) {
        slot_t *s = &self->slots[self->n++];
        *s = (slot_t){.sock = -1};
        rc = executor_spawn(&self->options, &s->pid, &s->sock);
    }
    if (rc != ERR_OK) {
        rc = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
        buf_printf(why, "cannot start %s: %s", self->program, strerror(errno));
        executors_stop(&self);
    }
    *out = self;
    return rc;
}

void
executors_stop(executors_t **self_p)
{
    executors_t *self = *self_p;
    int status;

    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; i < self->n; i++) {
        end_slot(self, &self->slots[i]);
    }
    for (size_t i = 0; i < self->n_dying; i++) {
        if (!ends_soon(self->dying[i], &status)) {
            break; // hangs in the kernel; init reaps it one day
        }
    }
    free(self->dying);
    free(self->slots);
    free(self->program);
    free(self);
    *self_p = NULL;
}

uint32_t
executors_count(const executors_t *self)
{
    return self->n;
}

int
executors_fd(const executors_t *self, uint32_t slot)
{
    return self->slots[slot].sock;
}

void
executors_kill(executors_t *self, uint32_t slot)
{
    end_slot(self, &self->slots[slot]);
}

static void
put_range(const shard_range_t *r, order_range_t *out)
{
    *out = (order_range_t){.file = r->file,
        .compression = r->compression,
        .stream = r->stream,
        .guessed = r->guessed,
        .id = shard_range_id(r),
        .begin = r->begin,
        .end = r->end,
        .host = r->host,
        .path = r->path};
}

static void
encode_order(const executors_t *self, const shard_t *shard, buf_t *out)
{
    order_t *order = xmalloc(sizeof *order);

    order->budget = self->options.budget;
    order->query = shard->query;
    order->format = shard->format;
    order->validate = shard->validate;
    order->pack = self->options.pack;
    order->n_ranges = shard->n_ranges;
    for (size_t i = 0; i < shard->n_ranges; i++) {
        put_range(&shard->ranges[i], &order->ranges[i]);
    }
    order_encode(order, out);
    free(order);
}

// *n of the files are open, also on error.
static errcode_t
open_all(const shard_t *shard, const files_t *files, int fds[TASK_FDS],
    size_t *n, uint32_t *file, char text[LIMIT_TEXT])
{
    errcode_t rc = ERR_OK;

    *n = 0;
    for (size_t i = 0; i < shard->n_ranges && rc == ERR_OK; i++) {
        const shard_range_t *r = &shard->ranges[i];
        rc = files_open_range(files, r, &fds[*n]);
        if (rc == ERR_OK) {
            ++*n;
        } else {
            *file = r->file;
            snprintf(text, LIMIT_TEXT, "%.900s: %s", r->path,
                rc == ERR_IO ? strerror(errno) : err_text(rc));
        }
    }
    return rc;
}

static errcode_t
send_order(executors_t *self, slot_t *s, const shard_t *shard, const int *fds,
    size_t n, char text[LIMIT_TEXT])
{
    buf_t order = {0};

    encode_order(self, shard, &order);
    errcode_t rc =
        task_send_order(s->sock, buf_span(&order), fds, n, MSG_DONTWAIT);
    buf_fini(&order);
    if (rc == ERR_OK) {
        s->n_given++;
        return ERR_OK;
    }
    if (s->n_given > 0) {
        return ERR_BUSY; // if it is gone, the next read says so
    }
    if (rc == ERR_BUSY) {
        snprintf(text, LIMIT_TEXT, "the executor is stuck and was ended");
    } else {
        snprintf(text, LIMIT_TEXT, "the executor is gone: %s", strerror(errno));
    }
    end_slot(self, s);
    return ERR_CRASHED;
}

errcode_t
executors_give(executors_t *self, uint32_t slot, const shard_t *shard,
    const files_t *files, uint32_t *file, char text[LIMIT_TEXT])
{
    slot_t *s = &self->slots[slot];
    int fds[TASK_FDS];
    size_t n;

    *file = UINT32_MAX;
    reap_dying(self);
    errcode_t rc = open_all(shard, files, fds, &n, file, text);
    if (rc == ERR_OK && s->pid == 0 &&
        executor_spawn(&self->options, &s->pid, &s->sock) != ERR_OK) {
        rc = ERR_CRASHED;
        snprintf(text, LIMIT_TEXT, "cannot start %.800s: %s", self->program,
            strerror(errno));
    }
    if (rc == ERR_OK) {
        rc = send_order(self, s, shard, fds, n, text);
    }
    while (n > 0) {
        close(fds[--n]);
    }
    return rc;
}

static void
explain_end(int status, char text[LIMIT_TEXT])
{
    if (WIFEXITED(status)) {
        snprintf(text, LIMIT_TEXT, "the executor ended with exit code %d",
            WEXITSTATUS(status));
        return;
    }
    int number = WTERMSIG(status);
    const char *name = sigabbrev_np(number);
    snprintf(text, LIMIT_TEXT, "the executor was ended by SIG%s%s",
        name == NULL ? "?" : name,
        number == SIGKILL  ? ": most likely memory ran out on this host"
        : number == SIGSYS ? ": it made a system call that its sandbox "
                             "forbids; the kernel's log (audit, type 1326) "
                             "says which"
                           : "");
}

// The socket is closed, so the process has ended, is about to, or pretends.
static void
gone(executors_t *self, slot_t *s, char text[LIMIT_TEXT])
{
    int status;

    if (ends_soon(s->pid, &status)) {
        explain_end(status, text);
        close(s->sock);
        *s = (slot_t){.sock = -1};
    } else {
        snprintf(text, LIMIT_TEXT,
            "the executor closed its connection and was ended");
        end_slot(self, s);
    }
}

static void
crashed(executors_t *self, slot_t *s, errcode_t rc, executor_event_t *e)
{
    e->kind = EXECUTOR_DONE;
    e->rc = ERR_CRASHED;
    if (rc == ERR_TRUNCATED || rc == ERR_IO) {
        gone(self, s, e->text);
    } else {
        snprintf(e->text, sizeof e->text,
            "the executor sent what makes no sense and was ended");
        end_slot(self, s);
    }
}

static errcode_t
take_done(slot_t *s, const task_packet_t *packet, const task_report_t *report,
    executor_event_t *e)
{
    bool ok = report->done.rc == ERR_OK;
    bool here = report->done.partial.len > 0;

    if (s->n_given == 0 || packet->n_fds != (ok && !here ? 1u : 0u)) {
        return ERR_MALFORMED;
    }
    buf_put_span(&e->partial, report->done.partial);
    if (ok && !here &&
        sealed_read(packet->fds[0], LIMIT_PARTIAL, &e->partial) != ERR_OK) {
        buf_fini(&e->partial);
        return ERR_MALFORMED;
    }
    s->n_given--;
    e->kind = EXECUTOR_DONE;
    e->rc = report->done.rc;
    e->file = report->done.file;
    memcpy(e->text, report->done.text, sizeof e->text);
    return ERR_OK;
}

static errcode_t
take_ready(executors_t *self, slot_t *s, const task_ready_t *ready,
    executor_event_t *e)
{
    static const char *const names[SANDBOX_LEVELS] = {"none", "weak", "full"};

    if (s->ready) {
        return ERR_MALFORMED;
    }
    s->ready = true;
    if (ready->level < self->level) {
        self->level = ready->level;
        snprintf(self->sandbox, sizeof self->sandbox, "%s%s%s",
            names[ready->level], ready->text[0] == '\0' ? "" : ": ",
            ready->text);
    }
    if (ready->taken) {
        return ERR_BUSY;
    }
    e->kind = EXECUTOR_UNCONFINED;
    e->rc = ERR_DENIED;
    snprintf(e->text, sizeof e->text,
        "an executor cannot be confined: %s; --allow-weak-sandbox counts "
        "without that fence",
        ready->text);
    end_slot(self, s);
    return ERR_OK;
}

static errcode_t
take_report(executors_t *self, slot_t *s, const task_packet_t *packet,
    executor_event_t *e)
{
    task_report_t report;
    errcode_t rc =
        task_report_decode((span_t){packet->bytes, packet->len}, &report);

    if (rc == ERR_OK && report.kind == TASK_DONE) {
        return take_done(s, packet, &report, e);
    }
    if (rc == ERR_OK && packet->n_fds == 0 && report.kind == TASK_READY) {
        return take_ready(self, s, &report.ready, e);
    }
    if (rc == ERR_OK && packet->n_fds == 0) {
        e->kind = EXECUTOR_PROGRESS;
        e->bytes_done = report.bytes_done;
        return ERR_OK;
    }
    return ERR_MALFORMED;
}

errcode_t
executors_read(executors_t *self, uint32_t slot, executor_event_t *e)
{
    slot_t *s = &self->slots[slot];
    task_packet_t packet;

    *e = (executor_event_t){.slot = slot, .file = UINT32_MAX};
    if (s->pid == 0) {
        return ERR_BUSY;
    }
    errcode_t rc = task_receive(s->sock, MSG_DONTWAIT, &packet);
    if (rc == ERR_BUSY) {
        return rc;
    }
    if (rc == ERR_OK) {
        rc = take_report(self, s, &packet, e);
        task_packet_fini(&packet);
    }
    if (rc == ERR_BUSY) { // it is ready, and may have said more already
        return executors_read(self, slot, e);
    }
    if (rc != ERR_OK) {
        bool busy = s->n_given > 0;
        crashed(self, s, rc, e);
        return busy ? ERR_OK : ERR_BUSY;
    }
    return ERR_OK;
}

static errcode_t
read_ready(executors_t *self, uint32_t slot, buf_t *why)
{
    executor_event_t *e = xmalloc(sizeof *e);
    errcode_t rc = ERR_OK;

    if (executors_read(self, slot, e) == ERR_OK) {
        rc = e->kind == EXECUTOR_UNCONFINED ? ERR_DENIED : ERR_CRASHED;
        buf_put_str(why, rc == ERR_DENIED ? e->text : "an executor is mute");
        buf_fini(&e->partial);
    } else if (self->slots[slot].pid == 0) {
        rc = ERR_CRASHED;
        buf_printf(why, "an executor ended at its start: %s", e->text);
    }
    free(e);
    return rc;
}

errcode_t
executors_wait(executors_t *self, int64_t timeout_ms, buf_t *why)
{
    int64_t end = clock_mono_ms() + timeout_ms;
    errcode_t rc = ERR_OK;

    for (uint32_t i = 0; i < self->n && rc == ERR_OK; i++) {
        while (rc == ERR_OK && !self->slots[i].ready) {
            int64_t left = end - clock_mono_ms();
            struct pollfd item = {self->slots[i].sock, POLLIN, 0};
            if (left <= 0) {
                buf_put_str(why, "an executor does not start");
                return ERR_TIMEOUT;
            }
            // An interrupted wait is only a short one.
            if (poll(&item, 1, (int)left) == 1) {
                rc = read_ready(self, i, why);
            }
        }
    }
    return rc;
}

const char *
executors_sandbox(const executors_t *self)
{
    return self->sandbox;
}
