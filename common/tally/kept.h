// SPDX-License-Identifier: Apache-2.0
// kept: the state of `first` and `last`: a value and when it was. The words
// are where the value lies (0: there is none) and the time in 128 bits, low
// word first. Of values at one instant first keeps the least, last the
// greatest.
//
// As bytes: 0, or 1 | time zigzag | block (the value as an encoded cell)
#ifndef LOGTALLY_COMMON_TALLY_KEPT_H
#define LOGTALLY_COMMON_TALLY_KEPT_H

#include "common/query/query.h"
#include "common/tally/keytable.h"

#define KEPT_WORDS 3u

// The cells are lent for the call and not missing. ERR_TOO_LARGE.
MUST_CHECK errcode_t kept_add(agg_func_t func, uint64_t *self,
    const cell_t *value, dec_t when, budget_t *budget);
cell_t kept_value(const uint64_t *self); // lent, or missing
void kept_encode(const uint64_t *self, buf_t *out);
// ERR_TRUNCATED, ERR_MALFORMED.
MUST_CHECK errcode_t kept_check(rd_t *r);
// What kept_check accepted.
MUST_CHECK errcode_t kept_merge(
    agg_func_t func, uint64_t *self, rd_t *r, budget_t *budget);
// Gives the memory back to the system; empty afterwards. The budget dies.
void kept_fini(uint64_t *self);

#endif
