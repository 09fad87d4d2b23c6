// SPDX-License-Identifier: Apache-2.0
// The outputs of the supervisor machine, one function each.
#include "worker/daemon_io.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUTS_MAX   64 // of one turn
#define SINK_STUCK_MS 10000
#define ANNOUNCE_MS   60000 // the same refusal is logged once in that time

static void
do_control(daemon_t *self, sup_output_t *out, int64_t now)
{
    link_post(self->control, buf_span(&out->frame), now);
}

static void
do_sink(daemon_t *self, sup_output_t *out, int64_t now)
{
    if (link_send(self->sink, buf_span(&out->frame)) == ERR_OK) {
        self->sink_stuck_ms = 0;
        return;
    }
    supervisor_sink_busy(self->machine, buf_span(&out->frame), now);
    if (self->sink_stuck_ms == 0) {
        self->sink_stuck_ms = now;
    } else if (link_is_up(self->sink) &&
               now - self->sink_stuck_ms >= SINK_STUCK_MS) {
        log_event(LOG_WARN, "sink-stuck", "endpoint", link_endpoint(self->sink),
            NULL);
        link_redial(self->sink, 0, now);
        self->sink_stuck_ms = now;
    }
}

// The sink is where the control connection is, on another port.
static void
do_sink_open(daemon_t *self, sup_output_t *out, int64_t now)
{
    char *address = xstrdup(link_endpoint(self->control));
    char *colon = strrchr(address, ':');

    if (colon != NULL) {
        *colon = '\0';
        link_dial(self->sink, address, out->sink_port, now);
    }
    free(address);
    self->refused[0] = '\0';
    log_event(LOG_INFO, "worker-registered", "name", self->options->name,
        "coordinator", link_endpoint(self->control), NULL);
}

static void
do_list(daemon_t *self, sup_output_t *out, int64_t now)
{
    (void)now;
    lister_ask(self->lister, out->request, out->pattern, out->shared);
}

static void
do_start(daemon_t *self, sup_output_t *out, int64_t now)
{
    char text[LIMIT_TEXT] = "";
    uint32_t file;
    errcode_t rc = executors_give(
        self->executors, out->slot, out->shard, self->files, &file, text);

    if (rc != ERR_OK) {
        supervisor_done(self->machine, out->slot, rc, NULL, file, text, now);
    }
}

static void
do_kill(daemon_t *self, sup_output_t *out, int64_t now)
{
    (void)now;
    executors_kill(self->executors, out->slot);
}

static void
do_reconnect(daemon_t *self, sup_output_t *out, int64_t now)
{
    (void)out;
    if (link_is_up(self->control)) {
        log_event(LOG_WARN, "coordinator-silent", "endpoint",
            link_endpoint(self->control), NULL);
        link_redial(self->control, 0, now);
    }
}

// A daemon keeps trying: the key may be allowed, the other worker of this
// name stopped, one of both upgraded.
static void
do_refused(daemon_t *self, sup_output_t *out, int64_t now)
{
    if (strcmp(self->refused, out->text) != 0 ||
        now - self->refused_ms >= ANNOUNCE_MS) {
        snprintf(self->refused, sizeof self->refused, "%s", out->text);
        self->refused_ms = now;
        log_event(LOG_ERROR, "worker-refused", "coordinator",
            link_endpoint(self->control), "text", out->text, NULL);
    }
    link_redial(self->control, LINK_BACKOFF_MAX_MS, now);
}

static void (*const effects[])(daemon_t *, sup_output_t *, int64_t) = {
    [SUP_CONTROL] = do_control,
    [SUP_SINK] = do_sink,
    [SUP_SINK_OPEN] = do_sink_open,
    [SUP_LIST] = do_list,
    [SUP_START] = do_start,
    [SUP_KILL] = do_kill,
    [SUP_RECONNECT] = do_reconnect,
    [SUP_REFUSED] = do_refused,
};

bool
daemon_carry_out(daemon_t *self)
{
    sup_output_t *out = xmalloc(sizeof *out);
    int n = 0;

    while (n < OUTPUTS_MAX && supervisor_next(self->machine, out)) {
        effects[out->kind](self, out, clock_mono_ms());
        buf_fini(&out->frame);
        n++;
    }
    free(out);
    return n > 0;
}
