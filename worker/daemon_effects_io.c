// SPDX-License-Identifier: Apache-2.0
// The outputs of the supervisor machine, one function each.
#include "worker/daemon_io.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/xalloc.h"
#include "common/wire/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUTS_MAX   64 // of one turn
#define SINK_STUCK_MS 10000
#define ANNOUNCE_MS   60000 // the same refusal is logged once in that time

static void
post_control(daemon_t *self, int64_t now)
{
    span_t message = batch_message(&self->to_control);

    if (message.len > 0) {
        link_post(self->control, message, now);
        batch_clear(&self->to_control);
    }
}

static void
do_control(daemon_t *self, sup_output_t *out, int64_t now)
{
    span_t frame = buf_span(&out->frame);

    if (!batch_put(&self->to_control, frame)) {
        post_control(self, now);
        do_control(self, out, now);
    }
}

// Each frame that was not sent is the machine's again.
static void
give_back(daemon_t *self, span_t message, int64_t now)
{
    rd_t r;
    span_t frame;

    if (batch_open(message, &r) != ERR_OK) {
        supervisor_sink_busy(self->machine, message, now);
        return;
    }
    while (rd_block(&r, rd_left(&r), &frame) == ERR_OK) {
        supervisor_sink_busy(self->machine, frame, now);
    }
}

static void
send_sink(daemon_t *self, span_t message, int64_t now)
{
    if (link_send(self->sink, message) == ERR_OK) {
        self->sink_stuck_ms = 0;
        return;
    }
    give_back(self, message, now);
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

static void
post_sink(daemon_t *self, int64_t now)
{
    span_t message = batch_message(&self->to_sink);

    if (message.len > 0) {
        send_sink(self, message, now);
        batch_clear(&self->to_sink);
    }
}

static void
do_sink(daemon_t *self, sup_output_t *out, int64_t now)
{
    span_t frame = buf_span(&out->frame);

    if (!batch_put(&self->to_sink, frame)) {
        post_sink(self, now);
        do_sink(self, out, now);
    }
}

// Sink and lane are where the control connection is, on other ports.
static void
dial_beside(daemon_t *self, link_t *link, uint16_t port, int64_t now)
{
    char *address = xstrdup(link_endpoint(self->control));
    char *colon = strrchr(address, ':');

    if (colon != NULL) {
        *colon = '\0';
        link_dial(link, address, port, now);
    }
    free(address);
}

// A worker that is stopping takes no more.
static void
do_lane_open(daemon_t *self, sup_output_t *out, int64_t now)
{
    if (self->stopping) {
        return;
    }
    if (out->keep && link_is_up(self->lane)) {
        supervisor_lane_up(self->machine, now);
    } else {
        dial_beside(self, self->lane, out->lane_port, now);
    }
}

static void
do_lane(daemon_t *self, sup_output_t *out, int64_t now)
{
    (void)now;
    // What is not sent now is said again with the next heartbeat.
    if (link_send(self->lane, buf_span(&out->frame)) != ERR_OK) {
        log_event(LOG_DEBUG, "lane-not-told", NULL);
    }
}

static void
do_sink_open(daemon_t *self, sup_output_t *out, int64_t now)
{
    dial_beside(self, self->sink, out->sink_port, now);
    self->refused[0] = '\0';
    log_event(LOG_INFO, "worker-registered", "name", self->options->name,
        "coordinator", link_endpoint(self->control), NULL);
}

static void
do_list(daemon_t *self, sup_output_t *out, int64_t now)
{
    const files_asked_t asked = {
        out->pattern, out->shared, out->cuts_from, out->guess_bytes};

    (void)now;
    lister_ask(self->lister, out->request, &asked);
}

static void
do_start(daemon_t *self, sup_output_t *out, int64_t now)
{
    char text[LIMIT_TEXT] = "";
    uint32_t file;
    errcode_t rc = executors_give(
        self->executors, out->slot, out->shard, self->files, &file, text);

    if (rc != ERR_OK) {
        supervisor_not_started(self->machine, out->shard, rc, file, text, now);
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
    link_drop(self->lane);
    link_redial(self->control, LINK_BACKOFF_MAX_MS, now);
}

// Those that change a connection come after what was said on it before.
static bool
changes_a_link(sup_kind_t kind)
{
    return kind == SUP_SINK_OPEN || kind == SUP_RECONNECT ||
           kind == SUP_REFUSED;
}

static void (*const effects[])(daemon_t *, sup_output_t *, int64_t) = {
    [SUP_CONTROL] = do_control,
    [SUP_SINK] = do_sink,
    [SUP_SINK_OPEN] = do_sink_open,
    [SUP_LANE] = do_lane,
    [SUP_LANE_OPEN] = do_lane_open,
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
        int64_t now = clock_mono_ms();
        if (changes_a_link(out->kind)) {
            post_control(self, now);
            post_sink(self, now);
        }
        effects[out->kind](self, out, now);
        buf_fini(&out->frame);
        n++;
    }
    post_control(self, clock_mono_ms());
    post_sink(self, clock_mono_ms());
    free(out);
    return n > 0;
}
