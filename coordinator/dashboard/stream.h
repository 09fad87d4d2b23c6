// SPDX-License-Identifier: Apache-2.0
// stream: documents of the board as server-sent events (WHATWG HTML, 9.2).
// Pure; one for each who looks, held by its thread.
#ifndef LOGTALLY_COORDINATOR_DASHBOARD_STREAM_H
#define LOGTALLY_COORDINATOR_DASHBOARD_STREAM_H

#include "coordinator/dashboard/board.h"

// One event, its data in as many lines as it has.
void stream_put(const char *event, span_t data, buf_t *out);
// Nothing happened: so that a connection that is gone is noticed.
void stream_put_quiet(buf_t *out);

// The rows of an encoded result as JSON (output_rows); what makes no sense
// gives an object with `text`.
void stream_rows(span_t encoded, buf_t *out);

#endif
