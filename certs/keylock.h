// SPDX-License-Identifier: Apache-2.0
// keylock: a secret key under a passphrase. Argon2id makes a key of the
// passphrase, secretbox locks the secret key with it, both of libsodium.
// What it costs stands beside it, so that it can be raised one day; it is
// bounded when it is read, since a file must not make its reader take a
// terabyte or an hour.
#ifndef LOGTALLY_CERTS_KEYLOCK_H
#define LOGTALLY_CERTS_KEYLOCK_H

#include "certs/allowlist.h"

#define KEYLOCK_SALT  16
#define KEYLOCK_NONCE 24
#define KEYLOCK_BOX   48 // the secret key and its authenticator

typedef struct keylock_cost {
    uint64_t ops;
    uint64_t memory; // bytes
} keylock_cost_t;

// A passphrase to lock with.
typedef struct keyseal {
    span_t passphrase;
    const keylock_cost_t *cost;
} keyseal_t;

typedef struct keylock {
    keylock_cost_t cost;
    uint8_t salt[KEYLOCK_SALT];
    uint8_t nonce[KEYLOCK_NONCE];
    uint8_t box[KEYLOCK_BOX];
} keylock_t;

// What new locks cost: MODERATE of libsodium, 256 MiB and about a second.
extern const keylock_cost_t keylock_usual;
// Neither below what Argon2id takes nor above the limits.
bool keylock_cost_is_valid(const keylock_cost_t *cost);

// With a salt and a nonce of its own. ERR_IO: no memory for it.
MUST_CHECK errcode_t keylock_close(const uint8_t secret[KEY_LEN],
    span_t passphrase, const keylock_cost_t *cost, keylock_t *out);
// ERR_AUTH: another passphrase, or the lock was changed. ERR_TOO_LARGE: its
// cost is over the limits. ERR_IO: no memory for it.
MUST_CHECK errcode_t keylock_open(
    const keylock_t *self, span_t passphrase, uint8_t secret[KEY_LEN]);

#endif
