// SPDX-License-Identifier: Apache-2.0
// link: a dialled CURVE connection that heals: every new attempt resolves
// the name again and has a fresh socket (libzmq never retries after a
// refusal), with a back-off of 250 ms to 5 s. Tells in the log, in plain
// words, what is wrong; the same sentence at most once a minute. One thread.
#ifndef LOGTALLY_WORKER_LINK_IO_H
#define LOGTALLY_WORKER_LINK_IO_H

#include "certs/keyfile.h"

#define LINK_BACKOFF_MIN_MS 250
#define LINK_BACKOFF_MAX_MS 5000
#define LINK_BACKLOG_MAX    (64u << 20) // bytes of posted frames

typedef struct link_options {
    const char *what; // "control", "sink", "lane": in the log
    int type;         // ZMQ_DEALER, ZMQ_PUSH
    int64_t max_frame;
    int hwm;
    bool heartbeats;
    bool reads; // what came before a connection was lost is waited for, until
                // it was received; only then is dialled again
    uint64_t affinity;
    const credentials_t *keys; // lent
    // The coordinator's keys that are tried in turn, lent; they may change.
    // NULL: the one of the credentials.
    const pins_t *pins;
} link_options_t;

typedef struct link link_t;

link_t *link_new(void *zmq_ctx, const link_options_t *options);
void link_destroy(link_t **self_p);

// Dials "HOST[:PORT]" or "tcp://HOST[:PORT]" at the next tick; what was
// connected or queued is dropped.
void link_dial(
    link_t *self, const char *address, uint16_t default_port, int64_t now_ms);
// Drops the connection, and dials no more.
void link_drop(link_t *self);
// Drops the connection; the next one waits for the back-off, at least that
// long.
void link_redial(link_t *self, int64_t at_least_ms, int64_t now_ms);

bool link_is_up(const link_t *self);
void *link_socket(link_t *self);               // to poll, or NULL
void *link_monitor(link_t *self);              // to poll, or NULL
const char *link_endpoint(const link_t *self); // tcp://NUMERIC:PORT, or ""

// Looks what happened, dials when it is time. *came_up: there is a new
// connection since the last call. Returns ms until it must be called again.
int64_t link_tick(link_t *self, int64_t now_ms, bool *came_up);

// Never block. Not up: ERR_UNREACHABLE, the frame is dropped. link_send:
// ERR_BUSY when the queue is full. link_post keeps what finds no room and
// sends it in order by tick; a peer that takes nothing until LINK_BACKLOG_MAX
// is dialled again.
MUST_CHECK errcode_t link_send(link_t *self, span_t frame);
void link_post(link_t *self, span_t frame, int64_t now_ms);
bool link_has_backlog(const link_t *self);

#endif
