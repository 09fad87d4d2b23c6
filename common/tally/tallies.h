// SPDX-License-Identifier: Apache-2.0
// tallies: one group table in parts that threads can fill side by side. The
// key says which part it belongs to, see tally_part.
#ifndef LOGTALLY_COMMON_TALLY_TALLIES_H
#define LOGTALLY_COMMON_TALLY_TALLIES_H

#include "common/base/pool.h"
#include "common/tally/tally.h"

typedef struct tallies tallies_t;

// Query and pool (or NULL) are lent for the life. The budget is that of all
// parts together.
tallies_t *tallies_new(const query_t *query, size_t budget, pool_t *pool);
// The budget is lent and may be that of others, too.
tallies_t *tallies_new_sharing(
    const query_t *query, budget_t *budget, pool_t *pool);
void tallies_destroy(tallies_t **self_p);
pool_t *tallies_pool(const tallies_t *self);
// TALLY_PARTS of them, lent.
tally_t *const *tallies_parts(const tallies_t *self);
// As tally_group, in the key's part.
MUST_CHECK errcode_t tallies_group(
    tallies_t *self, span_t key, agg_state_t **states);

#endif
