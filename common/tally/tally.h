// SPDX-License-Identifier: Apache-2.0
// tally: the group table. Group keys (encoded cells, see cell.h) to the
// states of their aggregates. Some aggregates remember more than a few words:
// their items (see items.h) are in tables of their own.
//
// Not thread-safe. The same table counts in an executor and merges in the
// sink.
#ifndef LOGTALLY_COMMON_TALLY_TALLY_H
#define LOGTALLY_COMMON_TALLY_TALLY_H

#include "common/query/query.h"
#include "common/tally/keytable.h"

typedef struct tally tally_t;

// State of one aggregate of one group: agg_words(func) of these. All zero is
// empty. Merging is commutative and associative, and so is add: any cutting
// gives the same bytes.
typedef uint64_t agg_state_t;
#define AGG_WORDS_MAX 4u
size_t agg_words(agg_func_t func);

// Whether words alone do not hold it: the tally has the rest, and has to be
// asked for what those functions of agg_ do that are said to be of plain ones.
bool agg_is_wide(agg_func_t func);
bool tally_is_wide(const query_t *query); // any of its aggregates

void agg_add_lines(agg_state_t *self, uint64_t n); // AGG_COUNT
void agg_add(agg_func_t func, agg_state_t *self, dec_t v);
void agg_merge(agg_func_t func, agg_state_t *self, const agg_state_t *from);
// ERR_OVERFLOW for a sum or a count out of range.
MUST_CHECK errcode_t agg_value(
    agg_func_t func, const agg_state_t *self, cell_t *out);
void agg_encode(agg_func_t func, const agg_state_t *self, buf_t *out);
// Fills all words; ERR_TRUNCATED, ERR_MALFORMED.
MUST_CHECK errcode_t agg_decode(agg_func_t func, rd_t *r, agg_state_t *out);

// The query is lent for the tally's life. budget: bytes of table and keys.
tally_t *tally_new(const query_t *query, size_t budget);
// Tables that share a budget count together, and each in a thread of its own.
// The budget is lent, too.
tally_t *tally_new_sharing(const query_t *query, budget_t *budget);
void tally_destroy(tally_t **self_p);
const query_t *tally_query(const tally_t *self); // lent, as it was given
size_t tally_groups(const tally_t *self);
size_t tally_bytes(const tally_t *self);

// Finds or makes the group; *states (of all aggregates, behind one another;
// zeroed when new) is lent until the next group is made. ERR_TOO_LARGE over the
// budget; unchanged then.
MUST_CHECK errcode_t tally_group(
    tally_t *self, span_t key, agg_state_t **states);

// Finds or makes the groups of n keys (n <= TALLY_BATCH); groups[i] is the
// number of keys[i]'s group, as tally_number. Equal keys in one batch are
// fine. ERR_TOO_LARGE over the budget; groups made until then stay.
MUST_CHECK errcode_t tally_groups_find(
    tally_t *self, const span_t *keys, size_t n, uint32_t *groups);

void tally_expect(tally_t *self, size_t n); // as keytable_expect

// Groups are numbered as they are made; states from tally_group to the number
// and back.
size_t tally_number(const tally_t *self, const agg_state_t *states);
agg_state_t *tally_states(tally_t *self, size_t number);
// The state of aggregate `agg` of the query, among those of one group.
agg_state_t *tally_state(const tally_t *self, agg_state_t *states, size_t agg);

// A group by its number, lent until the next is made.
tally_entry_t tally_entry(const tally_t *self, size_t number);
// n of them (n <= TALLY_BATCH), which lie anywhere, at once.
void tally_entries(
    const tally_t *self, const uint32_t *numbers, size_t n, tally_entry_t *out);
// One aggregate of the group whose states these are. Both cells are lent; the
// value is not missing, the line's time may be. ERR_TOO_LARGE (budget).
MUST_CHECK errcode_t tally_add(tally_t *self, agg_state_t *states, size_t agg,
    const cell_t *value, const cell_t *when);
// As tally_add, but that a value may wait to be looked up with others. What
// waits counts from tally_settle on, which comes before all that follows.
MUST_CHECK errcode_t tally_add_later(tally_t *self, agg_state_t *states,
    size_t agg, const cell_t *value, const cell_t *when);
MUST_CHECK errcode_t tally_settle(tally_t *self);
// Before tally_encode and tally_value, and again when more was added.
void tally_list(tally_t *self);
void tally_list_values(tally_t *self); // enough for tally_value
void tally_encode(
    const tally_t *self, const agg_state_t *states, size_t agg, buf_t *out);
// The cell is lent. ERR_OVERFLOW as agg_value.
MUST_CHECK errcode_t tally_value(
    const tally_t *self, const agg_state_t *states, size_t agg, cell_t *out);
// Passes over one state. ERR_TRUNCATED, ERR_MALFORMED.
MUST_CHECK errcode_t agg_check(agg_func_t func, rd_t *r);
// Merges a state that agg_check accepted. ERR_TOO_LARGE (budget).
MUST_CHECK errcode_t tally_merge(
    tally_t *self, agg_state_t *states, size_t agg, rd_t *r);

#define TALLY_NO_GROUP UINT32_MAX
// Adds what `from` counted: its group g to groups[g], unless that is
// TALLY_NO_GROUP; its aggregate aggs[a], which is of the same kind, to our a.
// ERR_TOO_LARGE (budget).
MUST_CHECK errcode_t tally_fold(tally_t *self, const tally_t *from,
    const uint32_t *groups, const size_t *aggs);

// All groups, as keytable_list and keytable_sort_next.
void tally_list_groups(
    tally_t *self, unsigned n_parts, size_t ends[TALLY_PARTS]);
const uint32_t *tally_sort_next(tally_t *self, size_t end);

#endif
