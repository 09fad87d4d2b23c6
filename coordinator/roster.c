// SPDX-License-Identifier: Apache-2.0
#include "coordinator/roster.h"

#include "common/base/map.h"
#include "common/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    char id[LIMIT_NAME];
    uint8_t key[KEY_LEN];
    UT_hash_handle hh;
} entry_t;

struct roster {
    entry_t *by_id;
};

roster_t *
roster_new(void)
{
    return xcalloc(1, sizeof(roster_t));
}

static void
drop(roster_t *self, entry_t *entry)
{
    HASH_DEL(self->by_id, entry);
    free(entry);
}

void
roster_destroy(roster_t **self_p)
{
    if (*self_p != NULL) {
        while ((*self_p)->by_id != NULL) {
            drop(*self_p, (*self_p)->by_id);
        }
        free(*self_p);
        *self_p = NULL;
    }
}

// The first key of a name stays until it is found gone: the new one speaks
// for the same name, the old one's connection may still be open.
void
roster_note(roster_t *self, const identity_t *who)
{
    entry_t *entry;
    char id[LIMIT_NAME];

    identity_id(who, id);
    HASH_FIND_STR(self->by_id, id, entry);
    if (entry == NULL) {
        entry = xcalloc(1, sizeof *entry);
        memcpy(entry->id, id, sizeof entry->id);
        memcpy(entry->key, who->key, sizeof entry->key);
        HASH_ADD_STR(self->by_id, id, entry);
    }
}

bool
roster_next_gone(
    roster_t *self, roster_lookup_t *lookup, void *ctx, char id[LIMIT_NAME])
{
    identity_t now;

    for (entry_t *e = self->by_id; e != NULL; e = e->hh.next) {
        if (lookup(ctx, e->id, &now) != ERR_OK ||
            memcmp(now.key, e->key, sizeof e->key) != 0) {
            snprintf(id, LIMIT_NAME, "%s", e->id);
            drop(self, e);
            return true;
        }
    }
    return false;
}
