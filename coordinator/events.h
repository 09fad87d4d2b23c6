// SPDX-License-Identifier: Apache-2.0
// events: the newest of what an operator should know, in memory: who came and
// went, what was taken, ended or failed. The log has the same, and for longer.
// Bounded: EVENTS_KEPT of them, and EVENTS_A_SECOND of one kind, so that a
// worker whose every attempt fails does not push out all the rest. Pure; not
// thread-safe.
#ifndef LOGTALLY_COORDINATOR_EVENTS_H
#define LOGTALLY_COORDINATOR_EVENTS_H

#include "common/base/bytes.h"
#include "common/base/limits.h"
#include "common/base/log.h"

#define EVENTS_KEPT     512u
#define EVENTS_A_SECOND 10u
#define EVENT_TEXT      384u

typedef struct event {
    uint64_t number; // rises; also from one coordinator to the next
    int64_t at;      // the machine's time
    log_level_t level;
    const char *id;          // "worker-lost", as in the log
    uint64_t job;            // 0: of none
    char owner[LIMIT_NAME];  // of the job, or ""
    char worker[LIMIT_NAME]; // or ""
    char text[EVENT_TEXT];   // whole characters of it
} event_t;

// "info", "warn", ...
const char *event_level(const event_t *e);

typedef struct events events_t;

// Numbers begin above those of every coordinator with a smaller epoch.
events_t *events_new(uint64_t epoch);
void events_destroy(events_t **self_p);

// Copies e, whose number is chosen here; id is lent for good. What comes too
// fast is left out and told, as "(and 12 more)", with the next of its kind.
void events_put(events_t *self, const event_t *e, const char *text);
// The oldest that is kept with a number above `after`; NULL: there is none.
// Lent until the next events_put.
const event_t *events_next(const events_t *self, uint64_t after);

#endif
