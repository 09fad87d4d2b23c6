// SPDX-License-Identifier: Apache-2.0
// keyput: key files into a folder that is being changed.
#ifndef LOGTALLY_CERTS_KEYPUT_IO_H
#define LOGTALLY_CERTS_KEYPUT_IO_H

#include "certs/keydir_io.h"
#include "certs/keyunseal.h"

MUST_CHECK errcode_t keyput_public(
    keydir_t *d, const char *folder, const char *name, const identity_t *who);
// Mode 600; under a passphrase unless seal is NULL.
MUST_CHECK errcode_t keyput_secret(keydir_t *d, const char *folder,
    const char *name, const identity_t *who, const uint8_t secret[KEY_LEN],
    const keyseal_t *seal);
// A new pair; *out for sodium_free.
MUST_CHECK errcode_t keyput_make(
    keydir_t *d, uint8_t public_key[KEY_LEN], uint8_t **out);

// Sets, changes or (seal NULL) takes away the passphrase of a client's secret
// key file. The source knows the one that it has. ERR_CONFIG: a key of a
// daemon, which nobody can tell a passphrase.
MUST_CHECK errcode_t keyput_passphrase(const char *path,
    const passphrase_source_t *source, const keyseal_t *seal, buf_t *why);

#endif
