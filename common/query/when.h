// SPDX-License-Identifier: Apache-2.0
// when: points in time as a person writes them behind --since and --until,
// and the query that they narrow. Pure: the clock and the zone are arguments.
#ifndef LOGTALLY_COMMON_QUERY_WHEN_H
#define LOGTALLY_COMMON_QUERY_WHEN_H

#include "common/query/query.h"

typedef struct when {
    dec_t time;
    bool local; // no zone was written: `time` is what a clock on a wall shows
} when_t;

// "now", "2h ago", "3 days ago", "today", "yesterday 14:00", or ISO 8601 as in
// the language. The days are those of a clock that is offset_s ahead of UTC.
bool when_parse(span_t text, dec_t now, int64_t offset_s, when_t *out);

// The text of q narrowed to since <= time < until; either may be NULL.
void when_narrow(
    const query_t *q, const dec_t *since, const dec_t *until, buf_t *out);

#endif
