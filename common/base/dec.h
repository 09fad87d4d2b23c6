// SPDX-License-Identifier: Apache-2.0
// dec: the one number of the language. Fixed point, nine decimals, in 128
// bits: integers, decimals, durations and times (seconds), sizes (bytes).
// Exact or an error, never a wrap. Division and multiplication round half to
// even at the ninth decimal.
#ifndef LOGTALLY_COMMON_BASE_DEC_H
#define LOGTALLY_COMMON_BASE_DEC_H

#include "common/base/bytes.h"

typedef i128_t dec_t; // units of 1e-9

#define DEC_ONE    ((dec_t)1000000000)
#define DEC_INT(n) ((dec_t)(n)*DEC_ONE)
// Longest text of a dec_t: sign, 30 digits, point, 9 decimals, NUL.
#define DEC_TEXT_MAX 48

// ERR_OVERFLOW when the result leaves 128 bits. dec_div and dec_mod of zero
// are ERR_NOT_FOUND: the language makes that a missing value.
MUST_CHECK errcode_t dec_add(dec_t a, dec_t b, dec_t *out);
MUST_CHECK errcode_t dec_sub(dec_t a, dec_t b, dec_t *out);
MUST_CHECK errcode_t dec_mul(dec_t a, dec_t b, dec_t *out);
MUST_CHECK errcode_t dec_div(dec_t a, dec_t b, dec_t *out);
// The remainder has the sign of a, as in C and awk.
MUST_CHECK errcode_t dec_mod(dec_t a, dec_t b, dec_t *out);
// The greatest multiple of step that is not above a. step > 0.
MUST_CHECK errcode_t dec_floor(dec_t a, dec_t step, dec_t *out);

// "-12.5", no trailing zeros, no exponent. Returns the length.
size_t dec_format(dec_t v, char out[DEC_TEXT_MAX]);
// Digits, optional leading '-', optional fraction of at most nine digits;
// the whole span or ERR_MALFORMED; ERR_OVERFLOW past 128 bits.
MUST_CHECK errcode_t dec_parse(span_t s, dec_t *out);

// Sums are kept in 192 bits, so that no order of adding 2^64 values can
// overflow on the way; only the end may.
typedef struct dec_sum {
    u128_t lo;
    int64_t hi;
} dec_sum_t;

void dec_sum_add(dec_sum_t *self, dec_t v);
void dec_sum_merge(dec_sum_t *self, const dec_sum_t *other);
MUST_CHECK errcode_t dec_sum_value(const dec_sum_t *self, dec_t *out);
// Sum divided by n > 0, rounded half to even.
MUST_CHECK errcode_t dec_sum_avg(const dec_sum_t *self, uint64_t n, dec_t *out);

#endif
