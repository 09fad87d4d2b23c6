// SPDX-License-Identifier: Apache-2.0
#include "coordinator/rate.h"

#include <string.h>

// Points that are nearer to each other than this are one.
#define STEP_MS (RATE_LAST_MS / (RATE_POINTS - 2))

static void
drop(rate_t *self, size_t n)
{
    self->n_at -= n;
    memmove(self->at, self->at + n, self->n_at * sizeof *self->at);
}

void
rate_add(rate_t *self, uint64_t ms, uint64_t n)
{
    if (self->n_at > 0 && ms < self->at[self->n_at - 1].ms) {
        self->n_at = 0;
    }
    // The newest point moves on until it is a step from the one before it.
    if (self->n_at > 1 && ms - self->at[self->n_at - 2].ms < STEP_MS) {
        self->n_at--;
    }
    // One point at the far end of the time, or before it, is kept.
    while (self->n_at > 1 && ms - self->at[1].ms >= RATE_LAST_MS) {
        drop(self, 1);
    }
    if (self->n_at == RATE_POINTS) {
        drop(self, 1);
    }
    self->at[self->n_at++] = (struct rate_point){ms, n};
}

uint64_t
rate_get(const rate_t *self)
{
    if (self->n_at < 2) {
        return 0;
    }
    const struct rate_point *a = &self->at[0];
    const struct rate_point *b = &self->at[self->n_at - 1];
    uint64_t ms = b->ms - a->ms;

    // What is lent again was not read: the number falls.
    return ms < RATE_STEADY || b->n <= a->n
               ? 0
               : (uint64_t)((u128_t)(b->n - a->n) * 1000 / ms);
}
