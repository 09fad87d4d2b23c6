// SPDX-License-Identifier: Apache-2.0
// report_queries: what `logtally report` asks.
#ifndef LOGTALLY_COORDINATOR_CLI_REPORT_QUERIES_H
#define LOGTALLY_COORDINATOR_CLI_REPORT_QUERIES_H

#include "common/query/query.h"

typedef struct report_wants {
    const char *visitors; // an expression; its values are the visitors
    int64_t rows;         // of each list
    uint32_t fields;      // bit per field_t that the lines may have
    const char *period;   // NULL, or a filter: the lines of one of two periods
    const char *before;   // and of the one it is compared with
} report_wants_t;

// A line `NAME: QUERY` for each question that lines of these fields answer.
void report_queries(const report_wants_t *wants, buf_t *out);

#endif
