// SPDX-License-Identifier: Apache-2.0
// dial_monitor: turns the events of a dialling socket into the one fact a
// person needs. What libzmq reports for each fault was measured on 4.3.4:
//   nobody listens          CONNECT_RETRIED, never CONNECTED
//   our key is not allowed  HANDSHAKE_FAILED_AUTH 400, no retry ever
//   wrong server key        HANDSHAKE_FAILED_NO_DETAIL EPIPE, again and again
//   hung or foreign server  HANDSHAKE_FAILED_NO_DETAIL EAGAIN
#include "common/net/curve_socket.h"

#include "common/base/clock.h"
#include "common/base/xalloc.h"
#include "common/net/curve_inside.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_ANSWER_MS    2500 // packets that vanish: no event tells
#define ZAP_REFUSED     400
#define EVENT_FRAME_LEN 6 // event u16, value u32
#define LAST_EVENT_MS   3000
#define NOBODY_MS       1500 // it may be one that is just starting

struct dial_monitor {
    void *socket;
    dial_state_t state;
    int64_t since_ms; // of the first drain
    bool connected;
    bool stopped; // the last event has come
    unsigned closed;
};

bool
monitor_endpoint(const char *name, char out[LIMIT_ENDPOINT])
{
    const char *scheme = strstr(name, "://") != NULL ? "" : "inproc://";
    int n = snprintf(out, LIMIT_ENDPOINT, "%s%s", scheme, name);

    return n > 0 && n < (int)LIMIT_ENDPOINT;
}

errcode_t
dial_monitor_open(void *zmq_ctx, const char *name, dial_monitor_t **out)
{
    char endpoint[LIMIT_ENDPOINT];
    const int zero = 0;

    *out = NULL;
    if (!monitor_endpoint(name, endpoint)) {
        return ERR_TOO_LARGE;
    }
    void *s = zmq_socket(zmq_ctx, ZMQ_PAIR);
    if (s == NULL) {
        return ERR_IO;
    }
    // An undrained monitor with a high-water mark stops the I/O thread.
    if (zmq_setsockopt(s, ZMQ_RCVHWM, &zero, sizeof zero) != 0 ||
        zmq_setsockopt(s, ZMQ_LINGER, &zero, sizeof zero) != 0 ||
        zmq_connect(s, endpoint) != 0) {
        zmq_close(s);
        return ERR_IO;
    }
    dial_monitor_t *self = xcalloc(1, sizeof *self);
    self->socket = s;
    self->since_ms = -1;
    *out = self;
    return ERR_OK;
}

void *
dial_monitor_socket(dial_monitor_t *self)
{
    return self->socket;
}

// What was once up is lost, whatever its new attempts meet; only a refusal
// is news, since libzmq gives up after it.
static void
settle(dial_monitor_t *self, dial_state_t state)
{
    bool was_up = self->state == DIAL_UP || self->state == DIAL_LOST;

    if (was_up && state != DIAL_UP && state != DIAL_REFUSED) {
        state = DIAL_LOST;
    }
    self->state = state;
}

static void
on_no_detail(dial_monitor_t *self, int value)
{
    if (value == EAGAIN || value == ETIMEDOUT) {
        settle(self, DIAL_SILENT);
    } else if (++self->closed >= DIAL_CLOSED_ENOUGH) {
        settle(self, DIAL_CLOSED);
    }
}

static void
on_event(dial_monitor_t *self, unsigned event, int value)
{
    if (event == ZMQ_EVENT_CONNECTED) {
        self->connected = true;
        // Somebody answers by now; what he is, the handshake tells.
        if (self->state == DIAL_NO_ANSWER) {
            self->state = DIAL_CONNECTING;
        }
    } else if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
        self->closed = 0;
        settle(self, DIAL_UP);
    } else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
        settle(self, value == ZAP_REFUSED ? DIAL_REFUSED : DIAL_CLOSED);
    } else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) {
        settle(self, DIAL_CLOSED);
    } else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) {
        on_no_detail(self, value);
    } else if (event == ZMQ_EVENT_CONNECT_RETRIED && !self->connected) {
        settle(self, DIAL_NO_ANSWER);
    } else if (event == ZMQ_EVENT_DISCONNECTED && self->state == DIAL_UP) {
        settle(self, DIAL_LOST);
    } else if (event == ZMQ_EVENT_MONITOR_STOPPED) {
        self->stopped = true;
    }
}

unsigned
dial_monitor_closed(const dial_monitor_t *self)
{
    return self->closed;
}

// False when no event waits.
static bool
next_event(void *s, unsigned *event, int *value)
{
    uint8_t head[EVENT_FRAME_LEN];
    char address[LIMIT_ENDPOINT];
    uint16_t e;
    uint32_t v;
    int n;

    do {
        n = zmq_recv(s, head, sizeof head, ZMQ_DONTWAIT);
    } while (n == -1 && errno == EINTR);
    if (n != EVENT_FRAME_LEN) {
        return false;
    }
    memcpy(&e, head, sizeof e);
    memcpy(&v, head + sizeof e, sizeof v);
    *event = e;
    *value = (int)v;
    n = zmq_recv(s, address, sizeof address, ZMQ_DONTWAIT);
    return n != -1;
}

dial_state_t
dial_monitor_drain(dial_monitor_t *self, int64_t now_ms)
{
    unsigned event;
    int value;

    if (self->since_ms < 0) {
        self->since_ms = now_ms;
    }
    while (next_event(self->socket, &event, &value)) {
        on_event(self, event, value);
    }
    if (self->state == DIAL_CONNECTING && !self->connected &&
        now_ms - self->since_ms > NO_ANSWER_MS) {
        self->state = DIAL_NO_ANSWER;
    }
    return self->state;
}

// zmq_close only asks for the end of a socket. An event sent after its
// reader went would hold the I/O thread, and every socket on it, for ever.
static void
await_last_event(dial_monitor_t *self)
{
    zmq_pollitem_t item = {.socket = self->socket, .events = ZMQ_POLLIN};
    int64_t end = clock_mono_ms() + LAST_EVENT_MS;
    int64_t now;

    (void)dial_monitor_drain(self, 0);
    while (!self->stopped && (now = clock_mono_ms()) < end) {
        if (zmq_poll(&item, 1, (long)(end - now)) == -1 &&
            zmq_errno() != EINTR) {
            return;
        }
        (void)dial_monitor_drain(self, 0);
    }
}

void
dial_monitor_close(dial_monitor_t **self_p)
{
    assert(self_p != NULL);
    if (*self_p != NULL) {
        await_last_event(*self_p);
        zmq_close((*self_p)->socket);
        free(*self_p);
        *self_p = NULL;
    }
}

bool
dial_is_hopeless(dial_state_t state, int64_t waited_ms)
{
    return state == DIAL_REFUSED || state == DIAL_CLOSED ||
           (state == DIAL_NO_ANSWER && waited_ms >= NOBODY_MS) ||
           waited_ms >= CLIENT_CONNECT_MS;
}

void
dial_explain(dial_state_t state, const char *endpoint,
    const char *own_fingerprint, buf_t *out)
{
    switch (state) {
    case DIAL_CONNECTING:
        buf_printf(out, "still connecting to %s", endpoint);
        break;
    case DIAL_UP:
        buf_printf(out, "connected to %s", endpoint);
        break;
    case DIAL_NO_ANSWER:
        buf_printf(out,
            "cannot reach %s: nobody answers there; check the address and "
            "that the coordinator runs",
            endpoint);
        break;
    case DIAL_REFUSED:
        buf_printf(out,
            "%s refused this key (fingerprint %s); ask its administrator to "
            "allow it",
            endpoint, own_fingerprint);
        break;
    case DIAL_CLOSED:
        buf_printf(out,
            "%s closes the handshake: its key is not the one in this key "
            "folder (was it rotated?), or it is another program; copy the "
            "folder again",
            endpoint);
        break;
    case DIAL_SILENT:
        buf_printf(out,
            "%s accepts connections but never finishes the handshake: it "
            "hangs, or is another program",
            endpoint);
        break;
    case DIAL_LOST:
        buf_printf(out, "lost the connection to %s", endpoint);
        break;
    }
}
