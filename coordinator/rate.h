// SPDX-License-Identifier: Apache-2.0
// rate: how fast a number has risen in the last seconds. The mean since a job
// was submitted is no such thing: it may have waited for a host, and a client
// may have come late. Held by value; not thread-safe.
#ifndef LOGTALLY_COORDINATOR_RATE_H
#define LOGTALLY_COORDINATOR_RATE_H

#include "common/base/bytes.h"

#define RATE_POINTS  40u
#define RATE_LAST_MS 10000u // what the rate is of
#define RATE_STEADY  1000u  // before so many ms nobody can say

typedef struct rate {
    struct rate_point {
        uint64_t ms;
        uint64_t n;
    } at[RATE_POINTS]; // oldest first, the last is the newest
    size_t n_at;
} rate_t;

// {0} is one that has seen nothing. Time that goes back begins anew.
void rate_add(rate_t *self, uint64_t ms, uint64_t n);
// A second; 0: nobody can say, or it did not rise.
uint64_t rate_get(const rate_t *self);

#endif
