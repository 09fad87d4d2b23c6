// SPDX-License-Identifier: Apache-2.0
// roster: the ids (certs/allowlist.h) and keys that may hold an open
// connection, so that one which is taken off the allowlist, or given another
// key, is noticed.
#ifndef LOGTALLY_COORDINATOR_ROSTER_H
#define LOGTALLY_COORDINATOR_ROSTER_H

#include "certs/allowlist.h"

typedef struct roster roster_t;

roster_t *roster_new(void);
void roster_destroy(roster_t **self_p);
void roster_note(roster_t *self, const identity_t *who);
// Takes out one whose current identity (`lookup`; an error: none) is gone or
// has another key, and copies its id. Call until false.
typedef errcode_t roster_lookup_t(void *ctx, const char *id, identity_t *out);
bool roster_next_gone(
    roster_t *self, roster_lookup_t *lookup, void *ctx, char id[LIMIT_NAME]);

#endif
