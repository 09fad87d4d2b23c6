// SPDX-License-Identifier: Apache-2.0
// Which secrets there are says how far it got: coordinator_next_secret until
// the switch, coordinator_old_secret after it. A public half may be late by a
// crash, and is put right when the step is run again.
#include "certs/keyrotate_io.h"

#include "certs/keyfile.h"
#include "certs/keyissue_io.h"
#include "certs/keyput_io.h"
#include "common/base/xalloc.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SECRET(name) name SECRET_SUFFIX

static rotation_t
phase_of(const keydir_t *d)
{
    if (keydir_has(d, SECRET(COORDINATOR_NEXT))) {
        return ROTATION_ANNOUNCED;
    }
    if (keydir_has(d, COORDINATOR_NEXT)) {
        return ROTATION_HALFWAY;
    }
    return keydir_has(d, SECRET(COORDINATOR_OLD)) ? ROTATION_SWITCHED
                                                  : ROTATION_NONE;
}

rotation_t
keyrotate_phase(const char *dir)
{
    keydir_t d;
    buf_t ignored = {0};
    rotation_t phase = ROTATION_NONE;

    if (keydir_open(&d, dir, &ignored) == ERR_OK) {
        phase = phase_of(&d);
    }
    keydir_close(&d);
    buf_fini(&ignored);
    return phase;
}

const char *
rotation_name(rotation_t phase)
{
    static const char *const names[] = {
        "none", "announced", "switched by half", "switched"};

    return names[phase];
}

static errcode_t
refuse(keydir_t *d, rotation_t phase)
{
    static const struct {
        const char *text, *step;
    } next[] = {
        [ROTATION_NONE] = {"the coordinator's key is not being rotated; begin "
                           "with",
            ""},
        [ROTATION_ANNOUNCED] = {"the next key is announced, and not switched "
                                "to",
            " --switch"},
        [ROTATION_HALFWAY] = {"the switch did not come to its end; run it "
                              "again",
            " --switch"},
        [ROTATION_SWITCHED] = {"the last rotation has not come to its end",
            " --finish"},
    };

    buf_printf(d->why, "%s: logtally keys rotate %s%s", next[phase].text,
        d->dir, next[phase].step);
    return ERR_DENIED;
}

// ---- announced

// One that an announcement before this made is taken again.
static errcode_t
make_next(keydir_t *d, identity_t *next)
{
    uint8_t *secret = NULL;

    if (keydir_has(d, SECRET(COORDINATOR_NEXT))) {
        char *path = xasprintf("%s/" SECRET(COORDINATOR_NEXT), d->dir);
        keytext_t *text;
        errcode_t rc = keyfile_read_secret(path, NULL, &text, d->why);
        if (rc == ERR_OK) {
            *next = text->identity;
            sodium_free(text);
        }
        free(path);
        return rc;
    }
    *next = (identity_t){.name = COORDINATOR_NAME};
    errcode_t rc = keyput_make(d, next->key, &secret);
    if (rc == ERR_OK) {
        rc =
            keyput_secret(d, ".", SECRET(COORDINATOR_NEXT), next, secret, NULL);
    }
    sodium_free(secret);
    return rc;
}

static errcode_t
tell_next(keydir_t *d, const char *name, void *ctx)
{
    rel_t folder = rel("issued/%s", name);

    return keyput_public(d, folder.text, COORDINATOR_NEXT, ctx);
}

static errcode_t
announce(keydir_t *d, identity_t *next)
{
    rotation_t phase = phase_of(d);
    coordinator_keys_t now;

    if (phase == ROTATION_HALFWAY || phase == ROTATION_SWITCHED) {
        return refuse(d, phase);
    }
    errcode_t rc = keyissue_coordinator(d, &now); // is this a key folder?
    if (rc == ERR_OK) {
        rc = make_next(d, next);
    }
    if (rc == ERR_OK) {
        rc = keyput_public(d, ".", COORDINATOR_NEXT, next);
    }
    return rc == ERR_OK ? keydir_each(d, "issued", tell_next, next) : rc;
}

errcode_t
keyrotate_announce(const char *dir, identity_t *next, buf_t *why)
{
    keydir_t d;
    errcode_t rc = keydir_open(&d, dir, why);

    rc = rc == ERR_OK ? announce(&d, next) : rc;
    keydir_close(&d);
    return rc;
}

// ---- switched

// `from` takes the place of the coordinator's key, which is kept as `kept`.
// At no time is there none.
static errcode_t
take_place(keydir_t *d, const char *from, const char *kept)
{
    rel_t from_secret = rel("%s" SECRET_SUFFIX, from);
    rel_t kept_secret = rel("%s" SECRET_SUFFIX, kept);
    errcode_t rc = ERR_OK;

    if (keydir_has(d, from_secret.text)) {
        rc = keydir_link(d, SECRET(COORDINATOR_NAME), kept_secret.text);
        if (rc == ERR_OK) {
            rc = keydir_link(d, COORDINATOR_NAME, kept);
        }
        if (rc == ERR_OK) {
            rc = keydir_move(
                d, ".", from_secret.text, ".", SECRET(COORDINATOR_NAME));
        }
    }
    return rc == ERR_OK ? keydir_move(d, ".", from, ".", COORDINATOR_NAME) : rc;
}

errcode_t
keyrotate_switch(const char *dir, buf_t *why)
{
    keydir_t d;
    errcode_t rc = keydir_open(&d, dir, why);
    rotation_t phase = rc == ERR_OK ? phase_of(&d) : ROTATION_NONE;

    if (rc == ERR_OK &&
        (phase == ROTATION_NONE || phase == ROTATION_SWITCHED)) {
        rc = refuse(&d, phase);
    } else if (rc == ERR_OK) {
        rc = take_place(&d, COORDINATOR_NEXT, COORDINATOR_OLD);
    }
    keydir_close(&d);
    return rc;
}

errcode_t
keyrotate_back(const char *dir, buf_t *why)
{
    keydir_t d;
    errcode_t rc = keydir_open(&d, dir, why);
    rotation_t phase = rc == ERR_OK ? phase_of(&d) : ROTATION_NONE;

    // A way back that did not come to its end left the public half.
    bool half = rc == ERR_OK && phase == ROTATION_ANNOUNCED &&
                keydir_has(&d, COORDINATOR_OLD) &&
                !keydir_has(&d, SECRET(COORDINATOR_OLD));
    if (rc == ERR_OK && phase != ROTATION_SWITCHED && !half) {
        rc = refuse(&d, phase);
    } else if (rc == ERR_OK) {
        rc = take_place(&d, COORDINATOR_OLD, COORDINATOR_NEXT);
    }
    keydir_close(&d);
    return rc;
}

// ---- finished

static errcode_t
tell_new(keydir_t *d, const char *name, void *ctx)
{
    rel_t folder = rel("issued/%s", name);
    errcode_t rc = keyput_public(d, folder.text, COORDINATOR_NAME, ctx);

    return rc == ERR_OK ? keydir_unlink(d, folder.text, COORDINATOR_NEXT) : rc;
}

// The old secret goes last, so that a crash leaves something to finish.
static errcode_t
finish(keydir_t *d)
{
    coordinator_keys_t now;
    errcode_t rc = keyissue_coordinator(d, &now);

    if (rc == ERR_OK) {
        rc = keydir_each(d, "issued", tell_new, &now.now);
    }
    if (rc == ERR_OK) {
        rc = keydir_unlink(d, ".", COORDINATOR_OLD);
    }
    return rc == ERR_OK ? keydir_unlink(d, ".", SECRET(COORDINATOR_OLD)) : rc;
}

errcode_t
keyrotate_finish(const char *dir, buf_t *why)
{
    keydir_t d;
    errcode_t rc = keydir_open(&d, dir, why);
    rotation_t phase = rc == ERR_OK ? phase_of(&d) : ROTATION_NONE;

    if (rc == ERR_OK && phase != ROTATION_SWITCHED) {
        rc = refuse(&d, phase);
    } else if (rc == ERR_OK) {
        rc = finish(&d);
    }
    keydir_close(&d);
    return rc;
}
