// SPDX-License-Identifier: Apache-2.0
// flow: how much a coordinator's workers read, second by second, for the last
// quarter of an hour. Pure; held by value.
#ifndef LOGTALLY_COORDINATOR_FLOW_H
#define LOGTALLY_COORDINATOR_FLOW_H

#include "common/base/bytes.h"

#define FLOW_SECONDS 900u
#define FLOW_STEP_MS 1000

typedef struct flow {
    uint64_t bytes[FLOW_SECONDS]; // read in each second, a ring
    uint64_t n;                   // seconds ever
    uint64_t seen;                // what had been read at the last
    int64_t next_at;              // when the next second ends; 0: none began
} flow_t;

// So much was read until now. Seconds that nobody looked at share what was
// read in them. True when a second has ended.
bool flow_note(flow_t *self, uint64_t bytes, int64_t now_ms);
// What was read in the second with this number, the first of which is 0; 0
// when it is no longer, or not yet, known.
uint64_t flow_at(const flow_t *self, uint64_t second);

#endif
