// SPDX-License-Identifier: Apache-2.0
// dialled: the one socket that workers dial for their shards, a ROUTER, and
// what can be known of its connections.
//
// libzmq tells of a connection that went, but not whose it was; and a ROUTER
// says whether a connection is there only when it is given a message for it.
// So the one is the reason to ask the other: as long as nothing goes, nobody
// is asked.
#ifndef LOGTALLY_COORDINATOR_DIALLED_IO_H
#define LOGTALLY_COORDINATOR_DIALLED_IO_H

#include "certs/keyfile.h"

#define LANE_HWM 4096 // of every lane; shards are bounded by credit, below it

typedef struct dialled dialled_t;

// NULL with a sentence in *why. address: numeric or "*"; port 0: any free one.
dialled_t *dialled_open(void *zmq_ctx, const keypair_t *own,
    const char *address, uint16_t port, buf_t *why);
void dialled_close(dialled_t **self_p);
void *dialled_socket(dialled_t *self);
uint16_t dialled_port(const dialled_t *self);

// Reads what libzmq tells; often, so that it does not pile up.
void dialled_look(dialled_t *self);
// Some connection went lately: ask for each whether it was that one.
bool dialled_has_lost(const dialled_t *self);

#endif
