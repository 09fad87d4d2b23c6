// SPDX-License-Identifier: Apache-2.0
// What the loop does for the dashboard: it makes what is looked at, once a
// second, and sooner for who has just come. While nobody looks it does nothing.
#include "coordinator/coordinator_inside_io.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TELL_MS 1000
#define SOON_MS 200 // between two times at least, however many come

bool
dashboard_has_metrics(const coordinator_options_t *options)
{
    return options->dashboard != NULL && options->metrics != NULL &&
           strcmp(options->dashboard, options->metrics) == 0;
}

errcode_t
dashboard_io_open(
    coordinator_io_t *self, const coordinator_options_t *options, buf_t *why)
{
    char port[8];

    self->dashboard_at_ms = INT64_MAX;
    if (options->dashboard == NULL) {
        return ERR_OK;
    }
    self->dashboard_metrics = dashboard_has_metrics(options);
    self->results = state_results(self->state);
    errcode_t rc =
        dashboard_open(&(dashboard_options_t){.listen = options->dashboard,
                           .token_file = options->dashboard_token,
                           .hosts = options->dashboard_host,
                           .metrics = dashboard_has_metrics(options),
                           .metrics_token_file = options->metrics_token,
                           .result = self->results.get,
                           .ctx = self->results.ctx},
            &self->dashboard, why);
    if (rc == ERR_OK) {
        snprintf(port, sizeof port, "%u", dashboard_port(self->dashboard));
        log_event(LOG_INFO, "dashboard-ready", "port", port, NULL);
        metrics_io_tell(self);
    }
    return rc;
}

int
dashboard_io_fd(const coordinator_io_t *self)
{
    return self->dashboard != NULL ? board_fd(dashboard_board(self->dashboard))
                                   : self->signals;
}

void
dashboard_io_ready(coordinator_io_t *self)
{
    uint64_t n;

    if (self->dashboard != NULL &&
        read(dashboard_io_fd(self), &n, sizeof n) == sizeof n) {
        int64_t soon = self->dashboard_told_ms + SOON_MS;
        self->dashboard_at_ms =
            soon < self->dashboard_at_ms ? soon : self->dashboard_at_ms;
    }
}

static void
tell(coordinator_io_t *self, const board_want_t *want, int64_t wall_ms)
{
    job_view_t rows = {.made = want->made};
    document_t doc = {.all = want->all || want->topic != OVERVIEW};

    if (want->topic == OVERVIEW) {
        coordinator_overview(self->machine, want->all, wall_ms, &doc.json);
    } else {
        doc.gone = !coordinator_job_view(
            self->machine, want->topic, wall_ms, &doc.json, &rows);
        doc.made = rows.made;
        doc.over = rows.over;
        doc.rows = rows.bytes;
    }
    board_put(dashboard_board(self->dashboard), want->topic, &doc,
        rows.made == want->made);
}

void
dashboard_io_tell(coordinator_io_t *self, int64_t now_ms)
{
    board_want_t wants[BOARD_TOPICS];

    if (now_ms < self->dashboard_at_ms) {
        return;
    }
    size_t n = board_wants(dashboard_board(self->dashboard), wants);
    int64_t wall_ms = clock_wall_ms();
    for (size_t i = 0; i < n; i++) {
        tell(self, &wants[i], wall_ms);
    }
    self->dashboard_told_ms = now_ms;
    self->dashboard_at_ms = n > 0 ? now_ms + TELL_MS : INT64_MAX;
}
