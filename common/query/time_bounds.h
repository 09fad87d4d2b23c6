// SPDX-License-Identifier: Apache-2.0
// time_bounds: which times a line must have to be counted.
#ifndef LOGTALLY_COMMON_QUERY_TIME_BOUNDS_H
#define LOGTALLY_COMMON_QUERY_TIME_BOUNDS_H

#include "common/query/queries.h"

// since <= time < until. Where there is no bound it is the least or the
// greatest dec_t.
typedef struct time_bounds {
    dec_t since;
    dec_t until;
} time_bounds_t;

#define TIME_LEAST    ((dec_t)((u128_t)1 << 127))
#define TIME_GREATEST ((dec_t)(~(u128_t)0 >> 1))

// Of what any of the queries counts: from comparisons of `time` with an
// instant that each line has to pass. false: there is no bound.
bool time_bounds(const queries_t *queries, time_bounds_t *out);

#endif
