// SPDX-License-Identifier: Apache-2.0
#include "worker/supervisor_inside.h"

void
supervisor_status_text(const supervisor_t *self, buf_t *out)
{
    size_t busy = 0;

    for (uint32_t i = 0; i < self->config.executors; i++) {
        busy += self->lines[i].first != NULL;
    }
    buf_printf(out, "%s, %zu of %u executors count, %zu shard%s held",
        self->registered ? "registered" : "not registered", busy,
        self->config.executors, self->n_items, self->n_items == 1 ? "" : "s");
}
