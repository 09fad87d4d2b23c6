// SPDX-License-Identifier: Apache-2.0
// keytext: what a key file says, from memory. The format is czmq's zcert:
//
//   metadata
//       name = "web1"
//       role = "worker"          several: "worker client"
//       host = "web1 web1-*"     patterns, of a worker
//       expires = "2027-01-31"   the last day, UTC, or with T18:00:00Z
//   curve
//       public-key = "..."       40 characters of Z85
//       secret-key = "..."       in a secret file only, or in its place
//   sealed                       what certs/keylock.h made of it:
//       kdf = "argon2id13"
//       ops = "3"
//       memory = "268435456"     bytes
//       salt = "..."             Z85, as the two that follow
//       nonce = "..."
//       box = "..."
//
// Other metadata and sections are skipped. czmq reads a sealed file as one of
// a public key.
#ifndef LOGTALLY_CERTS_KEYTEXT_H
#define LOGTALLY_CERTS_KEYTEXT_H

#include "certs/keylock.h"

typedef struct keytext {
    identity_t identity; // name is empty when the file has no valid one
    bool has_secret;
    uint8_t secret[KEY_LEN];
    bool is_sealed; // instead of has_secret
    keylock_t lock;
} keytext_t;

// *why gets "line N: what is wrong". The caller wipes *out.
MUST_CHECK errcode_t keytext_parse(span_t text, keytext_t *out, buf_t *why);

// Room for every text of a key file, so that who gives a buffer of it, in
// guarded memory, keeps the secret there.
#define KEYTEXT_ROOM (6144 + LIMIT_HOSTS * LIMIT_NAME)

// Appends the text of a key file; secret NULL: of the public half.
void keytext_print(
    buf_t *out, const identity_t *identity, const uint8_t *secret);
// Of a secret key under a passphrase.
void keytext_print_sealed(
    buf_t *out, const identity_t *identity, const keylock_t *lock);

// Letters, digits, '.', '_' and '-', not first a dot, at most KEY_NAME_MAX.
#define KEY_NAME_MAX 64
bool key_name_is_valid(span_t name);
// A name, or a pattern with '*', '?' and '[...]'.
bool host_pattern_is_valid(span_t pattern);

#endif
