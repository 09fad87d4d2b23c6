// SPDX-License-Identifier: Apache-2.0
// partial: what one attempt counted, as bytes: totals, then groups sorted by
// key, front-coded; many groups in sections by part, see tally_part. Equal
// counts give equal bytes. A job of several queries has the groups of one
// behind those of the other.
#ifndef LOGTALLY_COMMON_TALLY_PARTIAL_H
#define LOGTALLY_COMMON_TALLY_PARTIAL_H

#include "common/tally/tallies.h"
#include "common/tally/totals.h"

// Part of the bytes. One that reads another version takes none of them.
#define PARTIAL_VERSION 4u

// Of n tallies, one for each query. ERR_TOO_LARGE over LIMIT_PARTIAL.
MUST_CHECK errcode_t partial_encode_all(
    tally_t *const *tallies, size_t n, const totals_t *totals, buf_t *out);
MUST_CHECK errcode_t partial_encode(
    tally_t *tally, const totals_t *totals, buf_t *out);

// The same for a network: sections that gain by it are compressed. Equal bytes
// of one version of libzstd, too.
void partial_pack(span_t partial, buf_t *out);

// A hash of the counts in it, packed or not: equal for equal counts, whoever
// packed them. Only of bytes that partial_check accepts, or that are ours.
#define PARTIAL_DIGEST 32
void partial_digest(span_t partial, uint8_t out[PARTIAL_DIGEST]);

// Checks everything (version, order of keys, cells of each key against its
// query, counts, totals that add up, no trailing bytes) and fills *totals
// (zeroed by the caller, who calls totals_fini in any case). n_files bounds
// file indexes. A pool (or NULL) is for the sections.
MUST_CHECK errcode_t partial_check_all(span_t bytes, uint32_t n_files,
    const query_t *const *queries, size_t n, pool_t *pool, totals_t *totals);
MUST_CHECK errcode_t partial_check(span_t bytes, uint32_t n_files,
    const query_t *query, pool_t *pool, totals_t *totals);

// Merges the groups of bytes that partial_check accepted for the queries of the
// tallies. ERR_TOO_LARGE of their budget, after which they must be given up;
// ERR_MALFORMED for other bytes.
MUST_CHECK errcode_t partial_add_all(
    span_t bytes, tallies_t *const *tallies, size_t n);
MUST_CHECK errcode_t partial_add(span_t bytes, tallies_t *tallies);

// Both, and the totals too, into one table.
MUST_CHECK errcode_t partial_merge(
    span_t bytes, uint32_t n_files, tally_t *tally, totals_t *totals);

#endif
