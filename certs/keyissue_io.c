// SPDX-License-Identifier: Apache-2.0
#include "certs/keyissue_io.h"

#include "certs/keyfile.h"
#include "certs/keyput_io.h"
#include "common/base/xalloc.h"

#include <stdlib.h>

static errcode_t
load(keydir_t *d, const char *name, identity_t *out)
{
    char *path = xasprintf("%s/%s", d->dir, name);
    errcode_t rc = keyfile_load_public(path, out, d->why);

    free(path);
    return rc;
}

errcode_t
keyissue_coordinator(keydir_t *d, coordinator_keys_t *out)
{
    *out = (coordinator_keys_t){0};
    errcode_t rc = load(d, COORDINATOR_NAME, &out->now);

    if (rc == ERR_NOT_FOUND) {
        buf_printf(
            d->why, "; make a key folder with: logtally keys init %s", d->dir);
    }
    out->has_next = rc == ERR_OK && keydir_has(d, COORDINATOR_NEXT);
    return out->has_next ? load(d, COORDINATOR_NEXT, &out->next) : rc;
}

static errcode_t
fill_draft(keydir_t *d, const char *draft, const identity_t *who,
    const uint8_t *secret, const keyseal_t *seal,
    const coordinator_keys_t *coordinator)
{
    errcode_t rc = keydir_mkdir(d, draft);

    if (rc == ERR_OK) {
        rc = keyput_public(d, draft, "self", who);
    }
    if (rc == ERR_OK) {
        rc = keyput_secret(d, draft, "self_secret", who, secret, seal);
    }
    if (rc == ERR_OK) {
        rc = keyput_public(d, draft, COORDINATOR_NAME, &coordinator->now);
    }
    if (rc == ERR_OK && coordinator->has_next) {
        rc = keyput_public(d, draft, COORDINATOR_NEXT, &coordinator->next);
    }
    return rc;
}

static void
remove_draft(keydir_t *d, const char *draft)
{
    static const char *const names[] = {
        "self", "self_secret", COORDINATOR_NAME, COORDINATOR_NEXT};

    keydir_remove(d, draft, names, sizeof names / sizeof *names);
}

errcode_t
keyissue_folder(keydir_t *d, const identity_t *who,
    const uint8_t secret[KEY_LEN], const keyseal_t *seal,
    const coordinator_keys_t *coordinator)
{
    rel_t name = rel(".%s.new", who->name);
    rel_t draft = rel("issued/%s", name.text);
    rel_t there = rel("issued/%s", who->name);

    remove_draft(d, draft.text);
    errcode_t rc = fill_draft(d, draft.text, who, secret, seal, coordinator);
    if (rc == ERR_OK) {
        rc = keydir_has(d, there.text)
                 ? keydir_exchange(d, draft.text, there.text)
                 : keydir_move(d, "issued", name.text, "issued", who->name);
    }
    remove_draft(d, draft.text); // what was there before, or a failed one
    return rc;
}
