// SPDX-License-Identifier: Apache-2.0
// keyissue: DIR/issued/NAME, all that a host or a person needs.
#ifndef LOGTALLY_CERTS_KEYISSUE_IO_H
#define LOGTALLY_CERTS_KEYISSUE_IO_H

#include "certs/keydir_io.h"

#define SECRET_SUFFIX    "_secret"
#define COORDINATOR_NAME "coordinator"
#define COORDINATOR_NEXT "coordinator_next"
#define COORDINATOR_OLD  "coordinator_old"

// What the coordinator is known by; `next` while that is announced.
typedef struct coordinator_keys {
    identity_t now;
    bool has_next;
    identity_t next;
} coordinator_keys_t;
MUST_CHECK errcode_t keyissue_coordinator(keydir_t *d, coordinator_keys_t *out);

// Makes issued/NAME, whole or not at all; one that is there is replaced.
MUST_CHECK errcode_t keyissue_folder(keydir_t *d, const identity_t *who,
    const uint8_t secret[KEY_LEN], const keyseal_t *seal,
    const coordinator_keys_t *coordinator);

#endif
