// SPDX-License-Identifier: Apache-2.0
// Products and quotients need 256 bits on the way. They are kept as two
// 128-bit halves; the common case, where everything fits 128 bits, never
// gets there.
#include "common/base/dec.h"

#include <assert.h>
#include <string.h>

#define DEC_DIGITS 9

static const u128_t dec_top = ~(u128_t)0 >> 1; // the greatest dec_t

typedef struct wide {
    u128_t hi;
    u128_t lo;
} wide_t;

static u128_t
magnitude(dec_t v)
{
    return v < 0 ? -(u128_t)v : (u128_t)v;
}

static errcode_t
with_sign(u128_t v, bool negative, dec_t *out)
{
    if (v > dec_top + (negative ? 1 : 0)) {
        return ERR_OVERFLOW;
    }
    *out = negative ? (dec_t)-v : (dec_t)v;
    return ERR_OK;
}

errcode_t
dec_add(dec_t a, dec_t b, dec_t *out)
{
    return __builtin_add_overflow(a, b, out) ? ERR_OVERFLOW : ERR_OK;
}

errcode_t
dec_sub(dec_t a, dec_t b, dec_t *out)
{
    return __builtin_sub_overflow(a, b, out) ? ERR_OVERFLOW : ERR_OK;
}

static wide_t
wide_mul(u128_t a, u128_t b)
{
    const u128_t low = UINT64_MAX;
    u128_t ll = (a & low) * (b & low);
    u128_t lh = (a & low) * (b >> 64);
    u128_t hl = (a >> 64) * (b & low);
    u128_t hh = (a >> 64) * (b >> 64);
    u128_t mid = (ll >> 64) + (lh & low) + (hl & low);

    return (wide_t){
        hh + (lh >> 64) + (hl >> 64) + (mid >> 64), (ll & low) | mid << 64};
}

// Quotient and remainder, a bit at a time. ERR_OVERFLOW when the quotient
// leaves 128 bits.
static errcode_t
wide_div(wide_t a, u128_t b, u128_t *quotient, u128_t *rest)
{
    u128_t r = a.hi;
    u128_t q = 0;

    if (r >= b) {
        return ERR_OVERFLOW;
    }
    if (r == 0) {
        *quotient = a.lo / b;
        *rest = a.lo % b;
        return ERR_OK;
    }
    for (int i = 127; i >= 0; i--) {
        bool carry = r >> 127 != 0;
        r = r << 1 | (a.lo >> i & 1);
        q <<= 1;
        if (carry || r >= b) {
            r -= b;
            q |= 1;
        }
    }
    *quotient = q;
    *rest = r;
    return ERR_OK;
}

// a / b to the nearest, halves to even.
static errcode_t
wide_round(wide_t a, u128_t b, bool negative, dec_t *out)
{
    u128_t q;
    u128_t r;
    errcode_t rc = wide_div(a, b, &q, &r);

    if (rc != ERR_OK) {
        return rc;
    }
    if (r > b - r || (r == b - r && (q & 1) != 0)) {
        if (++q == 0) {
            return ERR_OVERFLOW;
        }
    }
    return with_sign(q, negative, out);
}

errcode_t
dec_mul(dec_t a, dec_t b, dec_t *out)
{
    return wide_round(
        wide_mul(magnitude(a), magnitude(b)), DEC_ONE, (a < 0) != (b < 0), out);
}

errcode_t
dec_div(dec_t a, dec_t b, dec_t *out)
{
    if (b == 0) {
        return ERR_NOT_FOUND;
    }
    return wide_round(
        wide_mul(magnitude(a), DEC_ONE), magnitude(b), (a < 0) != (b < 0), out);
}

errcode_t
dec_mod(dec_t a, dec_t b, dec_t *out)
{
    if (b == 0) {
        return ERR_NOT_FOUND;
    }
    return with_sign(magnitude(a) % magnitude(b), a < 0, out);
}

errcode_t
dec_floor(dec_t a, dec_t step, dec_t *out)
{
    assert(step > 0);
    dec_t rest = a % step;

    return dec_sub(a, rest < 0 ? rest + step : rest, out);
}

static size_t
put_digits(u128_t v, char *out)
{
    char reversed[DEC_TEXT_MAX];
    size_t n = 0;

    do {
        reversed[n++] = (char)('0' + (int)(v % 10));
        v /= 10;
    } while (v > 0);
    for (size_t i = 0; i < n; i++) {
        out[i] = reversed[n - 1 - i];
    }
    return n;
}

size_t
dec_format(dec_t v, char out[DEC_TEXT_MAX])
{
    u128_t m = magnitude(v);
    uint32_t fraction = (uint32_t)(m % DEC_ONE);
    size_t n = 0;

    if (v < 0) {
        out[n++] = '-';
    }
    n += put_digits(m / DEC_ONE, out + n);
    if (fraction > 0) {
        out[n] = '.';
        for (int i = DEC_DIGITS; i > 0; i--) {
            out[n + (size_t)i] = (char)('0' + (int)(fraction % 10));
            fraction /= 10;
        }
        n += DEC_DIGITS + 1;
        while (out[n - 1] == '0') {
            n--;
        }
    }
    out[n] = '\0';
    return n;
}

static bool
is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

// *v = *v * 10 + digit, false when that leaves 128 bits.
static bool
push_digit(u128_t *v, uint8_t c)
{
    return !__builtin_mul_overflow(*v, (u128_t)10, v) &&
           !__builtin_add_overflow(*v, (u128_t)(c - '0'), v);
}

// The digits from *i on; how many there were is *i's way.
static errcode_t
push_digits(span_t s, size_t *i, u128_t *v)
{
    size_t begin = *i;

    for (; *i < s.len && is_digit(s.p[*i]); (*i)++) {
        if (!push_digit(v, s.p[*i])) {
            return ERR_OVERFLOW;
        }
    }
    return *i > begin ? ERR_OK : ERR_MALFORMED;
}

errcode_t
dec_parse(span_t s, dec_t *out)
{
    bool negative = s.len > 0 && s.p[0] == '-';
    size_t i = negative ? 1 : 0;
    size_t decimals = 0;
    u128_t v = 0;
    errcode_t rc = push_digits(s, &i, &v);

    if (rc == ERR_OK && i < s.len && s.p[i] == '.') {
        size_t begin = ++i;
        rc = push_digits(s, &i, &v);
        decimals = i - begin;
    }
    if (rc != ERR_OK) {
        return rc;
    }
    if (i < s.len || decimals > DEC_DIGITS) {
        return ERR_MALFORMED;
    }
    for (; decimals < DEC_DIGITS; decimals++) {
        if (!push_digit(&v, '0')) {
            return ERR_OVERFLOW;
        }
    }
    return with_sign(v, negative, out);
}

void
dec_sum_add(dec_sum_t *self, dec_t v)
{
    bool carry = __builtin_add_overflow(self->lo, (u128_t)v, &self->lo);

    self->hi += (v < 0 ? -1 : 0) + (carry ? 1 : 0);
}

void
dec_sum_merge(dec_sum_t *self, const dec_sum_t *other)
{
    bool carry = __builtin_add_overflow(self->lo, other->lo, &self->lo);
    uint64_t hi = (uint64_t)self->hi + (uint64_t)other->hi + (carry ? 1 : 0);

    // A peer's partial may hold any 192 bits: wrap here rather than trap, and
    // let the end be judged by dec_sum_value.
    self->hi = (int64_t)hi;
}

errcode_t
dec_sum_value(const dec_sum_t *self, dec_t *out)
{
    dec_t v = (dec_t)self->lo;

    if (self->hi != (v < 0 ? -1 : 0)) {
        return ERR_OVERFLOW;
    }
    *out = v;
    return ERR_OK;
}

errcode_t
dec_sum_avg(const dec_sum_t *self, uint64_t n, dec_t *out)
{
    assert(n > 0);
    bool negative = self->hi < 0;
    u128_t lo = negative ? -self->lo : self->lo;
    uint64_t hi = (uint64_t)self->hi;

    if (negative) {
        hi = ~hi + (self->lo == 0 ? 1 : 0);
    }
    return wide_round((wide_t){hi, lo}, n, negative, out);
}
