// SPDX-License-Identifier: Apache-2.0
// httpd: a server of libmicrohttpd, bounded in all that somebody who asks
// could make it hold.
#ifndef LOGTALLY_COMMON_SERVICE_HTTPD_IO_H
#define LOGTALLY_COMMON_SERVICE_HTTPD_IO_H

#include "common/base/bytes.h"

#include <microhttpd.h>
#include <sys/socket.h>

typedef struct httpd_options {
    const char *what; // is served, for the sentence: "metrics"
    unsigned flags;   // how it polls, and in which threads
    unsigned connections;
    unsigned timeout_s;      // of a connection on which nothing happens
    size_t connection_bytes; // memory of each
    MHD_AccessHandlerCallback on_request;
    void *ctx; // its first argument
} httpd_options_t;

// Serves from now on; the caller ends it with MHD_stop_daemon. *port is the one
// that it got where `at` names none. ERR_IO; *out may be set then too, and has
// to be stopped; *why is a sentence.
MUST_CHECK errcode_t httpd_start(const httpd_options_t *options,
    const struct sockaddr_storage *at, struct MHD_Daemon **out, uint16_t *port,
    buf_t *why);

#endif
