// SPDX-License-Identifier: Apache-2.0
#include "certs/keyunseal.h"

#include <assert.h>
#include <sodium.h>

static errcode_t
explain(const char *path, errcode_t rc, const keytext_t *text, buf_t *why)
{
    if (rc == ERR_AUTH) {
        buf_printf(why, "%s: that is not its passphrase", path);
    } else {
        buf_printf(why,
            "%s: its passphrase takes %llu MiB of memory, which is not there",
            path, (unsigned long long)(text->lock.cost.memory >> 20));
    }
    return rc;
}

static errcode_t
try_all(const char *path, const passphrase_source_t *source,
    uint8_t *passphrase, keytext_t *text, buf_t *why)
{
    errcode_t rc = ERR_AUTH;

    assert(source->tries > 0);
    for (unsigned i = 0; i < source->tries && rc == ERR_AUTH; i++) {
        size_t len = 0;
        rc = source->ask(source->ctx, path, i > 0, passphrase, &len, why);
        if (rc != ERR_OK) {
            return rc;
        }
        assert(len <= LIMIT_PASSPHRASE);
        rc = keylock_open(&text->lock, (span_t){passphrase, len}, text->secret);
        sodium_memzero(passphrase, LIMIT_PASSPHRASE);
    }
    return rc == ERR_OK ? ERR_OK : explain(path, rc, text, why);
}

errcode_t
keyunseal(const char *path, const passphrase_source_t *source, keytext_t *text,
    buf_t *why)
{
    assert(text->is_sealed);
    if (source == NULL) {
        buf_printf(why,
            "%s is protected by a passphrase, which nobody can give to a "
            "daemon; take it away with: logtally keys passphrase --remove %s",
            path, path);
        return ERR_DENIED;
    }
    uint8_t *passphrase = sodium_malloc(LIMIT_PASSPHRASE);
    if (passphrase == NULL) {
        buf_printf(why, "no guarded memory for a passphrase");
        return ERR_IO;
    }
    errcode_t rc = try_all(path, source, passphrase, text, why);
    sodium_free(passphrase);
    if (rc == ERR_OK) {
        text->is_sealed = false;
        sodium_memzero(&text->lock, sizeof text->lock);
        text->has_secret = true;
    }
    return rc;
}
