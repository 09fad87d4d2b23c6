// SPDX-License-Identifier: Apache-2.0
// curve_socket: every option is set before bind or connect, raw, with its
// error looked at. czmq's setters are not used: they abort on a bad value,
// and its setter of ZAP_ENFORCE_DOMAIN does nothing in builds of libzmq
// without drafts.
#include "common/net/curve_socket.h"

#include "common/base/limits.h"
#include "common/net/curve_inside.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

// Hidden behind ZMQ_BUILD_DRAFT_API in zmq.h, yet honoured by 4.3.
// Without it a connection is let in whenever no ZAP handler is bound.
#define ZAP_ENFORCE_DOMAIN 93

#define CONNECT_TIMEOUT_MS 2000
#define RECONNECT_MS       250
#define RECONNECT_MAX_MS   5000
#define LINGER_CONTROL_MS  500
#define BACKLOG            1024
#define HEARTBEAT_IVL_MS   2000
#define HEARTBEAT_LOST_MS  6000
#define CURVE_KEY_LEN      32

typedef struct int_option {
    int name;
    int value;
} int_option_t;

static errcode_t
set_ints(void *s, const int_option_t *options, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (zmq_setsockopt(s, options[i].name, &options[i].value,
                sizeof options[i].value) != 0) {
            return ERR_IO;
        }
    }
    return ERR_OK;
}

static errcode_t
set_bytes(void *s, int name, const void *p, size_t len)
{
    return zmq_setsockopt(s, name, p, len) == 0 ? ERR_OK : ERR_IO;
}

// Bulk sockets do without linger: what they lose is sent again by the
// protocol. A last word on control (BYE, REFUSED) is worth half a second.
static int
linger_of(int type)
{
    return type == ZMQ_ROUTER || type == ZMQ_DEALER ? LINGER_CONTROL_MS : 0;
}

static errcode_t
set_heartbeats(void *s)
{
    static const int_option_t options[] = {
        {ZMQ_HEARTBEAT_IVL, HEARTBEAT_IVL_MS},
        {ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_LOST_MS},
        {ZMQ_HEARTBEAT_TTL, HEARTBEAT_LOST_MS},
    };

    return set_ints(s, options, sizeof options / sizeof *options);
}

static errcode_t
set_common(void *s, int type, int64_t max_frame, int hwm, bool heartbeats,
    uint64_t affinity)
{
    const int64_t max = max_frame + LIMIT_CURVE_OVERHEAD;
    const int_option_t options[] = {
        {ZMQ_LINGER, linger_of(type)},
        {ZMQ_IPV6, 1},
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_SNDHWM, hwm},
        {ZMQ_RCVHWM, hwm},
        {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_TCP_KEEPALIVE_IDLE, 30},
        {ZMQ_TCP_KEEPALIVE_INTVL, 10},
        {ZMQ_TCP_KEEPALIVE_CNT, 3},
    };
    assert(hwm > 0 && max_frame > 0);
    errcode_t rc = set_ints(s, options, sizeof options / sizeof *options);

    if (rc == ERR_OK) {
        rc = set_bytes(s, ZMQ_MAXMSGSIZE, &max, sizeof max);
    }
    if (rc == ERR_OK && affinity != 0) {
        rc = set_bytes(s, ZMQ_AFFINITY, &affinity, sizeof affinity);
    }
    return rc == ERR_OK && heartbeats ? set_heartbeats(s) : rc;
}

static errcode_t
set_enforced(void *s)
{
    int value = 1;
    size_t len = sizeof value;
    errcode_t rc = set_bytes(s, ZAP_ENFORCE_DOMAIN, &value, sizeof value);

    value = 0;
    if (rc != ERR_OK ||
        zmq_getsockopt(s, ZAP_ENFORCE_DOMAIN, &value, &len) != 0) {
        return ERR_UNSUPPORTED;
    }
    return value == 1 ? ERR_OK : ERR_UNSUPPORTED;
}

static errcode_t
set_server(void *s, const curve_bind_t *o)
{
    static const int_option_t router[] = {
        {ZMQ_ROUTER_MANDATORY, 1},
        {ZMQ_ROUTER_HANDOVER, 0},
    };
    static const int_option_t server[] = {
        {ZMQ_CURVE_SERVER, 1},
        {ZMQ_BACKLOG, BACKLOG},
    };
    assert(o->domain != NULL && o->domain[0] != '\0');
    errcode_t rc = set_ints(s, server, 2);

    if (rc == ERR_OK && o->type == ZMQ_ROUTER) {
        rc = set_ints(s, router, 2);
    }
    if (rc == ERR_OK) {
        rc = set_bytes(s, ZMQ_CURVE_SECRETKEY, o->secret, CURVE_KEY_LEN);
    }
    if (rc == ERR_OK) {
        rc = set_bytes(s, ZMQ_ZAP_DOMAIN, o->domain, strlen(o->domain));
    }
    return rc == ERR_OK ? set_enforced(s) : rc;
}

// The port is the number behind the last colon of LAST_ENDPOINT.
static errcode_t
bound_port(void *s, uint16_t *out)
{
    char last[LIMIT_ENDPOINT];
    size_t len = sizeof last;

    if (zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, last, &len) != 0) {
        return ERR_IO;
    }
    const char *colon = strrchr(last, ':');
    assert(colon != NULL);
    *out = (uint16_t)strtoul(colon + 1, NULL, 10);
    return ERR_OK;
}

static errcode_t
bind_there(void *s, const curve_bind_t *o, uint16_t *port, buf_t *why)
{
    char endpoint[LIMIT_ENDPOINT];
    char port_text[8] = "*";
    bool v6 = strchr(o->address, ':') != NULL && o->address[0] != '[';

    if (o->port != 0) {
        snprintf(port_text, sizeof port_text, "%u", o->port);
    }
    int n = snprintf(endpoint, sizeof endpoint,
        v6 ? "tcp://[%s]:%s" : "tcp://%s:%s", o->address, port_text);
    if (n < 0 || (size_t)n >= sizeof endpoint) {
        buf_printf(why, "the address to listen on is too long");
        return ERR_CONFIG;
    }
    if (zmq_bind(s, endpoint) != 0) {
        int error = zmq_errno();
        buf_printf(why, "cannot listen on %s: %s%s", endpoint,
            zmq_strerror(error),
            error == EADDRINUSE
                ? "; stop the program that has it or choose another port"
                : "; give an address of this host, or *");
        return ERR_IO;
    }
    return bound_port(s, port);
}

static void
explain_options(errcode_t rc, buf_t *why)
{
    if (rc == ERR_UNSUPPORTED) {
        buf_printf(why,
            "this libzmq cannot enforce authentication (option %d); "
            "install version 4.3.4 or newer",
            ZAP_ENFORCE_DOMAIN);
    } else {
        buf_printf(
            why, "cannot set up a socket: %s", zmq_strerror(zmq_errno()));
    }
}

static void *
open_socket(void *zmq_ctx, int type, buf_t *why)
{
    void *s = zmq_socket(zmq_ctx, type);

    if (s == NULL) {
        buf_printf(why, "cannot make a socket: %s%s", zmq_strerror(zmq_errno()),
            zmq_errno() == EMFILE ? "; raise the limit of open files" : "");
    }
    return s;
}

errcode_t
curve_bind(void *zmq_ctx, const curve_bind_t *options, void **out,
    uint16_t *port, buf_t *why)
{
    *out = NULL;
    void *s = open_socket(zmq_ctx, options->type, why);
    if (s == NULL) {
        return ERR_IO;
    }
    errcode_t rc = set_common(s, options->type, options->max_frame,
        options->hwm, options->heartbeats, options->affinity);
    rc = rc == ERR_OK ? set_server(s, options) : rc;
    if (rc != ERR_OK) {
        explain_options(rc, why);
    } else {
        rc = bind_there(s, options, port, why);
    }
    if (rc != ERR_OK) {
        zmq_close(s);
        return rc;
    }
    *out = s;
    return ERR_OK;
}

static errcode_t
set_client(void *s, const curve_dial_t *o)
{
    static const int_option_t client[] = {
        {ZMQ_IMMEDIATE, 1},
        {ZMQ_CONNECT_TIMEOUT, CONNECT_TIMEOUT_MS},
        {ZMQ_RECONNECT_IVL, RECONNECT_MS},
        {ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS},
    };
    errcode_t rc = set_ints(s, client, sizeof client / sizeof *client);

    if (rc == ERR_OK) {
        rc = set_bytes(s, ZMQ_CURVE_SERVERKEY, o->server_public, CURVE_KEY_LEN);
    }
    if (rc == ERR_OK) {
        rc = set_bytes(s, ZMQ_CURVE_PUBLICKEY, o->own_public, CURVE_KEY_LEN);
    }
    if (rc == ERR_OK) {
        rc = set_bytes(s, ZMQ_CURVE_SECRETKEY, o->own_secret, CURVE_KEY_LEN);
    }
    return rc;
}

static errcode_t
attach_monitor(void *s, const char *name)
{
    char endpoint[LIMIT_ENDPOINT];

    if (!monitor_endpoint(name, endpoint)) {
        errno = EINVAL;
        return ERR_IO;
    }
    return zmq_socket_monitor(s, endpoint, MONITOR_EVENTS) == 0 ? ERR_OK
                                                                : ERR_IO;
}

errcode_t
curve_dial(void *zmq_ctx, const curve_dial_t *options, void **out, buf_t *why)
{
    *out = NULL;
    void *s = open_socket(zmq_ctx, options->type, why);
    if (s == NULL) {
        return ERR_IO;
    }
    errcode_t rc = set_common(s, options->type, options->max_frame,
        options->hwm, options->heartbeats, options->affinity);
    rc = rc == ERR_OK ? set_client(s, options) : rc;
    if (rc == ERR_OK && options->monitor != NULL) {
        rc = attach_monitor(s, options->monitor);
    }
    if (rc != ERR_OK) {
        explain_options(rc, why);
    } else if (zmq_connect(s, options->endpoint) != 0) {
        buf_printf(why, "cannot dial %s: %s", options->endpoint,
            zmq_strerror(zmq_errno()));
        rc = ERR_CONFIG;
    }
    if (rc != ERR_OK) {
        zmq_close(s);
        return rc;
    }
    *out = s;
    return ERR_OK;
}
