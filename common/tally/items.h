// SPDX-License-Identifier: Apache-2.0
// items: what an aggregate remembers of each group beside its words:
//
//   distinct   the values, encoded                 no words
//   distinct~  blocks of registers (registers.h)   a byte each register
//   quantile   buckets (sketch.h)                  how many values
//
// One table has the items of all groups, each behind the number of its group.
// The group's own state is a word: how many items it has.
//
// As bytes, for one group: n varint, then n items that rise:
//   distinct   as the keys of groups are: shared varint | block (the rest)
//   distinct~  block u8 | which registers u64, a bit each | their ranks
//   quantile   bucket zigzag | values varint
#ifndef LOGTALLY_COMMON_TALLY_ITEMS_H
#define LOGTALLY_COMMON_TALLY_ITEMS_H

#include "common/query/query.h"
#include "common/tally/keytable.h"

typedef struct items items_t;

bool items_has(agg_func_t func); // whether the aggregate has any

// The budget is lent for the life.
items_t *items_new(const query_agg_t *agg, budget_t *budget);
void items_destroy(items_t **self_p);
size_t items_bytes(const items_t *self);

// A value that is not missing. *state is the group's. ERR_TOO_LARGE.
MUST_CHECK errcode_t items_add(
    items_t *self, uint32_t group, const cell_t *value, uint64_t *state);

// A value of `distinct`, to be looked up with others: TALLY_BATCH of them wait
// at most, all until items_settle. true: that many wait.
bool items_later(items_t *self, uint32_t group, const cell_t *value);
// groups (room for TALLY_BATCH) get those that have an item more than before,
// each as often as it has. ERR_TOO_LARGE; nothing waits then either.
MUST_CHECK errcode_t items_settle(items_t *self, uint32_t *groups, size_t *n);

// Lists the items by group, of n_groups of them: before what follows, and
// again when there are more.
void items_list(items_t *self, size_t n_groups);
void items_encode(const items_t *self, uint32_t group, buf_t *out);
// Of all but distinct, whose state is its value. ERR_OVERFLOW for more than
// 2^64 values.
MUST_CHECK errcode_t items_value(
    const items_t *self, uint32_t group, cell_t *out);

// ERR_TRUNCATED, ERR_MALFORMED.
MUST_CHECK errcode_t items_check(agg_func_t func, rd_t *r);
// What items_check accepted, to those of a group. ERR_TOO_LARGE.
MUST_CHECK errcode_t items_merge(
    items_t *self, uint32_t group, rd_t *r, uint64_t *state);

// Adds those of `from`, of the same function, each to the group that
// groups[its group] is, if that is one (not UINT32_MAX). grow hears of each
// group that has `more` items than before. ERR_TOO_LARGE.
MUST_CHECK errcode_t items_fold(items_t *self, const items_t *from,
    const uint32_t *groups,
    void (*grow)(void *ctx, uint32_t group, uint64_t more), void *ctx);

#endif
