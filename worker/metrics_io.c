// SPDX-License-Identifier: Apache-2.0
// The worker's metrics, told once a second to the thread that serves them.
#include "worker/daemon_io.h"

#include "common/base/log.h"
#include "common/service/metrics.h"

#include <stdio.h>

#define TELL_MS 1000

errcode_t
daemon_metrics_open(daemon_t *self, buf_t *why)
{
    char port[8];

    if (self->options->metrics == NULL) {
        return ERR_OK;
    }
    errcode_t rc = http_io_open(
        self->options->metrics, self->options->metrics_token, &self->http, why);
    if (rc == ERR_OK) {
        snprintf(port, sizeof port, "%u", http_io_port(self->http));
        log_event(LOG_INFO, "metrics-ready", "port", port, NULL);
    }
    return rc;
}

void
daemon_metrics_tell(daemon_t *self, int64_t now_ms)
{
    buf_t text = {0};

    if (self->http == NULL || now_ms < self->metrics_at_ms) {
        return;
    }
    self->metrics_at_ms = now_ms + TELL_MS;
    metrics_family(&text, "logtally_build_info", METRIC_GAUGE,
        "Always 1; the label says which release this is.");
    metrics_value(&text, "logtally_build_info", "version", LOGTALLY_VERSION, 1);
    supervisor_metrics(self->machine, &text);
    metrics_family(&text, "logtally_worker_link_up", METRIC_GAUGE,
        "Whether there is a connection to the coordinator's socket.");
    metrics_value(&text, "logtally_worker_link_up", "link", "control",
        link_is_up(self->control));
    metrics_value(&text, "logtally_worker_link_up", "link", "sink",
        link_is_up(self->sink));
    http_io_put(self->http, &text);
}

int64_t
daemon_metrics_wait_ms(const daemon_t *self, int64_t now_ms)
{
    if (self->http == NULL) {
        return INT64_MAX;
    }
    return self->metrics_at_ms > now_ms ? self->metrics_at_ms - now_ms : 0;
}
