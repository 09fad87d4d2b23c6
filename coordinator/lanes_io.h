// SPDX-License-Identifier: Apache-2.0
// lanes: one per worker, for its shards. Either a PUSH socket of the lane's
// own, dialled to the worker's intake; or, of a worker that cannot be dialled,
// its connection to the one ROUTER that lanes_listen binds. Whoever drives the
// lanes need not know which it is.
//
// A lane takes nothing until its handshake is over, some milliseconds after
// the dial, so frames wait here meanwhile, in order. One that still waits
// after LANE_STUCK_MS is given up.
#ifndef LOGTALLY_COORDINATOR_LANES_IO_H
#define LOGTALLY_COORDINATOR_LANES_IO_H

#include "certs/keyfile.h"

#include <zmq.h>

#define LANE_LOOK_MS  100
#define LANE_DOWN_MS  500 // a connection that was cut alone is back by then
#define LANE_STUCK_MS 3000

typedef struct lanes lanes_t;

// `own` is lent for the life of the lanes.
lanes_t *lanes_new(void *zmq_ctx, const keypair_t *own);
void lanes_destroy(lanes_t **self_p);

// Dials a numeric endpoint whose server key is that worker's. An open lane
// of the same id is closed first. *why gets a sentence on error.
MUST_CHECK errcode_t lanes_open(lanes_t *self, uint64_t id,
    const char *endpoint, const identity_t *worker, buf_t *why);
// The same for a worker that dials: the lane leads nowhere until lanes_here
// says which connection is its. The last one that was named counts.
void lanes_expect(lanes_t *self, uint64_t id, const char *name);
void lanes_here(lanes_t *self, uint64_t id, uint64_t connection);
void lanes_close(lanes_t *self, uint64_t id);

// Binds the socket that workers dial, once: the port, or 0 with a sentence in
// *why. What comes in is for the caller to receive.
uint16_t lanes_listen(
    lanes_t *self, const char *address, uint16_t port, buf_t *why);
void *lanes_socket(lanes_t *self); // NULL: not bound
// All its connections were cut by unbinding it, of which libzmq says nothing.
void lanes_cut(lanes_t *self);
const char *lanes_name(const lanes_t *self, uint64_t id); // "" for none
size_t lanes_count(const lanes_t *self);

// Takes the bytes of *frame; it goes with the next lanes_flush, in one message
// with what else is for that lane. ERR_NOT_FOUND: no such lane.
MUST_CHECK errcode_t lanes_send(
    lanes_t *self, uint64_t id, buf_t *frame, int64_t now_ms);
// Lanes with frames that found no room: a place for them in a poll. Those of
// workers that dial are in none: they are tried again with each flush.
size_t lanes_waiting(const lanes_t *self);
size_t lanes_poll_items(const lanes_t *self, zmq_pollitem_t *items, size_t max);
void lanes_flush(lanes_t *self);
// The next lane that is stuck; what waited there is dropped.
bool lanes_stuck(lanes_t *self, int64_t now_ms, uint64_t *id);
// The next lane whose connection stands (*up), or was there and is gone for
// LANE_DOWN_MS; each change is told once. Looks every LANE_LOOK_MS.
bool lanes_changed(lanes_t *self, int64_t now_ms, uint64_t *id, bool *up);

#endif
