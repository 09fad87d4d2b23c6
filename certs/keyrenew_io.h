// SPDX-License-Identifier: Apache-2.0
// keyrenew: another key for a name of the allowlist. DIR/next/NAME is good
// beside DIR/allowed/NAME until it takes its place, or until the old one's
// time is over, whichever comes first. *why as in keymaker_io.h.
#ifndef LOGTALLY_CERTS_KEYRENEW_IO_H
#define LOGTALLY_CERTS_KEYRENEW_IO_H

#include "certs/keylock.h"

typedef struct keyrenew {
    const char *name;
    int64_t old_until; // last second of the old key; 0: no end but its own
    int64_t expires;   // of the new one; 0: as the old one
    const keyseal_t *seal;
} keyrenew_t;

// issued/NAME has the new key, and *out what is known of it. ERR_DENIED: one
// is on its way already. ERR_NOT_FOUND: no such key.
MUST_CHECK errcode_t keyrenew_begin(
    const char *dir, const keyrenew_t *what, identity_t *out, buf_t *why);
// The old key is refused from now on.
MUST_CHECK errcode_t keyrenew_finish(
    const char *dir, const char *name, buf_t *why);

#endif
