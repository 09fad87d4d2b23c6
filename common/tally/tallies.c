// SPDX-License-Identifier: Apache-2.0
#include "common/tally/tallies.h"

#include "common/base/xalloc.h"

#include <stdlib.h>

struct tallies {
    budget_t own; // unless it is shared
    pool_t *pool;
    tally_t *parts[TALLY_PARTS];
};

static tallies_t *
make_tallies(
    const query_t *query, budget_t *shared, size_t budget, pool_t *pool)
{
    tallies_t *self = xcalloc(1, sizeof *self);

    self->own.limit = budget;
    self->pool = pool;
    for (size_t i = 0; i < TALLY_PARTS; i++) {
        self->parts[i] =
            tally_new_sharing(query, shared != NULL ? shared : &self->own);
    }
    return self;
}

tallies_t *
tallies_new(const query_t *query, size_t budget, pool_t *pool)
{
    return make_tallies(query, NULL, budget, pool);
}

tallies_t *
tallies_new_sharing(const query_t *query, budget_t *budget, pool_t *pool)
{
    return make_tallies(query, budget, 0, pool);
}

void
tallies_destroy(tallies_t **self_p)
{
    tallies_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    for (size_t i = 0; i < TALLY_PARTS; i++) {
        tally_destroy(&self->parts[i]);
    }
    free(self);
    *self_p = NULL;
}

pool_t *
tallies_pool(const tallies_t *self)
{
    return self->pool;
}

tally_t *const *
tallies_parts(const tallies_t *self)
{
    return self->parts;
}

errcode_t
tallies_group(tallies_t *self, span_t key, agg_state_t **states)
{
    return tally_group(self->parts[tally_part(key, TALLY_PARTS)], key, states);
}
