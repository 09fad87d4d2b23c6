// SPDX-License-Identifier: Apache-2.0
// allowlist: who may speak, as what, for which hosts. An immutable set made
// from one file per key in DIR/allowed/, and one per key in DIR/next/ that is
// to take over a name (certs/keyrenew_io.h): as long as both are there, both
// are good. A change makes a new set.
#ifndef LOGTALLY_CERTS_ALLOWLIST_H
#define LOGTALLY_CERTS_ALLOWLIST_H

#include "common/base/bytes.h"
#include "common/base/limits.h"

#define KEY_LEN 32

enum {
    ROLE_WORKER = 1,
    ROLE_CLIENT = 2,
    ROLE_ADMIN = 4,       // may do all that a client may, for every job
    ROLE_COORDINATOR = 8, // only in a worker's own allowlist
};

typedef struct identity {
    char name[LIMIT_NAME];
    uint8_t key[KEY_LEN];
    bool next; // from DIR/next
    unsigned roles;
    int64_t expires; // first second when it is no longer good; 0: never
    size_t n_hosts;  // patterns a worker may speak for
    char hosts[LIMIT_HOSTS][LIMIT_NAME];
} identity_t;

typedef struct allowlist allowlist_t;

// Reads DIR/allowed. Any file that is wrong fails the whole (*why names file
// and fault), so does a folder that others may write in; an empty or missing
// directory is ERR_NOT_FOUND.
MUST_CHECK errcode_t allowlist_load(
    const char *keys_dir, allowlist_t **out, buf_t *why);
// One identity only. NULL: nobody.
allowlist_t *allowlist_of(const identity_t *only);
// These alone: what a worker allows on its intake.
allowlist_t *allowlist_of_all(const identity_t *items, size_t n);
void allowlist_destroy(allowlist_t **self_p);
size_t allowlist_count(const allowlist_t *self);
const identity_t *allowlist_at(const allowlist_t *self, size_t i);
const identity_t *allowlist_by_key(
    const allowlist_t *self, const uint8_t key[KEY_LEN]); // NULL: unknown
// By its id. That of a key which has taken over since is known as well.
const identity_t *allowlist_by_name(const allowlist_t *self, const char *id);
// Of the contents; equal lists have equal digests.
void allowlist_digest(const allowlist_t *self, uint8_t out[32]);

// What a connection is known by: the name, and for a key of DIR/next its
// fingerprint behind a '#', since another one has that name.
void identity_id(const identity_t *self, char out[LIMIT_NAME]);
// May this identity speak for that host? Patterns as in fnmatch(3).
bool identity_speaks_for(const identity_t *self, const char *host);
// False once its day has passed.
bool identity_is_current(const identity_t *self, int64_t wall_s);
// "worker", "client", "admin"; 0 for no role.
unsigned role_parse(const char *name);
const char *role_name(unsigned role);

#endif
