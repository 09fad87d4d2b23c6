// SPDX-License-Identifier: Apache-2.0
// The coordinator's metrics, told once a second to the thread that serves
// them.
#include "coordinator/coordinator_inside_io.h"

#include "common/base/log.h"
#include "common/service/metrics.h"
#include "coordinator/state_io.h"

#include <stdio.h>

errcode_t
metrics_io_open(
    coordinator_io_t *self, const coordinator_options_t *options, buf_t *why)
{
    char port[8];

    if (options->metrics == NULL || dashboard_has_metrics(options)) {
        return ERR_OK;
    }
    errcode_t rc = http_io_open(
        options->metrics, options->metrics_token, &self->http, why);
    if (rc == ERR_OK) {
        metrics_io_tell(self);
        snprintf(port, sizeof port, "%u", http_io_port(self->http));
        log_event(LOG_INFO, "metrics-ready", "port", port, NULL);
    }
    return rc;
}

static void
put_end(void *ctx, const identity_t *who)
{
    char id[LIMIT_NAME]; // two keys may have one name for a while

    if (who->expires > 0) {
        identity_id(who, id);
        metrics_value(ctx, "logtally_key_expires_timestamp_seconds", "key", id,
            (uint64_t)who->expires);
    }
}

static void
count_key(void *ctx, const identity_t *who)
{
    uint64_t *n = ctx;

    (void)who;
    ++*n;
}

static void
put_keys(coordinator_io_t *self, buf_t *out)
{
    uint64_t n = 0;

    zap_each(self->zap, count_key, &n);
    metrics_one(
        out, "logtally_keys", METRIC_GAUGE, "Keys that are allowed.", n);
    metrics_family(out, "logtally_key_expires_timestamp_seconds", METRIC_GAUGE,
        "When a key ends, for those that do.");
    zap_each(self->zap, put_end, out);
}

static void
put_program(buf_t *out)
{
    metrics_family(out, "logtally_build_info", METRIC_GAUGE,
        "Always 1; the label says which release this is.");
    metrics_value(out, "logtally_build_info", "version", LOGTALLY_VERSION, 1);
}

void
metrics_io_tell(coordinator_io_t *self)
{
    buf_t text = {0};
    uint64_t room = state_room(self->state);

    bool shared = self->dashboard != NULL && self->dashboard_metrics;
    if (self->http == NULL && !shared) {
        return;
    }
    put_program(&text);
    coordinator_metrics(self->machine, &text);
    put_keys(self, &text);
    if (room != UINT64_MAX) {
        metrics_one(&text, "logtally_state_free_bytes", METRIC_GAUGE,
            "What the disk of the state folder has left.", room);
    }
    if (shared) {
        dashboard_put_metrics(self->dashboard, &text);
    } else {
        http_io_put(self->http, &text);
    }
}
