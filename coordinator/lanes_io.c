// SPDX-License-Identifier: Apache-2.0
#include "coordinator/lanes_io.h"

#include "common/base/map.h"
#include "common/base/xalloc.h"
#include "common/net/curve_socket.h"
#include "common/wire/batch.h"
#include "coordinator/dialled_io.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct waiting {
    buf_t frame;
    int64_t since_ms;
    struct waiting *next;
} waiting_t;

typedef struct lane {
    uint64_t id;
    void *socket;   // NULL: the worker dials
    bool is_here;   // it has
    uint64_t there; // then: its connection to the dialled socket
    char name[LIMIT_NAME];
    bool was_up;
    int64_t down_ms; // since when it is not; 0: it is, or never was
    waiting_t *first;
    waiting_t **end;
    UT_hash_handle hh;
} lane_t;

struct lanes {
    void *zmq_ctx;
    const keypair_t *own;
    lane_t *by_id;
    size_t n_waiting; // lanes with frames
    int64_t looked_ms;
    lane_t *look;       // the next to be looked at, or NULL
    dialled_t *dialled; // NULL: no worker dials
    batch_t batch;
};

lanes_t *
lanes_new(void *zmq_ctx, const keypair_t *own)
{
    lanes_t *self = xcalloc(1, sizeof *self);

    self->zmq_ctx = zmq_ctx;
    self->own = own;
    return self;
}

static lane_t *
find(const lanes_t *self, uint64_t id)
{
    lane_t *lane;

    HASH_FIND(hh, self->by_id, &id, sizeof id, lane);
    return lane;
}

static void
drop_first(lanes_t *self, lane_t *lane)
{
    waiting_t *w = lane->first;

    lane->first = w->next;
    if (lane->first == NULL) {
        lane->end = &lane->first;
        self->n_waiting--;
    }
    buf_fini(&w->frame);
    free(w);
}

static void
drop_lane(lanes_t *self, lane_t *lane)
{
    while (lane->first != NULL) {
        drop_first(self, lane);
    }
    if (self->look == lane) {
        self->look = lane->hh.next;
    }
    HASH_DEL(self->by_id, lane);
    if (lane->socket != NULL) {
        zmq_close(lane->socket);
    }
    free(lane);
}

void
lanes_destroy(lanes_t **self_p)
{
    lanes_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    while (self->by_id != NULL) {
        drop_lane(self, self->by_id);
    }
    batch_fini(&self->batch);
    dialled_close(&self->dialled);
    free(self);
    *self_p = NULL;
}

// A name would be looked up by libzmq in an I/O thread, and a slow DNS would
// stop every socket there. Workers say an address or leave it out.
static bool
is_numeric(const char *endpoint)
{
    static const char scheme[] = "tcp://";
    char host[LIMIT_ENDPOINT];
    uint8_t address[sizeof(struct in6_addr)];
    const char *colon = strrchr(endpoint, ':');

    if (strncmp(endpoint, scheme, sizeof scheme - 1) != 0 ||
        colon < endpoint + sizeof scheme) {
        return false;
    }
    const char *begin = endpoint + sizeof scheme - 1;
    bool v6 = begin[0] == '[' && colon[-1] == ']';
    int len = (int)(colon - begin) - (v6 ? 2 : 0);
    int n = snprintf(host, sizeof host, "%.*s", len, begin + (v6 ? 1 : 0));
    return n > 0 && n < (int)sizeof host &&
           inet_pton(v6 ? AF_INET6 : AF_INET, host, address) == 1;
}

static lane_t *
add_lane(lanes_t *self, uint64_t id, const char *name)
{
    lane_t *lane = xcalloc(1, sizeof *lane);

    lane->id = id;
    lane->end = &lane->first;
    snprintf(lane->name, sizeof lane->name, "%s", name);
    HASH_ADD(hh, self->by_id, id, sizeof lane->id, lane);
    return lane;
}

errcode_t
lanes_open(lanes_t *self, uint64_t id, const char *endpoint,
    const identity_t *worker, buf_t *why)
{
    void *socket;

    lanes_close(self, id);
    if (!is_numeric(endpoint)) {
        buf_printf(why, "the worker's intake address is no number");
        return ERR_CONFIG;
    }
    errcode_t rc = curve_dial(self->zmq_ctx,
        &(curve_dial_t){
            .type = ZMQ_PUSH,
            .server_public = worker->key,
            .own_public = self->own->public_key,
            .own_secret = self->own->secret_key,
            .endpoint = endpoint,
            .max_frame = LIMIT_CONTROL,
            .hwm = LANE_HWM,
            .affinity = 1,
        },
        &socket, why);
    if (rc != ERR_OK) {
        return rc;
    }
    add_lane(self, id, worker->name)->socket = socket;
    return ERR_OK;
}

void
lanes_expect(lanes_t *self, uint64_t id, const char *name)
{
    lanes_close(self, id);
    add_lane(self, id, name);
}

void
lanes_here(lanes_t *self, uint64_t id, uint64_t connection)
{
    lane_t *lane = find(self, id);

    if (lane != NULL && lane->socket == NULL) {
        lane->is_here = lane->was_up = true;
        lane->down_ms = 0;
        lane->there = connection;
    }
}

uint16_t
lanes_listen(lanes_t *self, const char *address, uint16_t port, buf_t *why)
{
    if (self->dialled == NULL) {
        self->dialled =
            dialled_open(self->zmq_ctx, self->own, address, port, why);
    }
    return self->dialled == NULL ? 0 : dialled_port(self->dialled);
}

void *
lanes_socket(lanes_t *self)
{
    return self->dialled == NULL ? NULL : dialled_socket(self->dialled);
}

void
lanes_close(lanes_t *self, uint64_t id)
{
    lane_t *lane = find(self, id);

    if (lane != NULL) {
        drop_lane(self, lane);
    }
}

const char *
lanes_name(const lanes_t *self, uint64_t id)
{
    const lane_t *lane = find(self, id);

    return lane != NULL ? lane->name : "";
}

size_t
lanes_count(const lanes_t *self)
{
    return HASH_COUNT(self->by_id);
}

void
lanes_cut(lanes_t *self)
{
    for (lane_t *lane = self->by_id; lane != NULL; lane = lane->hh.next) {
        lane->is_here = false;
    }
}

// As many of the first frames as one message takes.
static unsigned
gather(lanes_t *self, const lane_t *lane)
{
    const waiting_t *w = lane->first;

    batch_clear(&self->batch);
    while (w != NULL && batch_put(&self->batch, buf_span(&w->frame))) {
        w = w->next;
    }
    return self->batch.n;
}

// Who is gone is expected back on another connection, as a PUSH dials again.
static errcode_t
send_dialled(lanes_t *self, lane_t *lane, span_t message)
{
    if (!lane->is_here) {
        return ERR_BUSY;
    }
    errcode_t rc =
        socket_send_to(dialled_socket(self->dialled), lane->there, message);
    lane->is_here = rc != ERR_NOT_FOUND;
    return rc;
}

static errcode_t
send_message(lanes_t *self, lane_t *lane, span_t message)
{
    return lane->socket != NULL ? socket_send(lane->socket, message)
                                : send_dialled(self, lane, message);
}

static void
flush(lanes_t *self, lane_t *lane)
{
    while (lane->first != NULL) {
        unsigned n = gather(self, lane);
        if (send_message(self, lane, batch_message(&self->batch)) != ERR_OK) {
            return;
        }
        while (n-- > 0) {
            drop_first(self, lane);
        }
    }
}

errcode_t
lanes_send(lanes_t *self, uint64_t id, buf_t *frame, int64_t now_ms)
{
    lane_t *lane = find(self, id);

    if (lane == NULL) {
        return ERR_NOT_FOUND;
    }
    waiting_t *w = xcalloc(1, sizeof *w);
    w->frame = *frame;
    w->since_ms = now_ms;
    *frame = (buf_t){0};
    self->n_waiting += lane->first == NULL;
    *lane->end = w;
    lane->end = &w->next;
    return ERR_OK;
}

size_t
lanes_waiting(const lanes_t *self)
{
    return self->n_waiting;
}

size_t
lanes_poll_items(const lanes_t *self, zmq_pollitem_t *items, size_t max)
{
    size_t n = 0;

    if (self->n_waiting == 0) {
        return 0;
    }
    for (lane_t *lane = self->by_id; lane != NULL; lane = lane->hh.next) {
        if (lane->first != NULL && lane->socket != NULL && n < max) {
            items[n++] =
                (zmq_pollitem_t){.socket = lane->socket, .events = ZMQ_POLLOUT};
        }
    }
    return n;
}

void
lanes_flush(lanes_t *self)
{
    if (self->n_waiting == 0) {
        return;
    }
    for (lane_t *lane = self->by_id; lane != NULL; lane = lane->hh.next) {
        flush(self, lane);
    }
}

bool
lanes_stuck(lanes_t *self, int64_t now_ms, uint64_t *id)
{
    if (self->n_waiting == 0) {
        return false;
    }
    for (lane_t *lane = self->by_id; lane != NULL; lane = lane->hh.next) {
        if (lane->first == NULL ||
            now_ms - lane->first->since_ms < LANE_STUCK_MS) {
            continue;
        }
        while (lane->first != NULL) {
            drop_first(self, lane);
        }
        *id = lane->id;
        return true;
    }
    return false;
}

// With ZMQ_IMMEDIATE a PUSH without a connection takes no message. A ROUTER
// knows whether a connection is there when it is given something for it: an
// empty message, which is no frame. That is done only after one went.
static bool
is_connected(lanes_t *self, lane_t *lane)
{
    int events = 0;
    size_t size = sizeof events;

    if (lane->socket == NULL) {
        if (lane->is_here && dialled_has_lost(self->dialled)) {
            (void)send_dialled(self, lane, (span_t){0});
        }
        return lane->is_here;
    }
    return zmq_getsockopt(lane->socket, ZMQ_EVENTS, &events, &size) == 0 &&
           (events & ZMQ_POLLOUT) != 0;
}

static bool
has_changed(lanes_t *self, lane_t *lane, int64_t now_ms)
{
    if (is_connected(self, lane)) {
        bool was_up = lane->was_up;
        lane->was_up = true;
        lane->down_ms = 0;
        return !was_up;
    }
    if (lane->was_up && lane->down_ms == 0) {
        lane->down_ms = now_ms;
    } else if (lane->was_up && now_ms - lane->down_ms >= LANE_DOWN_MS) {
        lane->was_up = false;
        return true;
    }
    return false;
}

bool
lanes_changed(lanes_t *self, int64_t now_ms, uint64_t *id, bool *up)
{
    if (self->look == NULL && now_ms - self->looked_ms >= LANE_LOOK_MS) {
        self->looked_ms = now_ms;
        self->look = self->by_id;
        if (self->dialled != NULL) {
            dialled_look(self->dialled);
        }
    }
    while (self->look != NULL) {
        lane_t *lane = self->look;
        self->look = lane->hh.next;
        if (has_changed(self, lane, now_ms)) {
            *id = lane->id;
            *up = lane->was_up;
            return true;
        }
    }
    return false;
}
