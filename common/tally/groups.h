// SPDX-License-Identifier: Apache-2.0
// groups: a run of groups of a partial as bytes: keys that rise, each without
// what it shares with the one before, and the states of each.
#ifndef LOGTALLY_COMMON_TALLY_GROUPS_H
#define LOGTALLY_COMMON_TALLY_GROUPS_H

#include "common/tally/tally.h"

// The n groups of these numbers, in this order. ERR_TOO_LARGE when out would
// be longer than `limit`.
MUST_CHECK errcode_t groups_encode(const tally_t *tally,
    const uint32_t *numbers, size_t n, size_t limit, buf_t *out);
// All of bytes: order of keys, cells of each key, states; and that each key
// is of this part of n_parts.
MUST_CHECK errcode_t groups_check(
    span_t bytes, const query_t *query, unsigned part, unsigned n_parts);
// Each group to the table of its part: to the one table, or to TALLY_PARTS.
// ERR_TOO_LARGE of the budget; bytes that groups_check refuses may be half
// merged.
MUST_CHECK errcode_t groups_add(
    span_t bytes, tally_t *const *tallies, unsigned n_tallies);

#endif
