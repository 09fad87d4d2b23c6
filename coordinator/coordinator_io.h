// SPDX-License-Identifier: Apache-2.0
// coordinator_io: the coordinator machine between its sockets: control
// (ROUTER), sink (PULL), one PUSH per worker, signals and the state folder.
#ifndef LOGTALLY_COORDINATOR_COORDINATOR_IO_H
#define LOGTALLY_COORDINATOR_COORDINATOR_IO_H

#include "coordinator/options.h"

typedef struct coordinator_io coordinator_io_t;

// Everything up to listening; blocks the signals it takes in every thread.
// *why gets a sentence on error. ERR_CONFIG: settings or keys are wrong.
MUST_CHECK errcode_t coordinator_io_open(
    const coordinator_options_t *options, coordinator_io_t **out, buf_t *why);
// Until SIGTERM or SIGINT. ERR_IO: a socket or the state folder failed.
MUST_CHECK errcode_t coordinator_io_run(coordinator_io_t *self);
// Ends the sockets and gives the state folder free. What libzmq holds is
// left to the end of the process.
void coordinator_io_close(coordinator_io_t **self_p);

// Are the keys such that a start would work? For --check-config.
MUST_CHECK errcode_t coordinator_io_check_keys(const char *keys, buf_t *why);

#endif
