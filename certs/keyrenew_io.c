// SPDX-License-Identifier: Apache-2.0
#include "certs/keyrenew_io.h"

#include "certs/keyfile.h"
#include "certs/keyissue_io.h"
#include "certs/keyput_io.h"
#include "common/base/xalloc.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static errcode_t
load(keydir_t *d, const char *folder, const char *name, identity_t *out)
{
    if (!key_name_is_valid(span_str(name))) {
        buf_printf(d->why, "no name of a key: %s", name);
        return ERR_CONFIG;
    }
    char *path = xasprintf("%s/%s/%s", d->dir, folder, name);
    errcode_t rc = keyfile_load_public(path, out, d->why);

    free(path);
    return rc;
}

static errcode_t
load_allowed(keydir_t *d, const char *name, identity_t *out)
{
    errcode_t rc = load(d, "allowed", name, out);

    if (rc == ERR_NOT_FOUND) {
        buf_printf(d->why, "; see: logtally keys list %s", d->dir);
    }
    return rc;
}

static errcode_t
check_none_next(keydir_t *d, const char *name)
{
    rel_t next = rel("next/%s", name);

    if (!keydir_has(d, next.text)) {
        return ERR_OK;
    }
    buf_printf(d->why,
        "a new key of %s is on its way already; when its host has it: "
        "logtally keys rotate %s %s --finish",
        name, d->dir, name);
    return ERR_DENIED;
}

// Who has an end before that keeps it.
static errcode_t
shorten(keydir_t *d, identity_t *old, int64_t until)
{
    if (until == 0 || (old->expires != 0 && old->expires <= until)) {
        return ERR_OK;
    }
    old->expires = until;
    return keyput_public(d, "allowed", old->name, old);
}

// The new key is let in last, when all that its host needs is there.
static errcode_t
make(keydir_t *d, const identity_t *who, const uint8_t *secret,
    const keyseal_t *seal)
{
    coordinator_keys_t coordinator;
    errcode_t rc = keyissue_coordinator(d, &coordinator);

    if (rc == ERR_OK) {
        rc = keydir_mkdir(d, "issued");
    }
    if (rc == ERR_OK) {
        rc = keydir_mkdir(d, "next");
    }
    if (rc == ERR_OK) {
        rc = keyissue_folder(d, who, secret, seal, &coordinator);
    }
    return rc == ERR_OK ? keyput_public(d, "next", who->name, who) : rc;
}

static errcode_t
begin(keydir_t *d, const keyrenew_t *what, identity_t *out)
{
    identity_t old;
    uint8_t *secret = NULL;
    errcode_t rc = load_allowed(d, what->name, &old);

    if (rc == ERR_OK) {
        rc = check_none_next(d, what->name);
    }
    if (rc == ERR_OK && what->seal != NULL && (old.roles & ROLE_WORKER) != 0) {
        buf_printf(d->why, "a worker's key has no passphrase: nobody can tell "
                           "it to a daemon when it starts");
        rc = ERR_CONFIG;
    }
    if (rc != ERR_OK) {
        return rc;
    }
    *out = old;
    out->expires = what->expires != 0 ? what->expires : old.expires;
    rc = keyput_make(d, out->key, &secret);
    if (rc == ERR_OK) {
        rc = make(d, out, secret, what->seal);
    }
    sodium_free(secret);
    return rc == ERR_OK ? shorten(d, &old, what->old_until) : rc;
}

errcode_t
keyrenew_begin(
    const char *dir, const keyrenew_t *what, identity_t *out, buf_t *why)
{
    keydir_t d;
    errcode_t rc = keydir_open(&d, dir, why);

    rc = rc == ERR_OK ? begin(&d, what, out) : rc;
    keydir_close(&d);
    return rc;
}

// Copied, then removed: see allowlist_load.
static errcode_t
finish(keydir_t *d, const char *name)
{
    identity_t next;
    identity_t old;
    errcode_t rc = load(d, "next", name, &next);

    if (rc == ERR_NOT_FOUND) {
        buf_clear(d->why);
        buf_printf(d->why,
            "no new key of %s is on its way; begin with: logtally keys rotate "
            "%s %s",
            name, d->dir, name);
        return rc;
    }
    if (rc == ERR_OK) {
        rc = load_allowed(d, name, &old); // a revoked one stays so
    }
    if (rc == ERR_OK) {
        rc = keyput_public(d, "allowed", name, &next);
    }
    return rc == ERR_OK ? keydir_unlink(d, "next", name) : rc;
}

errcode_t
keyrenew_finish(const char *dir, const char *name, buf_t *why)
{
    keydir_t d;
    errcode_t rc = keydir_open(&d, dir, why);

    rc = rc == ERR_OK ? finish(&d, name) : rc;
    keydir_close(&d);
    return rc;
}
