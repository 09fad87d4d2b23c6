// SPDX-License-Identifier: Apache-2.0
// keyfile: CURVE keys on disk, in czmq's zcert format (ZPL text; NAME is the
// public half, NAME_secret has both). Folders:
//
//   DIR/coordinator, DIR/coordinator_secret   the coordinator's own key
//   DIR/allowed/NAME                          public key, role, hosts
//   DIR/revoked/NAME                          what was taken out of allowed
//   DIR/issued/NAME/self, self_secret         all that NAME needs,
//   DIR/issued/NAME/coordinator               copied to its host alone
//   DIR/next/NAME                             a key that is to take over
//   DIR/coordinator_next, _next_secret        the coordinator's, before it
//   DIR/coordinator_old, _old_secret          serves, and after
//   DIR/issued/NAME/coordinator_next          what a host pins beside its own
//
// A secret file is refused unless it is a regular file (no symlink) of this
// user with no permission for others, below folders in which nobody else can
// exchange it. What systemd put into $CREDENTIALS_DIRECTORY may be root's.
// Secrets live in sodium_malloc memory.
#ifndef LOGTALLY_CERTS_KEYFILE_H
#define LOGTALLY_CERTS_KEYFILE_H

#include "certs/keyunseal.h"

typedef struct keypair {
    uint8_t public_key[KEY_LEN];
    uint8_t *secret_key; // KEY_LEN bytes, sodium_malloc; NULL: public only
    char name[LIMIT_NAME];
} keypair_t;

void keypair_fini(keypair_t *self); // wipes

// *why gets one sentence with the path and how to mend it. A key that a
// passphrase protects is refused.
MUST_CHECK errcode_t keyfile_load_secret(
    const char *path, keypair_t *out, buf_t *why);
// The same of a client's, which may be under one.
MUST_CHECK errcode_t keyfile_unseal_secret(const char *path,
    const passphrase_source_t *source, keypair_t *out, buf_t *why);
// All that a secret key file says, with its secret: unsealed with what the
// source knows, or refused where that is NULL. For sodium_free; NULL on
// error.
MUST_CHECK errcode_t keyfile_read_secret(const char *path,
    const passphrase_source_t *source, keytext_t **out, buf_t *why);
MUST_CHECK errcode_t keyfile_load_public(
    const char *path, identity_t *out, buf_t *why);

// The coordinator's public keys that a dialler takes for it: `coordinator`,
// and while that is being rotated `coordinator_next`.
#define PINS_MAX 2
typedef struct pins {
    size_t n;
    uint8_t keys[PINS_MAX][KEY_LEN];
} pins_t;
// coordinator_next may be missing, or empty as far as a key goes (less than
// KEYFILE_LEAST bytes, which a unit gives in place of a missing one).
#define KEYFILE_LEAST 16
MUST_CHECK errcode_t pins_load(const char *folder, pins_t *out, buf_t *why);
bool pins_equal(const pins_t *a, const pins_t *b);

// What `--keys` of a worker or client names: own key and the coordinator's.
typedef struct credentials {
    keypair_t self;
    identity_t coordinator;
    pins_t pins;
} credentials_t;
MUST_CHECK errcode_t credentials_load(
    const char *folder, credentials_t *out, buf_t *why);
// The same of a client, whose own key may be under a passphrase.
MUST_CHECK errcode_t credentials_unseal(const char *folder,
    const passphrase_source_t *source, credentials_t *out, buf_t *why);
void credentials_fini(credentials_t *self);

// First 16 hex digits of BLAKE2b of the public key, in groups of four.
void key_fingerprint(const uint8_t key[KEY_LEN], char out[20]);
// The same 64 bits as four words of five letters that can be said over the
// telephone: proquints, consonants and vowels in turns. They need no list of
// words, and each word is exactly 16 bits.
#define KEY_WORDS 24
void key_words(const uint8_t key[KEY_LEN], char out[KEY_WORDS]);

#endif
