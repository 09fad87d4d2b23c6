// SPDX-License-Identifier: Apache-2.0
// The aggregate states. Every add and merge is commutative and associative,
// so no cutting of the work can change a result. Lines of real files never
// count to 2^64, numbers of a peer's partial may: a count that has left 64
// bits stays at the top, where it is an error and no number.
#include "common/tally/tally.h"

#include <assert.h>

void
agg_add_lines(agg_state_t *self, uint64_t n)
{
    self->n += n;
}

static void
merge_count(agg_state_t *self, uint64_t n)
{
    if (__builtin_add_overflow(self->n, n, &self->n)) {
        self->n = UINT64_MAX;
    }
}

static void
keep_best(agg_func_t func, agg_state_t *self, dec_t v)
{
    bool better = func == AGG_MIN ? v < self->best : v > self->best;

    if (self->n == 0 || better) {
        self->best = v;
    }
    self->n = 1;
}

void
agg_add(agg_func_t func, agg_state_t *self, dec_t v)
{
    switch (func) {
    case AGG_COUNT:
        self->n++;
        return;
    case AGG_SUM:
    case AGG_AVG:
        self->n++;
        dec_sum_add(&self->sum, v);
        return;
    case AGG_MIN:
    case AGG_MAX:
        keep_best(func, self, v);
        return;
    case AGG_FUNC_COUNT:
        break;
    }
    assert(false);
}

void
agg_merge(agg_func_t func, agg_state_t *self, const agg_state_t *from)
{
    switch (func) {
    case AGG_COUNT:
        merge_count(self, from->n);
        return;
    case AGG_SUM:
    case AGG_AVG:
        merge_count(self, from->n);
        dec_sum_merge(&self->sum, &from->sum);
        return;
    case AGG_MIN:
    case AGG_MAX:
        if (from->n > 0) {
            keep_best(func, self, from->best);
        }
        return;
    case AGG_FUNC_COUNT:
        break;
    }
    assert(false);
}

errcode_t
agg_value(agg_func_t func, const agg_state_t *self, cell_t *out)
{
    *out = (cell_t){.kind = CELL_NUMBER};
    if (self->n == UINT64_MAX) {
        return ERR_OVERFLOW;
    }
    switch (func) {
    case AGG_COUNT:
        out->number = DEC_INT(self->n);
        return ERR_OK;
    case AGG_SUM:
        return dec_sum_value(&self->sum, &out->number);
    case AGG_AVG:
        if (self->n > 0) {
            return dec_sum_avg(&self->sum, self->n, &out->number);
        }
        break;
    case AGG_MIN:
    case AGG_MAX:
        if (self->n > 0) {
            out->number = self->best;
            return ERR_OK;
        }
        break;
    case AGG_FUNC_COUNT:
        assert(false);
    }
    out->kind = CELL_MISSING;
    return ERR_OK;
}
