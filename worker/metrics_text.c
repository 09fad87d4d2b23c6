// SPDX-License-Identifier: Apache-2.0
// What the worker counts, for /metrics.
#include "worker/supervisor_inside.h"

#include "common/service/metrics.h"

void
supervisor_metrics(const supervisor_t *self, buf_t *out)
{
    uint64_t busy = 0;

    for (uint32_t i = 0; i < self->config.executors; i++) {
        busy += self->lines[i].first != NULL;
    }
    metrics_one(out, "logtally_worker_registered", METRIC_GAUGE,
        "Whether the coordinator has this worker.", self->registered);
    metrics_one(out, "logtally_worker_executors", METRIC_GAUGE,
        "Executors of this worker.", self->config.executors);
    metrics_one(out, "logtally_worker_executors_busy", METRIC_GAUGE,
        "Executors that count.", busy);
    metrics_one(out, "logtally_worker_shards_held", METRIC_GAUGE,
        "Shards that wait, are counted, or were counted and not yet taken.",
        self->n_items);
    metrics_one(out, "logtally_worker_shards_counted_total", METRIC_COUNTER,
        "Shards counted.", self->n_counted);
    metrics_one(out, "logtally_worker_shards_failed_total", METRIC_COUNTER,
        "Shards that could not be counted.", self->n_failed);
    metrics_one(out, "logtally_worker_executors_ended_total", METRIC_COUNTER,
        "Executors ended because of a cancelled or stuck shard.",
        self->n_killed);
}
