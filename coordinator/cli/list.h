// SPDX-License-Identifier: Apache-2.0
// list: an answer of many records in one frame or several, the last of which
// says so: jobs, workers, the files of a plan.
#ifndef LOGTALLY_COORDINATOR_CLI_LIST_H
#define LOGTALLY_COORDINATOR_CLI_LIST_H

#include "coordinator/cli/client_io.h"

typedef struct list {
    proto_type_t ask;
    span_t request; // a whole frame, or empty: `ask` without fields
    proto_type_t answer;
    // Reads the frame's own fields: how many records, and whether it is the
    // last. NULL: they are a Records.
    errcode_t (*meta)(void *ctx, const frame_t *frame, uint32_t *n, bool *last);
    errcode_t (*record)(void *ctx, rd_t *r);
    void *ctx;
    int64_t patience_ms; // for the first frame; 0: CLIENT_ANSWER_MS
} list_t;

// Connects, asks, takes all records, closes.
MUST_CHECK int list_fetch(
    const list_t *self, common_options_t *common, buf_t *why);
// One frame of it; for tests.
MUST_CHECK errcode_t list_take(
    const list_t *self, const frame_t *frame, bool *last);

#endif
