// SPDX-License-Identifier: Apache-2.0
// curve_socket: ZeroMQ sockets set up the one way this program uses them:
// CURVE always, the binding side is the CURVE server, ZAP domain enforced
// and read back, handshake limit, MAXMSGSIZE, keepalive, no linger surprises
// (docs/architecture.md, "Sockets").
#ifndef LOGTALLY_COMMON_NET_CURVE_SOCKET_H
#define LOGTALLY_COMMON_NET_CURVE_SOCKET_H

#include "common/base/bytes.h"

typedef struct curve_bind {
    int type;              // ZMQ_ROUTER, ZMQ_PULL
    const char *domain;    // ZAP domain: "control", "sink", "lane", "intake"
    const uint8_t *secret; // 32 bytes
    const char *address;   // numeric, or "*"
    uint16_t port;         // 0: any free port
    int64_t max_frame;     // bytes of payload
    int hwm;
    bool heartbeats;   // ZMTP heartbeats: control only
    uint64_t affinity; // I/O threads
} curve_bind_t;

// *port gets the port that was bound. *why gets a sentence on error.
MUST_CHECK errcode_t curve_bind(void *zmq_ctx, const curve_bind_t *options,
    void **out, uint16_t *port, buf_t *why);

typedef struct curve_dial {
    int type; // ZMQ_DEALER, ZMQ_PUSH
    const uint8_t *server_public;
    const uint8_t *own_public;
    const uint8_t *own_secret;
    const char *endpoint; // tcp://NUMERIC:PORT, see endpoint_resolve
    int64_t max_frame;
    int hwm;
    bool heartbeats;
    uint64_t affinity;
    // A name that no other dial of this context had, or NULL: what
    // dial_monitor_open was given just before this call.
    const char *monitor;
} curve_dial_t;
MUST_CHECK errcode_t curve_dial(
    void *zmq_ctx, const curve_dial_t *options, void **out, buf_t *why);

// "tcp://HOST:7700" or "HOST[:PORT]" to "tcp://NUMERIC:PORT"; names are
// resolved here, never in an I/O thread of libzmq.
MUST_CHECK errcode_t endpoint_resolve(
    const char *text, uint16_t default_port, char out[256], buf_t *why);

// What the monitor of a dialled socket has seen so far, in plain words.
typedef enum {
    DIAL_CONNECTING, // nothing known yet
    DIAL_UP,         // the handshake succeeded
    DIAL_NO_ANSWER,  // nobody listens there, so far
    DIAL_REFUSED,    // 400: our key is not allowed; libzmq will not retry
    DIAL_CLOSED,     // handshake closed again and again: wrong server key?
    DIAL_SILENT,     // TCP accepted, handshake never finished
    DIAL_LOST,       // was up, is not
} dial_state_t;
typedef struct dial_monitor dial_monitor_t;
// Opens the reading end; call it just before curve_dial with the same name,
// so that libzmq never waits for a reader. A new dial needs a new name.
// Close the dialled socket first, then its monitor, which waits for the last
// event (up to the linger of the socket).
MUST_CHECK errcode_t dial_monitor_open(
    void *zmq_ctx, const char *name, dial_monitor_t **out);
void dial_monitor_close(dial_monitor_t **self_p);
void *dial_monitor_socket(dial_monitor_t *self); // to poll
dial_state_t dial_monitor_drain(dial_monitor_t *self, int64_t now_ms);
// Is it known by now that there will be no connection? For who does not try
// for ever: after CLIENT_CONNECT_MS in any case.
bool dial_is_hopeless(dial_state_t state, int64_t waited_ms);
// Handshakes that the server closed since the last one that succeeded.
unsigned dial_monitor_closed(const dial_monitor_t *self);
#define DIAL_CLOSED_ENOUGH 2 // of them: it has another key
// One sentence for a person: what is wrong and what to do.
void dial_explain(dial_state_t state, const char *endpoint,
    const char *own_fingerprint, buf_t *out);

// Receives one frame; ERR_BUSY when none waits; ERR_MALFORMED for a multipart
// message (drained) or a batch that is not right (dropped whole). User-Id and
// peer address are copied out; user is empty when the message came
// unauthenticated (drop it!). For a ROUTER *peer is the connection's id.
//
// The frames of a batch (common/wire/batch.h) come one by one, before the
// next message. A poll knows nothing of them: who receives with *in goes on
// for as long as received_more says so; the rest of a batch is dropped when
// the next call is for another socket. A zeroed received_t is ready.
typedef struct received {
    buf_t frame; // cleared and filled
    char user[128];
    char address[64];
    uint64_t peer;
    void *socket; // that the batch came from
    buf_t batch;
    size_t batch_at;
} received_t;
MUST_CHECK errcode_t socket_receive(void *socket, bool router, received_t *in);
bool received_more(const received_t *in);
void received_fini(received_t *in);
// Never blocks. ERR_BUSY: queue full. ERR_NOT_FOUND: that peer is gone.
MUST_CHECK errcode_t socket_send(void *socket, span_t frame);
MUST_CHECK errcode_t socket_send_to(void *router, uint64_t peer, span_t frame);

#endif
