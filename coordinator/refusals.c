// SPDX-License-Identifier: Apache-2.0
// Workers that were told no. They ask again every few seconds and are nowhere
// in the list of workers, so whoever looks for one is told why.
#include "coordinator/coordinator_inside.h"

#include "common/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFUSAL_MS 30000 // one that asks no more is no news

// As many as there are allowed keys.
struct refusal {
    char key[LIMIT_NAME];
    char address[64];
    char text[LIMIT_TEXT];
    int64_t at;
    UT_hash_handle hh;
};

void
refusal_note(coordinator_t *self, const incoming_t *in, const char *text)
{
    struct refusal *r;

    if ((in->who->roles & ROLE_WORKER) == 0) {
        return;
    }
    HASH_FIND_STR(self->refusals, in->who->name, r);
    if (r == NULL) {
        r = xcalloc(1, sizeof *r);
        snprintf(r->key, sizeof r->key, "%s", in->who->name);
        HASH_ADD_STR(self->refusals, key, r);
    }
    snprintf(r->address, sizeof r->address, "%s", in->address);
    snprintf(r->text, sizeof r->text, "%s", text);
    r->at = self->now;
}

static void
drop(coordinator_t *self, struct refusal *r)
{
    HASH_DEL(self->refusals, r);
    free(r);
}

void
refusal_forget(coordinator_t *self, const char *key)
{
    struct refusal *r;

    HASH_FIND_STR(self->refusals, key, r);
    if (r != NULL) {
        drop(self, r);
    }
}

void
refusals_each(coordinator_t *self, const char *key,
    void (*each)(void *ctx, const char *key, const char *address,
        int64_t ago_ms, const char *text),
    void *ctx)
{
    struct refusal *r, *next;

    HASH_ITER(hh, self->refusals, r, next)
    {
        if (self->now - r->at > REFUSAL_MS) {
            drop(self, r);
        } else if (key == NULL || strcmp(key, r->key) == 0) {
            each(ctx, r->key, r->address, self->now - r->at, r->text);
        }
    }
}

void
refusals_free(coordinator_t *self)
{
    struct refusal *r, *next;

    HASH_ITER(hh, self->refusals, r, next)
    {
        drop(self, r);
    }
}
