// SPDX-License-Identifier: Apache-2.0
#include "worker/link_io.h"

#include "common/base/log.h"
#include "common/base/xalloc.h"
#include "common/net/curve_socket.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define GIVE_UP_MS    10000 // without an answer: resolve and dial afresh
#define LOOK_MS       500   // while connecting
#define QUIET_MS      60000 // the same sentence is not told again
#define STABLE_MS     5000  // up for so long: the next trouble is a new one
#define TRIES_COUNTED 10u
#define NEVER_MS      3600000

struct link {
    link_options_t options;
    void *zmq_ctx;
    char *address; // NULL: nothing to dial
    uint16_t default_port;
    char endpoint[LIMIT_ENDPOINT];
    char fingerprint[20];
    void *socket;
    dial_monitor_t *monitor;
    dial_state_t state;
    unsigned serial; // of the monitor's name
    unsigned tries;
    size_t pin;       // the key that is tried, or was the right one
    int64_t since_ms; // dialled, or up
    int64_t retry_ms;
    char *told;
    int64_t told_ms;
    buf_t *backlog;
    size_t n_backlog, cap_backlog, bytes_backlog;
};

link_t *
link_new(void *zmq_ctx, const link_options_t *options)
{
    link_t *self = xcalloc(1, sizeof *self);

    self->options = *options;
    self->zmq_ctx = zmq_ctx;
    key_fingerprint(options->keys->self.public_key, self->fingerprint);
    return self;
}

static void
drop_backlog(link_t *self)
{
    for (size_t i = 0; i < self->n_backlog; i++) {
        buf_fini(&self->backlog[i]);
    }
    self->n_backlog = 0;
    self->bytes_backlog = 0;
}

static void
hang_up(link_t *self)
{
    if (self->socket != NULL) {
        zmq_close(self->socket);
        self->socket = NULL;
    }
    dial_monitor_close(&self->monitor);
    self->state = DIAL_CONNECTING;
    drop_backlog(self);
}

void
link_destroy(link_t **self_p)
{
    link_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    hang_up(self);
    free(self->backlog);
    free(self->address);
    free(self->told);
    free(self);
    *self_p = NULL;
}

void
link_dial(
    link_t *self, const char *address, uint16_t default_port, int64_t now_ms)
{
    char *copy = xstrdup(address); // may be our own endpoint

    hang_up(self);
    free(self->address);
    self->address = copy;
    self->default_port = default_port;
    self->tries = 0;
    self->retry_ms = now_ms;
}

void
link_drop(link_t *self)
{
    hang_up(self);
    free(self->address);
    self->address = NULL;
}

// Between half and the whole of a doubling delay: a thousand workers that
// lost their coordinator at once do not come back at once.
static int64_t
back_off(link_t *self)
{
    int64_t delay = LINK_BACKOFF_MAX_MS;

    if (self->tries < TRIES_COUNTED) {
        delay = (int64_t)LINK_BACKOFF_MIN_MS << self->tries++;
    }
    if (delay > LINK_BACKOFF_MAX_MS) {
        delay = LINK_BACKOFF_MAX_MS;
    }
    return delay / 2 + randombytes_uniform((uint32_t)(delay / 2) + 1);
}

void
link_redial(link_t *self, int64_t at_least_ms, int64_t now_ms)
{
    if (self->state == DIAL_UP && now_ms - self->since_ms >= STABLE_MS) {
        self->tries = 0;
    }
    hang_up(self);
    int64_t delay = back_off(self);
    self->retry_ms = now_ms + (delay < at_least_ms ? at_least_ms : delay);
}

bool
link_is_up(const link_t *self)
{
    return self->socket != NULL && self->state == DIAL_UP;
}

void *
link_socket(link_t *self)
{
    return self->socket;
}

void *
link_monitor(link_t *self)
{
    return self->monitor == NULL ? NULL : dial_monitor_socket(self->monitor);
}

const char *
link_endpoint(const link_t *self)
{
    return self->endpoint;
}

static void
tell(link_t *self, log_level_t level, const char *event, const char *text,
    int64_t now_ms)
{
    if (self->told != NULL && strcmp(self->told, text) == 0 &&
        now_ms - self->told_ms < QUIET_MS) {
        return;
    }
    free(self->told);
    self->told = xstrdup(text);
    self->told_ms = now_ms;
    log_event(level, event, "link", self->options.what, "text", text, NULL);
}

static void
tell_buf(link_t *self, buf_t *text, int64_t now_ms)
{
    buf_put_u8(text, '\0');
    tell(self, LOG_WARN, "link-trouble", (const char *)text->p, now_ms);
}

static const uint8_t *
server_key(const link_t *self)
{
    const pins_t *pins = self->options.pins;

    return pins != NULL ? pins->keys[self->pin % pins->n]
                        : self->options.keys->coordinator.key;
}

// A server with another key: it may be the other one that we know. True when
// all of them have been tried.
static bool
turn_pin(link_t *self)
{
    const pins_t *pins = self->options.pins;

    self->pin++;
    return pins == NULL || self->pin % pins->n == 0;
}

static errcode_t
open_socket(link_t *self, buf_t *why)
{
    char name[64];
    const link_options_t *o = &self->options;

    snprintf(name, sizeof name, "link-%s-%p-%u", o->what, (void *)self,
        ++self->serial);
    curve_dial_t dial = {.type = o->type,
        .server_public = server_key(self),
        .own_public = o->keys->self.public_key,
        .own_secret = o->keys->self.secret_key,
        .endpoint = self->endpoint,
        .max_frame = o->max_frame,
        .hwm = o->hwm,
        .heartbeats = o->heartbeats,
        .affinity = o->affinity,
        .monitor = name};
    errcode_t rc = dial_monitor_open(self->zmq_ctx, name, &self->monitor);
    if (rc != ERR_OK) {
        buf_printf(
            why, "cannot watch a connection: %s", zmq_strerror(zmq_errno()));
        return rc;
    }
    return curve_dial(self->zmq_ctx, &dial, &self->socket, why);
}

// The name is looked up here and may take its time; nothing else of this
// worker is in a hurry while its coordinator is not there.
static void
dial_now(link_t *self, int64_t now_ms)
{
    buf_t why = {0};
    errcode_t rc = endpoint_resolve(
        self->address, self->default_port, self->endpoint, &why);

    if (rc == ERR_OK) {
        rc = open_socket(self, &why);
    }
    if (rc == ERR_OK) {
        self->since_ms = now_ms;
    } else {
        tell_buf(self, &why, now_ms);
        link_redial(self, 0, now_ms);
    }
    buf_fini(&why);
}

static void
explain(link_t *self, int64_t now_ms)
{
    buf_t text = {0};

    dial_explain(self->state, self->endpoint, self->fingerprint, &text);
    tell_buf(self, &text, now_ms);
    buf_fini(&text);
}

static void
on_up(link_t *self, int64_t now_ms)
{
    self->since_ms = now_ms;
    free(self->told); // trouble after this is worth a line again
    self->told = NULL;
    log_event(LOG_INFO, "link-up", "link", self->options.what, "endpoint",
        self->endpoint, NULL);
}

static bool
has_input(void *socket)
{
    int events = 0;
    size_t size = sizeof events;

    return zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0 &&
           (events & ZMQ_POLLIN) != 0;
}

static void
watch(link_t *self, int64_t now_ms, bool *came_up)
{
    dial_state_t before = self->state;

    self->state = dial_monitor_drain(self->monitor, now_ms);
    if (self->state == DIAL_LOST && self->options.reads &&
        has_input(self->socket)) {
        return;
    }
    switch (self->state) {
    case DIAL_UP:
        if (before != DIAL_UP) {
            on_up(self, now_ms);
            *came_up = true;
        }
        break;
    case DIAL_CLOSED:
        if (turn_pin(self)) {
            explain(self, now_ms);
        }
        link_redial(self, 0, now_ms);
        break;
    case DIAL_REFUSED:
    case DIAL_LOST:
        explain(self, now_ms);
        link_redial(self, 0, now_ms);
        break;
    case DIAL_NO_ANSWER:
    case DIAL_SILENT:
        explain(self, now_ms);
        __attribute__((fallthrough));
    case DIAL_CONNECTING:
    default:
        if (now_ms - self->since_ms >= GIVE_UP_MS) {
            link_redial(self, 0, now_ms);
        }
        break;
    }
}

static void
flush(link_t *self)
{
    size_t done = 0;

    while (
        done < self->n_backlog &&
        socket_send(self->socket, buf_span(&self->backlog[done])) == ERR_OK) {
        self->bytes_backlog -= self->backlog[done].len;
        buf_fini(&self->backlog[done++]);
    }
    if (done > 0) {
        self->n_backlog -= done;
        memmove(self->backlog, self->backlog + done,
            self->n_backlog * sizeof *self->backlog);
    }
}

int64_t
link_tick(link_t *self, int64_t now_ms, bool *came_up)
{
    *came_up = false;
    if (self->address == NULL) {
        return NEVER_MS;
    }
    if (self->socket == NULL && now_ms >= self->retry_ms) {
        dial_now(self, now_ms);
    }
    if (self->socket != NULL) {
        watch(self, now_ms, came_up);
    }
    if (self->socket == NULL) {
        int64_t wait = self->retry_ms - now_ms;
        return wait > 0 ? wait : 0;
    }
    if (self->state != DIAL_UP) {
        return LOOK_MS;
    }
    flush(self);
    return NEVER_MS;
}

errcode_t
link_send(link_t *self, span_t frame)
{
    if (!link_is_up(self)) {
        return ERR_UNREACHABLE;
    }
    return self->n_backlog > 0 ? ERR_BUSY : socket_send(self->socket, frame);
}

void
link_post(link_t *self, span_t frame, int64_t now_ms)
{
    errcode_t rc = link_send(self, frame);

    if (rc == ERR_OK || rc == ERR_UNREACHABLE) {
        return;
    }
    if (rc != ERR_BUSY || self->bytes_backlog > LINK_BACKLOG_MAX) {
        tell(self, LOG_WARN, "link-trouble",
            "the other side takes no messages; dialling again", now_ms);
        link_redial(self, 0, now_ms);
        return;
    }
    self->backlog = xgrow(self->backlog, &self->cap_backlog,
        self->n_backlog + 1, sizeof *self->backlog);
    self->backlog[self->n_backlog] = (buf_t){0};
    buf_put_span(&self->backlog[self->n_backlog++], frame);
    self->bytes_backlog += frame.len;
}

bool
link_has_backlog(const link_t *self)
{
    return self->n_backlog > 0;
}
