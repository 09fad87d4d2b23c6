// SPDX-License-Identifier: Apache-2.0
// shared: what the queries of one job count together. `count by path` beside
// `404 | count by path` needs one table of paths, and `count by time:1d` none
// beside one of hours.
//
// The tables are queries themselves; executors get their text, and know
// nothing of the others. What a query asks for, its rows are made of:
//
//   groups  those of its table, unless `filters` (over their keys) do not
//           pass, or none of its lines was `counted`
//   keys    those of the table, or where it `rolls`, its own, worked out of
//           the table's (told.h); groups that have the same ones then add up
//   aggs    some of the table's
//
// The rows are exactly those of the query alone.
#ifndef LOGTALLY_COMMON_QUERY_SHARED_H
#define LOGTALLY_COMMON_QUERY_SHARED_H

#include "common/base/limits.h"
#include "common/query/queries.h"

#define SHARED_ALL SIZE_MAX

typedef struct share {
    size_t table; // of `tables`
    bool rolls;
    size_t counted; // aggregate of the table, or SHARED_ALL: each group counts
    const filter_t *const *filters; // lent from the query; all have to pass
    size_t n_filters;
    size_t aggs[LIMIT_QUERY_COLUMNS]; // the table's, for each of the query's
} share_t;

typedef struct shared {
    queries_t *tables;
    share_t *list; // for each query
} shared_t;

// How they are chosen. Partials of a job are of the tables that it was cut
// with, so its rules are kept with it; 0: each query has its own.
#define SHARED_RULES 1u

// The queries are lent for the life. ERR_UNSUPPORTED for rules that are not
// known here.
MUST_CHECK errcode_t shared_new(
    const queries_t *queries, uint32_t rules, shared_t **out);
void shared_destroy(shared_t **self_p);

#endif
