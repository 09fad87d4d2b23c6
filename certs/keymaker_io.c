// SPDX-License-Identifier: Apache-2.0
// keymaker: order makes a crash harmless. A key is allowed last, when all
// that its host needs is there; the coordinator's secret is the last file of
// init. What a crash left behind (names with a dot in front) is removed by
// the next try.
#include "certs/keymaker_io.h"

#include "certs/keyfile.h"
#include "certs/keyissue_io.h"
#include "certs/keyput_io.h"
#include "common/base/xalloc.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MODE_FOLDER 0700

// issued/NAME appears whole or not at all, then the key is allowed.
static errcode_t
issue(keydir_t *d, const identity_t *who, const uint8_t *secret,
    const keyseal_t *seal, const coordinator_keys_t *coordinator)
{
    errcode_t rc = keyissue_folder(d, who, secret, seal, coordinator);

    return rc == ERR_OK ? keyput_public(d, "allowed", who->name, who) : rc;
}

static errcode_t
make_and_issue(keydir_t *d, identity_t *who, const keyseal_t *seal,
    const coordinator_keys_t *coordinator)
{
    uint8_t *secret = NULL;
    errcode_t rc = keyput_make(d, who->key, &secret);

    if (rc == ERR_OK) {
        rc = issue(d, who, secret, seal, coordinator);
    }
    sodium_free(secret);
    return rc;
}

static errcode_t
check_unused(keydir_t *d)
{
    static const char *const rest[] = {
        "allowed/" KEYMAKER_ADMIN, "issued/" KEYMAKER_ADMIN};

    if (keydir_has(d, COORDINATOR_NAME) ||
        keydir_has(d, COORDINATOR_NAME SECRET_SUFFIX)) {
        buf_printf(d->why,
            "%s already has a coordinator key; add keys to it with: logtally "
            "keys new %s NAME --role worker",
            d->dir, d->dir);
        return ERR_DENIED;
    }
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        if (keydir_has(d, rest[i])) {
            buf_printf(d->why,
                "%s/%s is there without a coordinator key, left by a try "
                "that failed; remove %s and run this again",
                d->dir, rest[i], d->dir);
            return ERR_DENIED;
        }
    }
    return ERR_OK;
}

static errcode_t
make_folders(keydir_t *d)
{
    static const char *const names[] = {"allowed", "revoked", "issued"};
    errcode_t rc = ERR_OK;

    for (size_t i = 0; i < sizeof names / sizeof *names && rc == ERR_OK; i++) {
        rc = keydir_mkdir(d, names[i]);
    }
    return rc;
}

static errcode_t
fill_folder(keydir_t *d, identity_t *coordinator, identity_t *admin)
{
    uint8_t *secret = NULL;
    errcode_t rc = make_folders(d);

    if (rc == ERR_OK) {
        rc = keyput_make(d, coordinator->key, &secret);
    }
    if (rc == ERR_OK) {
        rc = make_and_issue(
            d, admin, NULL, &(coordinator_keys_t){.now = *coordinator});
    }
    if (rc == ERR_OK) {
        rc = keyput_public(d, ".", COORDINATOR_NAME, coordinator);
    }
    if (rc == ERR_OK) {
        rc = keyput_secret(
            d, ".", COORDINATOR_NAME SECRET_SUFFIX, coordinator, secret, NULL);
    }
    sodium_free(secret);
    return rc;
}

errcode_t
keymaker_init(
    const char *dir, identity_t *coordinator, identity_t *admin, buf_t *why)
{
    keydir_t d;

    *coordinator = (identity_t){.name = COORDINATOR_NAME};
    *admin = (identity_t){.name = KEYMAKER_ADMIN, .roles = ROLE_ADMIN};
    if (mkdir(dir, MODE_FOLDER) != 0 && errno != EEXIST) {
        buf_printf(why, "cannot make %s: %s", dir, strerror(errno));
        return ERR_IO;
    }
    errcode_t rc = keydir_open(&d, dir, why);
    if (rc == ERR_OK) {
        rc = check_unused(&d);
    }
    if (rc == ERR_OK) {
        rc = keydir_make_private(&d);
    }
    if (rc == ERR_OK) {
        rc = fill_folder(&d, coordinator, admin);
    }
    keydir_close(&d);
    return rc;
}

// NAME_secret would be taken by czmq for the secret half of NAME.
static bool
is_reserved(const char *name)
{
    size_t len = strlen(name);
    const size_t suffix = sizeof SECRET_SUFFIX - 1;

    return strcmp(name, COORDINATOR_NAME) == 0 ||
           strcmp(name, COORDINATOR_NEXT) == 0 ||
           strcmp(name, COORDINATOR_OLD) == 0 ||
           (len >= suffix && strcmp(name + len - suffix, SECRET_SUFFIX) == 0);
}

static errcode_t
check_name(const char *name, buf_t *why)
{
    if (!key_name_is_valid(span_str(name))) {
        buf_printf(why,
            "a key's name has letters, digits, '.', '_' and '-', no dot "
            "first, and at most %d of them",
            KEY_NAME_MAX);
        return ERR_CONFIG;
    }
    if (is_reserved(name)) {
        buf_printf(
            why, "the name %s is kept for files of ours; take another", name);
        return ERR_CONFIG;
    }
    return ERR_OK;
}

static errcode_t
check_request(const identity_t *who, buf_t *why)
{
    errcode_t rc = check_name(who->name, why);

    if (rc != ERR_OK) {
        return rc;
    }
    if (role_parse(role_name(who->roles)) == 0) {
        buf_printf(why, "the role must be worker, client or admin");
        return ERR_CONFIG;
    }
    if (who->n_hosts > 0 && who->roles != ROLE_WORKER) {
        buf_printf(why, "only a worker speaks for hosts");
        return ERR_CONFIG;
    }
    for (size_t i = 0; i < who->n_hosts; i++) {
        if (!host_pattern_is_valid(span_str(who->hosts[i]))) {
            buf_printf(why, "a host is a name, or a pattern like web* or "
                            "db[1-3]");
            return ERR_CONFIG;
        }
    }
    return ERR_OK;
}

static errcode_t
check_name_is_free(keydir_t *d, const char *name)
{
    rel_t allowed = rel("allowed/%s", name);
    rel_t revoked = rel("revoked/%s", name);
    rel_t issued = rel("issued/%s", name);

    if (keydir_has(d, allowed.text)) {
        buf_printf(d->why,
            "%s has a key already; take another name, or end that key with: "
            "logtally keys revoke %s %s",
            name, d->dir, name);
        return ERR_DENIED;
    }
    if (keydir_has(d, revoked.text)) {
        buf_printf(d->why,
            "the key of %s was revoked; take another name, or remove %s/%s "
            "and %s/%s to use this one again",
            name, d->dir, revoked.text, d->dir, issued.text);
        return ERR_DENIED;
    }
    if (keydir_has(d, issued.text)) {
        buf_printf(d->why,
            "%s/%s is there, but its key is not allowed; remove that folder "
            "and run this again",
            d->dir, issued.text);
        return ERR_DENIED;
    }
    return ERR_OK;
}

// A key put into a folder that the coordinator cannot read would be refused.
static errcode_t
check_allowlist(const char *dir, buf_t *why)
{
    allowlist_t *list = NULL;
    buf_t detail = {0};
    errcode_t rc = allowlist_load(dir, &list, &detail);

    allowlist_destroy(&list);
    if (rc != ERR_OK && rc != ERR_NOT_FOUND) {
        buf_put_span(why, buf_span(&detail));
    }
    buf_fini(&detail);
    return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

errcode_t
keymaker_new(const char *dir, identity_t *who, buf_t *why)
{
    return keymaker_new_sealed(dir, who, NULL, why);
}

errcode_t
keymaker_new_sealed(
    const char *dir, identity_t *who, const keyseal_t *seal, buf_t *why)
{
    keydir_t d;
    coordinator_keys_t coordinator;
    errcode_t rc = check_request(who, why);

    if (rc == ERR_OK && seal != NULL && who->roles == ROLE_WORKER) {
        buf_printf(why, "a worker's key has no passphrase: nobody can tell it "
                        "to a daemon when it starts");
        rc = ERR_CONFIG;
    }
    if (rc != ERR_OK) {
        return rc;
    }
    rc = keydir_open(&d, dir, why);
    if (rc == ERR_OK) {
        rc = keyissue_coordinator(&d, &coordinator);
    }
    if (rc == ERR_OK) {
        rc = check_name_is_free(&d, who->name);
    }
    if (rc == ERR_OK) {
        rc = check_allowlist(dir, why);
    }
    if (rc == ERR_OK) {
        rc = make_folders(&d);
    }
    if (rc == ERR_OK) {
        rc = make_and_issue(&d, who, seal, &coordinator);
    }
    keydir_close(&d);
    return rc;
}

static errcode_t
move_to_revoked(keydir_t *d, const char *name)
{
    rel_t allowed = rel("allowed/%s", name);
    rel_t revoked = rel("revoked/%s", name);

    if (!keydir_has(d, allowed.text)) {
        if (keydir_has(d, revoked.text)) {
            buf_printf(d->why, "the key of %s is revoked already", name);
        } else {
            buf_printf(d->why,
                "there is no key of %s; see: logtally keys list %s", name,
                d->dir);
        }
        return ERR_NOT_FOUND;
    }
    // One that was to take over goes first, and never comes in.
    errcode_t rc = keydir_unlink(d, "next", name);
    if (rc == ERR_OK) {
        rc = keydir_mkdir(d, "revoked");
    }
    return rc == ERR_OK ? keydir_move(d, "allowed", name, "revoked", name) : rc;
}

errcode_t
keymaker_revoke(const char *dir, const char *name, buf_t *why)
{
    keydir_t d;

    if (!key_name_is_valid(span_str(name))) {
        return check_name(name, why);
    }
    errcode_t rc = keydir_open(&d, dir, why);
    if (rc == ERR_OK) {
        rc = move_to_revoked(&d, name);
    }
    keydir_close(&d);
    return rc;
}
