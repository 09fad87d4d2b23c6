// SPDX-License-Identifier: Apache-2.0
#include "coordinator/flow.h"

static void
add(flow_t *self, uint64_t bytes)
{
    self->bytes[self->n++ % FLOW_SECONDS] = bytes;
}

bool
flow_note(flow_t *self, uint64_t bytes, int64_t now_ms)
{
    if (self->next_at == 0) {
        self->next_at = now_ms + FLOW_STEP_MS;
        self->seen = bytes;
        return false;
    }
    if (now_ms < self->next_at) {
        return false;
    }
    uint64_t seconds = (uint64_t)(now_ms - self->next_at) / FLOW_STEP_MS + 1;
    uint64_t read = bytes - self->seen;
    uint64_t told = seconds < FLOW_SECONDS ? seconds : FLOW_SECONDS;

    self->n += seconds - told; // so long ago that nothing of it is kept
    for (uint64_t i = 0; i < told; i++) {
        add(self, read / seconds);
    }
    self->seen += read / seconds * seconds; // the rest is told later
    self->next_at += (int64_t)seconds * FLOW_STEP_MS;
    return true;
}

uint64_t
flow_at(const flow_t *self, uint64_t second)
{
    bool known = second < self->n && self->n - second <= FLOW_SECONDS;

    return known ? self->bytes[second % FLOW_SECONDS] : 0;
}
