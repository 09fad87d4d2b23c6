// SPDX-License-Identifier: Apache-2.0
// dashboard: pages that show what the coordinator does, over HTTP, read-only.
// libmicrohttpd has a thread for each of CONNECTIONS at most; they look at the
// board and at the results that are kept, and never at the machine, so that
// nobody who reads slowly, or often, holds up the loop.
#ifndef LOGTALLY_COORDINATOR_DASHBOARD_DASHBOARD_IO_H
#define LOGTALLY_COORDINATOR_DASHBOARD_DASHBOARD_IO_H

#include "coordinator/dashboard/board.h"

typedef struct dashboard dashboard_t;

typedef struct dashboard_options {
    const char *listen;     // ADDR:PORT
    const char *token_file; // or NULL
    const char *hosts;      // or NULL
    bool metrics;           // also /metrics, with this token:
    const char *metrics_token_file;
    // The result of a job that has ended, encoded. From any thread.
    errcode_t (*result)(void *ctx, uint64_t job, buf_t *out);
    void *ctx;
} dashboard_options_t;

// ERR_CONFIG, ERR_IO; *why is a sentence.
MUST_CHECK errcode_t dashboard_open(
    const dashboard_options_t *options, dashboard_t **out, buf_t *why);
void dashboard_close(dashboard_t **self_p);
uint16_t dashboard_port(const dashboard_t *self);
board_t *dashboard_board(dashboard_t *self);
// What /metrics says from now on; takes the bytes of *text.
void dashboard_put_metrics(dashboard_t *self, buf_t *text);

#endif
