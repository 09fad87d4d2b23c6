// SPDX-License-Identifier: Apache-2.0
// Who speaks another version is refused with both named, to itself and in our
// log: whoever upgrades a fleet looks at either.
#include "coordinator/coordinator_inside.h"

#include "common/base/log.h"
#include "common/base/xalloc.h"
#include "common/tally/partial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUIET_MS      60000 // the same of the same key is not logged again
#define PARTIAL_FIRST 3u    // of releases whose workers do not tell

// As many as there are allowed keys.
struct told {
    char key[LIMIT_NAME];
    int64_t at;
    UT_hash_handle hh;
};

static bool
was_told(coordinator_t *self, const char *key)
{
    struct told *t;

    HASH_FIND_STR(self->told, key, t);
    if (t != NULL && self->now - t->at < QUIET_MS) {
        return true;
    }
    if (t == NULL) {
        t = xcalloc(1, sizeof *t);
        snprintf(t->key, sizeof t->key, "%s", key);
        HASH_ADD_STR(self->told, key, t);
    }
    t->at = self->now;
    return false;
}

static void
refuse(coordinator_t *self, const incoming_t *in, const char *text)
{
    if (!was_told(self, in->who->name)) {
        log_event(LOG_WARN, "version-refused", "key", in->who->name, "address",
            in->address, "text", text, NULL);
        event_tell(self, LOG_WARN, "version-refused", NULL, NULL,
            "%s at %s: %s", in->who->name, in->address, text);
    }
    refusal_note(self, in, text);
    send_refused(self, in->peer, ERR_VERSION, EXIT_UNREACHABLE, "%s", text);
}

void
refuse_version(
    coordinator_t *self, const incoming_t *in, unsigned min, unsigned max)
{
    char text[LIMIT_TEXT], theirs[32];

    snprintf(theirs, sizeof theirs, min == max ? "%u" : "%u to %u", min, max);
    snprintf(text, sizeof text,
        "the coordinator speaks version %u of the protocol and this program "
        "version %s; install the same release on both",
        PROTOCOL_VERSION, theirs);
    refuse(self, in, text);
}

static void
refuse_partial(coordinator_t *self, const incoming_t *in, unsigned theirs)
{
    char text[LIMIT_TEXT];

    snprintf(text, sizeof text,
        "the coordinator reads version %u of partials and this worker writes "
        "version %u; install the same release on both",
        PARTIAL_VERSION, theirs);
    refuse(self, in, text);
}

bool
versions_agree(
    coordinator_t *self, const incoming_t *in, const lt_Register *meta)
{
    unsigned partial = meta->partial > 0 ? meta->partial : PARTIAL_FIRST;

    if (meta->version_min > PROTOCOL_VERSION ||
        meta->version_max < PROTOCOL_VERSION) {
        refuse_version(self, in, meta->version_min, meta->version_max);
        return false;
    }
    if (partial != PARTIAL_VERSION) {
        refuse_partial(self, in, partial);
        return false;
    }
    return true;
}

void
versions_free(coordinator_t *self)
{
    struct told *t, *next;

    HASH_ITER(hh, self->told, t, next)
    {
        HASH_DEL(self->told, t);
        free(t);
    }
}
