// SPDX-License-Identifier: Apache-2.0
// audit_take: which of what the coordinator hears is for the audit file.
#ifndef LOGTALLY_COORDINATOR_AUDIT_TAKE_IO_H
#define LOGTALLY_COORDINATOR_AUDIT_TAKE_IO_H

#include "coordinator/coordinator_inside_io.h"

// After the machine took self->in: submitted, cancelled, read, reloaded.
// `before`: the machine's counters before that.
void audit_message(coordinator_io_t *self, const identity_t *who,
    const coordinator_stats_t *before);
void audit_revoked(coordinator_io_t *self, const char *name);
// Once a second: how many were refused since the last time, and sync.
void audit_tick(coordinator_io_t *self);

#endif
