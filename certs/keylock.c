// SPDX-License-Identifier: Apache-2.0
#include "certs/keylock.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

const keylock_cost_t keylock_usual = {
    crypto_pwhash_argon2id_OPSLIMIT_MODERATE,
    crypto_pwhash_argon2id_MEMLIMIT_MODERATE,
};

_Static_assert(KEYLOCK_SALT == crypto_pwhash_argon2id_SALTBYTES, "salt");
_Static_assert(KEYLOCK_NONCE == crypto_secretbox_NONCEBYTES, "nonce");
_Static_assert(KEYLOCK_BOX == KEY_LEN + crypto_secretbox_MACBYTES, "box");

bool
keylock_cost_is_valid(const keylock_cost_t *cost)
{
    return cost->ops >= crypto_pwhash_argon2id_OPSLIMIT_MIN &&
           cost->ops <= LIMIT_KDF_OPS &&
           cost->memory >= crypto_pwhash_argon2id_MEMLIMIT_MIN &&
           cost->memory <= LIMIT_KDF_MEMORY;
}

// The caller frees *out.
static errcode_t
derive(const keylock_t *self, span_t passphrase, uint8_t **out)
{
    *out = sodium_malloc(crypto_secretbox_KEYBYTES);
    if (*out == NULL ||
        crypto_pwhash_argon2id(*out, crypto_secretbox_KEYBYTES,
            (const char *)passphrase.p, passphrase.len, self->salt,
            self->cost.ops, (size_t)self->cost.memory,
            crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0) {
        return ERR_IO;
    }
    return ERR_OK;
}

errcode_t
keylock_close(const uint8_t secret[KEY_LEN], span_t passphrase,
    const keylock_cost_t *cost, keylock_t *out)
{
    uint8_t *key = NULL;

    assert(keylock_cost_is_valid(cost));
    *out = (keylock_t){.cost = *cost};
    randombytes_buf(out->salt, sizeof out->salt);
    randombytes_buf(out->nonce, sizeof out->nonce);
    errcode_t rc = derive(out, passphrase, &key);
    if (rc == ERR_OK) {
        (void)crypto_secretbox_easy(out->box, secret, KEY_LEN, out->nonce, key);
    }
    sodium_free(key);
    return rc;
}

errcode_t
keylock_open(const keylock_t *self, span_t passphrase, uint8_t secret[KEY_LEN])
{
    uint8_t *key = NULL;

    if (!keylock_cost_is_valid(&self->cost)) {
        return ERR_TOO_LARGE;
    }
    errcode_t rc = derive(self, passphrase, &key);
    if (rc == ERR_OK && crypto_secretbox_open_easy(secret, self->box,
                            sizeof self->box, self->nonce, key) != 0) {
        rc = ERR_AUTH;
    }
    sodium_free(key);
    return rc;
}
