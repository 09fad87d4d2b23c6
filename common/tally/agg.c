// SPDX-License-Identifier: Apache-2.0
// The aggregate states. Every add and merge is commutative and associative,
// so no cutting of the work can change a result. Lines of real files never
// count to 2^64, numbers of a peer's partial may: a count that has left 64
// bits stays at the top, where it is an error and no number.
//
// A state is a few words and no struct, so that a table of counts takes eight
// bytes a group:
//
//   COUNT     lines
//   SUM, AVG  values, the sum in 192 bits (low word first)
//   MIN, MAX  0 or 1 (whether there is one), the best in 128 bits
//   others    see items.h and kept.h
#include "common/tally/kept.h"
#include "common/tally/tally.h"

#include <assert.h>

size_t
agg_words(agg_func_t func)
{
    static const uint8_t words[AGG_FUNC_COUNT] = {[AGG_COUNT] = 1,
        [AGG_SUM] = 4,
        [AGG_AVG] = 4,
        [AGG_MIN] = 3,
        [AGG_MAX] = 3,
        [AGG_DISTINCT] = 1,
        [AGG_DISTINCT_ABOUT] = 1,
        [AGG_QUANTILE] = 1,
        [AGG_FIRST] = KEPT_WORDS,
        [AGG_LAST] = KEPT_WORDS};

    assert((unsigned)func < AGG_FUNC_COUNT);
    return words[func];
}

static u128_t
load_wide(const agg_state_t *at)
{
    return (u128_t)at[1] << 64 | at[0];
}

static void
store_wide(agg_state_t *at, u128_t v)
{
    at[0] = (uint64_t)v;
    at[1] = (uint64_t)(v >> 64);
}

static dec_sum_t
load_sum(const agg_state_t *self)
{
    return (dec_sum_t){load_wide(&self[1]), (int64_t)self[3]};
}

static void
store_sum(agg_state_t *self, const dec_sum_t *sum)
{
    store_wide(&self[1], sum->lo);
    self[3] = (uint64_t)sum->hi;
}

void
agg_add_lines(agg_state_t *self, uint64_t n)
{
    *self += n;
}

static void
merge_count(agg_state_t *self, uint64_t n)
{
    if (__builtin_add_overflow(*self, n, self)) {
        *self = UINT64_MAX;
    }
}

static void
keep_best(agg_func_t func, agg_state_t *self, dec_t v)
{
    dec_t best = (dec_t)load_wide(&self[1]);

    if (self[0] == 0 || (func == AGG_MIN ? v < best : v > best)) {
        store_wide(&self[1], (u128_t)v);
    }
    self[0] = 1;
}

void
agg_add(agg_func_t func, agg_state_t *self, dec_t v)
{
    dec_sum_t sum;

    switch (func) {
    case AGG_COUNT:
        self[0]++;
        return;
    case AGG_SUM:
    case AGG_AVG:
        self[0]++;
        sum = load_sum(self);
        dec_sum_add(&sum, v);
        store_sum(self, &sum);
        return;
    case AGG_MIN:
    case AGG_MAX:
        keep_best(func, self, v);
        return;
    case AGG_DISTINCT:
    case AGG_DISTINCT_ABOUT:
    case AGG_QUANTILE:
    case AGG_FIRST:
    case AGG_LAST:
    case AGG_FUNC_COUNT:
        break;
    }
    assert(false);
}

void
agg_merge(agg_func_t func, agg_state_t *self, const agg_state_t *from)
{
    dec_sum_t sum, more;

    switch (func) {
    case AGG_COUNT:
        merge_count(self, from[0]);
        return;
    case AGG_SUM:
    case AGG_AVG:
        merge_count(self, from[0]);
        sum = load_sum(self);
        more = load_sum(from);
        dec_sum_merge(&sum, &more);
        store_sum(self, &sum);
        return;
    case AGG_MIN:
    case AGG_MAX:
        if (from[0] > 0) {
            keep_best(func, self, (dec_t)load_wide(&from[1]));
        }
        return;
    case AGG_DISTINCT:
    case AGG_DISTINCT_ABOUT:
    case AGG_QUANTILE:
    case AGG_FIRST:
    case AGG_LAST:
    case AGG_FUNC_COUNT:
        break;
    }
    assert(false);
}

void
agg_encode(agg_func_t func, const agg_state_t *self, buf_t *out)
{
    buf_put_varint(out, self[0]);
    if (func == AGG_SUM || func == AGG_AVG) {
        buf_put_varint128(out, load_wide(&self[1]));
        buf_put_zigzag(out, (int64_t)self[3]);
    } else if (func != AGG_COUNT && self[0] > 0) {
        buf_put_zigzag(out, (dec_t)load_wide(&self[1]));
    }
}

static errcode_t
decode_sum(rd_t *r, agg_state_t *out)
{
    u128_t lo = 0;
    i128_t hi = 0;
    errcode_t rc = rd_varint128(r, &lo);

    rc = rc != ERR_OK ? rc : rd_zigzag(r, &hi);
    if (rc == ERR_OK && (hi < INT64_MIN || hi > INT64_MAX)) {
        rc = ERR_MALFORMED;
    }
    store_sum(out, &(dec_sum_t){lo, (int64_t)hi});
    return rc;
}

static errcode_t
decode_best(rd_t *r, agg_state_t *out)
{
    dec_t best = 0;
    errcode_t rc = out[0] > 1   ? ERR_MALFORMED
                   : out[0] > 0 ? rd_zigzag(r, &best)
                                : ERR_OK;

    store_wide(&out[1], (u128_t)best);
    return rc;
}

errcode_t
agg_decode(agg_func_t func, rd_t *r, agg_state_t *out)
{
    errcode_t rc = rd_varint(r, &out[0]);

    if (rc != ERR_OK || func == AGG_COUNT) {
        return rc;
    }
    return func == AGG_SUM || func == AGG_AVG ? decode_sum(r, out)
                                              : decode_best(r, out);
}

errcode_t
agg_value(agg_func_t func, const agg_state_t *self, cell_t *out)
{
    dec_sum_t sum;

    *out = (cell_t){.kind = CELL_NUMBER};
    if (self[0] == UINT64_MAX) {
        return ERR_OVERFLOW;
    }
    switch (func) {
    case AGG_COUNT:
        out->number = DEC_INT(self[0]);
        return ERR_OK;
    case AGG_SUM:
        sum = load_sum(self);
        return dec_sum_value(&sum, &out->number);
    case AGG_AVG:
        if (self[0] > 0) {
            sum = load_sum(self);
            return dec_sum_avg(&sum, self[0], &out->number);
        }
        break;
    case AGG_MIN:
    case AGG_MAX:
        if (self[0] > 0) {
            out->number = (dec_t)load_wide(&self[1]);
            return ERR_OK;
        }
        break;
    case AGG_DISTINCT:
    case AGG_DISTINCT_ABOUT:
    case AGG_QUANTILE:
    case AGG_FIRST:
    case AGG_LAST:
    case AGG_FUNC_COUNT:
        assert(false);
    }
    out->kind = CELL_MISSING;
    return ERR_OK;
}
