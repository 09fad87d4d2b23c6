// SPDX-License-Identifier: Apache-2.0
// Whole messages in and out. A message is one frame, so no half of one can
// be seen; a ROUTER puts the connection's id before it.
#include "common/net/curve_socket.h"

#include "common/base/limits.h"
#include "common/wire/batch.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

// Ids that libzmq makes itself: a zero, then a u32. Peers set none; one that
// does is not ours.
#define PEER_ID_LEN 5

static errcode_t
receive_part(zmq_msg_t *msg, void *socket)
{
    int n;

    do {
        n = zmq_msg_recv(msg, socket, ZMQ_DONTWAIT);
    } while (n == -1 && zmq_errno() == EINTR);
    if (n == -1) {
        return zmq_errno() == EAGAIN ? ERR_BUSY : ERR_IO;
    }
    return ERR_OK;
}

// The parts of a message arrive together, so this does not wait.
static void
drop_rest(void *socket, zmq_msg_t *msg)
{
    while (zmq_msg_more(msg) && receive_part(msg, socket) == ERR_OK) {
    }
}

static void
copy_property(zmq_msg_t *msg, const char *name, char *out, size_t size)
{
    const char *value = zmq_msg_gets(msg, name);

    if (value == NULL || strlen(value) >= size) {
        value = "";
    }
    snprintf(out, size, "%s", value);
}

// A dual-stack socket sees IPv4 peers as ::ffff:1.2.3.4.
static void
copy_address(zmq_msg_t *msg, char *out, size_t size)
{
    static const char mapped[] = "::ffff:";

    copy_property(msg, "Peer-Address", out, size);
    if (strncmp(out, mapped, sizeof mapped - 1) == 0 &&
        strchr(out, '.') != NULL) {
        memmove(
            out, out + sizeof mapped - 1, strlen(out + sizeof mapped - 1) + 1);
    }
}

static bool
read_peer(zmq_msg_t *msg, uint64_t *out)
{
    const uint8_t *p = zmq_msg_data(msg);
    uint32_t id;

    if (zmq_msg_size(msg) != PEER_ID_LEN || p[0] != 0) {
        return false;
    }
    memcpy(&id, p + 1, sizeof id);
    *out = id;
    return true;
}

// The properties are read from the body: libzmq 4.3.4 loses those of the
// first part when it was fetched ahead by a poll.
static errcode_t
take_body(void *socket, zmq_msg_t *msg, received_t *in)
{
    copy_property(msg, "User-Id", in->user, sizeof in->user);
    copy_address(msg, in->address, sizeof in->address);
    if (zmq_msg_more(msg)) {
        drop_rest(socket, msg);
        return ERR_MALFORMED;
    }
    buf_put(&in->frame, zmq_msg_data(msg), zmq_msg_size(msg));
    return ERR_OK;
}

static errcode_t
receive_routed(void *socket, zmq_msg_t *msg, received_t *in)
{
    errcode_t rc = receive_part(msg, socket);

    if (rc != ERR_OK) {
        return rc;
    }
    bool known = read_peer(msg, &in->peer);
    if (!zmq_msg_more(msg)) {
        return ERR_MALFORMED;
    }
    if (receive_part(msg, socket) != ERR_OK) {
        return ERR_IO;
    }
    rc = take_body(socket, msg, in);
    return rc == ERR_OK && !known ? ERR_MALFORMED : rc;
}

static errcode_t
receive_plain(void *socket, zmq_msg_t *msg, received_t *in)
{
    errcode_t rc = receive_part(msg, socket);

    return rc == ERR_OK ? take_body(socket, msg, in) : rc;
}

static void
next_of_batch(received_t *in)
{
    rd_t r = rd_init(
        (span_t){in->batch.p + in->batch_at, in->batch.len - in->batch_at});
    span_t frame = {0};
    errcode_t rc = rd_block(&r, rd_left(&r), &frame);

    assert(rc == ERR_OK); // checked when it came
    buf_put_span(&in->frame, frame);
    in->batch_at = in->batch.len - rd_left(&r);
}

static errcode_t
open_batch(void *socket, received_t *in)
{
    buf_t message = in->frame;
    rd_t r;

    if (batch_open(buf_span(&message), &r) != ERR_OK) {
        return ERR_MALFORMED;
    }
    in->frame = in->batch;
    in->batch = message;
    in->batch_at = message.len - rd_left(&r);
    in->socket = socket;
    buf_clear(&in->frame);
    next_of_batch(in);
    return ERR_OK;
}

bool
received_more(const received_t *in)
{
    return in->batch_at < in->batch.len;
}

void
received_fini(received_t *in)
{
    buf_fini(&in->frame);
    buf_fini(&in->batch);
    in->batch_at = 0;
}

errcode_t
socket_receive(void *socket, bool router, received_t *in)
{
    zmq_msg_t msg;

    buf_clear(&in->frame);
    if (received_more(in) && in->socket == socket) {
        next_of_batch(in);
        return ERR_OK;
    }
    in->batch_at = in->batch.len;
    in->user[0] = '\0';
    in->address[0] = '\0';
    in->peer = 0;
    zmq_msg_init(&msg);
    errcode_t rc = router ? receive_routed(socket, &msg, in)
                          : receive_plain(socket, &msg, in);
    zmq_msg_close(&msg);
    return rc == ERR_OK && batch_is(buf_span(&in->frame))
               ? open_batch(socket, in)
               : rc;
}

static errcode_t
send_part(void *socket, span_t part, int flags)
{
    int n;

    do {
        n = zmq_send(socket, part.p, part.len, flags | ZMQ_DONTWAIT);
    } while (n == -1 && zmq_errno() == EINTR);
    if (n != -1) {
        return ERR_OK;
    }
    switch (zmq_errno()) {
    case EAGAIN:
        return ERR_BUSY;
    case EHOSTUNREACH:
        return ERR_NOT_FOUND;
    default:
        return ERR_IO;
    }
}

errcode_t
socket_send(void *socket, span_t frame)
{
    return send_part(socket, frame, 0);
}

errcode_t
socket_send_to(void *router, uint64_t peer, span_t frame)
{
    uint8_t id[PEER_ID_LEN] = {0};
    uint32_t number = (uint32_t)peer;

    assert(peer <= UINT32_MAX);
    memcpy(id + 1, &number, sizeof number);
    errcode_t rc = send_part(router, (span_t){id, sizeof id}, ZMQ_SNDMORE);
    // Room was made sure of with the id; the body cannot meet a full queue.
    return rc == ERR_OK ? send_part(router, frame, 0) : rc;
}
