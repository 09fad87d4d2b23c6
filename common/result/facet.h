// SPDX-License-Identifier: Apache-2.0
// facet: the groups of a table as those of one of the queries that share it.
// Nothing outside common/result includes this.
#ifndef LOGTALLY_COMMON_RESULT_FACET_H
#define LOGTALLY_COMMON_RESULT_FACET_H

#include "common/query/eval.h"
#include "common/query/shared.h"
#include "common/tally/tally.h"

typedef struct facet {
    const query_t *query;
    const query_t *table;
    share_t share;
    bool own;     // the table is the query's
    bool sure;    // no filter can fail
    eval_t *eval; // of filters and keys; NULL: there is nothing to evaluate
    // Of the group that was looked at last, lent from the tally.
    cell_t keys[LIMIT_QUERY_COLUMNS];
} facet_t;

// Query, share (NULL: the table is the query's own) and table are lent for the
// life. ERR_REGEX.
MUST_CHECK errcode_t facet_init(facet_t *self, const query_t *query,
    const share_t *share, const query_t *table);
void facet_fini(facet_t *self);

// Whether the group is one of the query's. ERR_MALFORMED for keys that are not
// of their column's type, and what eval_filter has.
MUST_CHECK errcode_t facet_look(facet_t *self, const tally_t *tally,
    const tally_entry_t *entry, bool *ours);
// The keys of the group that was looked at.
void facet_keys(const facet_t *self, cell_t *row);
// The aggregates of a group. ERR_OVERFLOW, ERR_MALFORMED.
MUST_CHECK errcode_t facet_aggs(const facet_t *self, const tally_t *tally,
    const tally_entry_t *entry, cell_t *row);

// Where it rolls: the groups under the query's own keys, in a table of its own,
// which is smaller than those it comes from. ERR_OVERFLOW, ERR_REGEX,
// ERR_MALFORMED, ERR_TOO_LARGE (a key).
MUST_CHECK errcode_t facet_roll(
    facet_t *self, tally_t *const *parts, size_t n_parts, tally_t **out);

#endif
