// SPDX-License-Identifier: Apache-2.0
// outbox: what goes to the peers of the control socket, gathered until all
// outputs of a round are there, so that what is for one peer goes as one
// message.
#ifndef LOGTALLY_COORDINATOR_OUTBOX_H
#define LOGTALLY_COORDINATOR_OUTBOX_H

#include "common/base/bytes.h"

typedef struct outbox outbox_t;

outbox_t *outbox_new(void);
void outbox_destroy(outbox_t **self_p);

void outbox_put(outbox_t *self, uint64_t peer, span_t frame);
// The next message, lent until the next call; those of one peer keep their
// order. False: nothing is left.
bool outbox_next(outbox_t *self, uint64_t *peer, span_t *message);

#endif
