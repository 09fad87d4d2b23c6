// SPDX-License-Identifier: Apache-2.0
// keyunseal: the secret of a key file that a passphrase protects. Passphrase
// and secret are in guarded memory alone.
#ifndef LOGTALLY_CERTS_KEYUNSEAL_H
#define LOGTALLY_CERTS_KEYUNSEAL_H

#include "certs/keytext.h"

// Who knows passphrases: a terminal, or a file. `ask` fills LIMIT_PASSPHRASE
// bytes of guarded memory; again: the one before was wrong. On error *why
// says what to do.
typedef struct passphrase_source {
    errcode_t (*ask)(void *ctx, const char *path, bool again, uint8_t *out,
        size_t *len, buf_t *why);
    void *ctx;
    unsigned tries; // at least 1
} passphrase_source_t;

// *text is sealed, and lies in guarded memory: it has the secret instead
// afterwards. ERR_DENIED: source is NULL, as it is for daemons. ERR_AUTH: the
// passphrase was wrong, as often as may be.
MUST_CHECK errcode_t keyunseal(const char *path,
    const passphrase_source_t *source, keytext_t *text, buf_t *why);

#endif
