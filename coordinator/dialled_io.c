// SPDX-License-Identifier: Apache-2.0
// The monitor is read with the looks of the lanes (ten times a second), and
// has no high-water mark: libzmq would stop the I/O thread at it. Whoever
// knocks without a key makes an event of about 100 bytes as well, and is as
// quickly forgotten.
#include "coordinator/dialled_io.h"

#include "common/base/xalloc.h"
#include "common/net/curve_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <zmq.h>

// The event comes before the socket itself knows: a look or two later.
#define LOOKS_AFTER  3u
#define MONITOR_NAME "inproc://lane-monitor"
#define IO_THREAD    1 // that of control: what is lent is little
#define EVENT_PARTS  2

struct dialled {
    void *socket;
    void *monitor;
    uint16_t port;
    unsigned looks; // that are still to be taken
};

static errcode_t
open_monitor(dialled_t *self, void *zmq_ctx, buf_t *why)
{
    const int zero = 0;

    self->monitor = zmq_socket(zmq_ctx, ZMQ_PAIR);
    if (self->monitor == NULL ||
        zmq_setsockopt(self->monitor, ZMQ_RCVHWM, &zero, sizeof zero) != 0 ||
        zmq_setsockopt(self->monitor, ZMQ_LINGER, &zero, sizeof zero) != 0 ||
        zmq_connect(self->monitor, MONITOR_NAME) != 0 ||
        zmq_socket_monitor(
            self->socket, MONITOR_NAME, ZMQ_EVENT_DISCONNECTED) != 0) {
        buf_printf(why, "cannot watch a socket: %s", zmq_strerror(zmq_errno()));
        return ERR_IO;
    }
    return ERR_OK;
}

dialled_t *
dialled_open(void *zmq_ctx, const keypair_t *own, const char *address,
    uint16_t port, buf_t *why)
{
    dialled_t *self = xcalloc(1, sizeof *self);
    const curve_bind_t options = {
        .type = ZMQ_ROUTER,
        .domain = "lane",
        .secret = own->secret_key,
        .address = address,
        .port = port,
        .max_frame = LIMIT_LANE,
        .hwm = LANE_HWM,
        .affinity = IO_THREAD,
    };
    errcode_t rc =
        curve_bind(zmq_ctx, &options, &self->socket, &self->port, why);

    if (rc == ERR_OK) {
        rc = open_monitor(self, zmq_ctx, why);
    }
    if (rc != ERR_OK) {
        dialled_close(&self);
    }
    return self;
}

// The monitor is ended before its reader goes: an event without a reader
// would hold the I/O thread for ever.
void
dialled_close(dialled_t **self_p)
{
    dialled_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    if (self->socket != NULL) {
        (void)zmq_socket_monitor(self->socket, NULL, 0);
        zmq_close(self->socket);
    }
    if (self->monitor != NULL) {
        zmq_close(self->monitor);
    }
    free(self);
    *self_p = NULL;
}

void *
dialled_socket(dialled_t *self)
{
    return self->socket;
}

uint16_t
dialled_port(const dialled_t *self)
{
    return self->port;
}

// What it is, the mask has said.
static bool
next_event(void *monitor)
{
    uint8_t part[LIMIT_ENDPOINT];

    for (int i = 0; i < EVENT_PARTS; i++) {
        int n;
        do {
            n = zmq_recv(monitor, part, sizeof part, ZMQ_DONTWAIT);
        } while (n == -1 && zmq_errno() == EINTR);
        if (n == -1) {
            return false;
        }
    }
    return true;
}

void
dialled_look(dialled_t *self)
{
    self->looks -= self->looks > 0;
    while (next_event(self->monitor)) {
        self->looks = LOOKS_AFTER;
    }
}

bool
dialled_has_lost(const dialled_t *self)
{
    return self->looks > 0;
}
