// SPDX-License-Identifier: Apache-2.0
// partial: what one attempt counted, as bytes: totals, then groups sorted by
// key, front-coded. Equal counts give equal bytes.
#ifndef LOGTALLY_COMMON_TALLY_PARTIAL_H
#define LOGTALLY_COMMON_TALLY_PARTIAL_H

#include "common/tally/tally.h"
#include "common/tally/totals.h"

// ERR_TOO_LARGE over LIMIT_PARTIAL.
MUST_CHECK errcode_t partial_encode(
    tally_t *tally, const totals_t *totals, buf_t *out);

// Checks everything (version, order of keys, cells of each key against the
// query, counts, totals that add up, no trailing bytes) and fills *totals
// (zeroed by the caller, who calls totals_fini in any case). n_files bounds
// file indexes.
MUST_CHECK errcode_t partial_check(
    span_t bytes, uint32_t n_files, const query_t *query, totals_t *totals);

// Merges the groups of bytes that partial_check accepted for the tally's
// query. ERR_TOO_LARGE of the tally's budget, after which the tally must be
// given up; ERR_MALFORMED for other bytes.
MUST_CHECK errcode_t partial_add(span_t bytes, tally_t *tally);

// Both, and the totals too.
MUST_CHECK errcode_t partial_merge(
    span_t bytes, uint32_t n_files, tally_t *tally, totals_t *totals);

#endif
