// SPDX-License-Identifier: Apache-2.0
// keyrotate: another key for the coordinator, with a time in which both are
// known. A server socket of CURVE has one key, so what overlaps is what the
// others know:
//
//   announced  coordinator_next is made; whoever has it beside `coordinator`
//              takes either key for the coordinator's
//   switched   it is `coordinator`, with which the coordinator serves once it
//              is started again; the one before is coordinator_old
//   finished   coordinator_old is gone; issued/ has the new one alone
//
// The new public key travels as the first one did, as a file that somebody
// copies, and is never told over a connection: who stole the old secret could
// tell one of his own, and would be in for good.
//
// Every step can be run again after a crash. *why as in keymaker_io.h.
#ifndef LOGTALLY_CERTS_KEYROTATE_IO_H
#define LOGTALLY_CERTS_KEYROTATE_IO_H

#include "certs/allowlist.h"

typedef enum {
    ROTATION_NONE,
    ROTATION_ANNOUNCED,
    ROTATION_HALFWAY, // a switch that did not come to its end
    ROTATION_SWITCHED,
} rotation_t;
rotation_t keyrotate_phase(const char *dir);
const char *rotation_name(rotation_t phase);

// The key, and issued/*/coordinator_next; again: what is missing of that.
MUST_CHECK errcode_t keyrotate_announce(
    const char *dir, identity_t *next, buf_t *why);
MUST_CHECK errcode_t keyrotate_switch(const char *dir, buf_t *why);
// From switched to announced.
MUST_CHECK errcode_t keyrotate_back(const char *dir, buf_t *why);
MUST_CHECK errcode_t keyrotate_finish(const char *dir, buf_t *why);

#endif
