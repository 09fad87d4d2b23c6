// SPDX-License-Identifier: Apache-2.0
#include "coordinator/outbox.h"

#include "common/base/map.h"
#include "common/base/xalloc.h"
#include "common/wire/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

typedef struct letter {
    uint64_t peer;
    batch_t batch;
    struct letter *prev, *next;
    UT_hash_handle hh;
} letter_t;

struct outbox {
    letter_t *full; // nothing more may join them; they go first
    letter_t *open; // by peer
    letter_t *lent;
};

outbox_t *
outbox_new(void)
{
    return xcalloc(1, sizeof(outbox_t));
}

static letter_t *
take_first(outbox_t *self)
{
    letter_t *letter = self->full;

    if (letter != NULL) {
        DL_DELETE(self->full, letter);
        return letter;
    }
    letter = self->open;
    if (letter != NULL) {
        HASH_DEL(self->open, letter);
    }
    return letter;
}

static void
letter_free(letter_t *letter)
{
    if (letter != NULL) {
        batch_fini(&letter->batch);
        free(letter);
    }
}

void
outbox_destroy(outbox_t **self_p)
{
    outbox_t *self = *self_p;
    letter_t *letter;

    if (self == NULL) {
        return;
    }
    while ((letter = take_first(self)) != NULL) {
        letter_free(letter);
    }
    letter_free(self->lent);
    free(self);
    *self_p = NULL;
}

static letter_t *
open_letter(outbox_t *self, uint64_t peer)
{
    letter_t *letter = xcalloc(1, sizeof *letter);

    letter->peer = peer;
    HASH_ADD(hh, self->open, peer, sizeof letter->peer, letter);
    return letter;
}

void
outbox_put(outbox_t *self, uint64_t peer, span_t frame)
{
    letter_t *letter;

    HASH_FIND(hh, self->open, &peer, sizeof peer, letter);
    if (letter != NULL && batch_put(&letter->batch, frame)) {
        return;
    }
    if (letter != NULL) {
        HASH_DEL(self->open, letter);
        DL_APPEND(self->full, letter);
    }
    bool fits = batch_put(&open_letter(self, peer)->batch, frame);
    assert(fits); // an empty one takes any
}

bool
outbox_next(outbox_t *self, uint64_t *peer, span_t *message)
{
    letter_free(self->lent);
    self->lent = take_first(self);
    if (self->lent == NULL) {
        return false;
    }
    *peer = self->lent->peer;
    *message = batch_message(&self->lent->batch);
    return true;
}
