// SPDX-License-Identifier: Apache-2.0
// What the files of curve_socket share among themselves.
#ifndef LOGTALLY_COMMON_NET_CURVE_INSIDE_H
#define LOGTALLY_COMMON_NET_CURVE_INSIDE_H

#include "common/base/limits.h"

#include <stdbool.h>
#include <zmq.h>

// Only what tells one fault of a dial from another.
#define MONITOR_EVENTS                                                         \
    (ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_RETRIED |                         \
        ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |               \
        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |                                 \
        ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |                                  \
        ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_MONITOR_STOPPED)

// "name" or "inproc://name" to the latter; false when it is too long.
bool monitor_endpoint(const char *name, char out[LIMIT_ENDPOINT]);

#endif
