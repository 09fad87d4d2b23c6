// SPDX-License-Identifier: Apache-2.0
#include "coordinator/events.h"

#include "common/base/xalloc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KINDS_MAX 32u
#define WINDOW_MS 1000
// Epochs are never below the time of day in seconds, and no more than
// KINDS_MAX * EVENTS_A_SECOND events pass in a second, so the numbers of one
// coordinator end below those of the next; below 2^53, too, for JSON.
#define EPOCH_BITS 20

struct kind {
    const char *id;
    int64_t since; // of the second that is counted
    unsigned passed;
    uint64_t held_back;
};

struct events {
    event_t ring[EVENTS_KEPT];
    uint64_t first; // number of the first event ever
    uint64_t n;     // events ever
    struct kind kinds[KINDS_MAX];
    size_t n_kinds;
};

const char *
event_level(const event_t *e)
{
    static const char *const names[] = {
        [LOG_DEBUG] = "debug",
        [LOG_INFO] = "info",
        [LOG_WARN] = "warn",
        [LOG_ERROR] = "error",
    };

    return names[e->level];
}

events_t *
events_new(uint64_t epoch)
{
    events_t *self = xcalloc(1, sizeof *self);

    self->first = (epoch << EPOCH_BITS) + 1;
    return self;
}

void
events_destroy(events_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

// Ids are our own, and far fewer than there is room for.
static struct kind *
kind_of(events_t *self, const char *id)
{
    for (size_t i = 0; i < self->n_kinds; i++) {
        if (strcmp(self->kinds[i].id, id) == 0) {
            return &self->kinds[i];
        }
    }
    assert(self->n_kinds < KINDS_MAX);
    self->kinds[self->n_kinds] = (struct kind){.id = id};
    return &self->kinds[self->n_kinds++];
}

static bool
may_pass(struct kind *k, int64_t at)
{
    if (at - k->since >= WINDOW_MS) {
        k->since = at;
        k->passed = 0;
    }
    if (k->passed == EVENTS_A_SECOND) {
        k->held_back++;
        return false;
    }
    k->passed++;
    return true;
}

// No character is cut in two.
static void
put_text(char out[EVENT_TEXT], const char *text, uint64_t held_back)
{
    char more[48] = "";

    if (held_back > 0) {
        snprintf(more, sizeof more, "%s(and %llu more)",
            text[0] != '\0' ? " " : "", (unsigned long long)held_back);
    }
    size_t room = EVENT_TEXT - 1 - strlen(more);
    size_t len = strlen(text);
    if (len > room) {
        for (len = room; len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80;) {
            len--;
        }
    }
    snprintf(out, EVENT_TEXT, "%.*s%s", (int)len, text, more);
}

void
events_put(events_t *self, const event_t *e, const char *text)
{
    struct kind *k = kind_of(self, e->id);

    if (!may_pass(k, e->at)) {
        return;
    }
    event_t *at = &self->ring[self->n % EVENTS_KEPT];
    *at = *e;
    at->number = self->first + self->n++;
    put_text(at->text, text, k->held_back);
    k->held_back = 0;
}

const event_t *
events_next(const events_t *self, uint64_t after)
{
    uint64_t oldest = self->n > EVENTS_KEPT ? self->n - EVENTS_KEPT : 0;
    uint64_t i = after >= self->first ? after - self->first + 1 : 0;

    i = i > oldest ? i : oldest;
    return i < self->n ? &self->ring[i % EVENTS_KEPT] : NULL;
}
