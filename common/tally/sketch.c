// SPDX-License-Identifier: Apache-2.0
#include "common/tally/sketch.h"

#include <assert.h>
#include <pthread.h>

static u128_t bounds[SKETCH_BUCKETS];
static int n_bounds; // bounds[1] is 1; that of the last is above every dec_t
static pthread_once_t bounds_once = PTHREAD_ONCE_INIT;

#define MAGNITUDE_MAX ((u128_t)1 << 127) // of the least dec_t

static void
make_bounds(void)
{
    u128_t b = 1;
    int i = 1;

    for (; b <= MAGNITUDE_MAX; i++) {
        u128_t grown = b + b / 991 * 18 + b % 991 * 18 / 991;
        assert(i < SKETCH_BUCKETS - 1);
        bounds[i] = b;
        b = grown > b + 1 ? grown : b + 1;
    }
    bounds[i] = b;
    n_bounds = i;
}

static u128_t
magnitude(dec_t v)
{
    return v < 0 ? -(u128_t)v : (u128_t)v;
}

int
sketch_bucket(dec_t v)
{
    u128_t m = magnitude(v);
    int low = 0, high;

    pthread_once(&bounds_once, make_bounds);
    for (high = n_bounds; high - low > 1;) {
        int middle = low + (high - low) / 2;
        if (bounds[middle] <= m) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return v < 0 ? -low : low; // bounds[0] is 0
}

bool
sketch_has(int64_t bucket)
{
    pthread_once(&bounds_once, make_bounds);
    return bucket > -n_bounds && bucket < n_bounds;
}

// Half to even.
static u128_t
four_digits(u128_t m)
{
    u128_t unit = 1;

    while (m / unit >= 10000) {
        unit *= 10;
    }
    u128_t kept = m / unit, rest = m % unit;
    bool up = rest * 2 > unit || (rest * 2 == unit && kept % 2 == 1);
    return (kept + (up ? 1 : 0)) * unit;
}

dec_t
sketch_value(int bucket, bool whole)
{
    int i = bucket < 0 ? -bucket : bucket;

    assert(sketch_has(bucket));
    if (bucket == 0) {
        return 0;
    }
    u128_t low = bounds[i], high = bounds[i + 1] - 1;
    if (whole) {
        u128_t first = (low + DEC_ONE - 1) / DEC_ONE * DEC_ONE;
        u128_t last = high / DEC_ONE * DEC_ONE;
        low = first <= last ? first : low; // a peer may name any bucket
        high = first <= last ? last : high;
    }
    u128_t m = four_digits(low + (high - low) / 2);
    m = m > MAGNITUDE_MAX - 1 ? MAGNITUDE_MAX - 1 : m;
    return bucket < 0 ? -(dec_t)m : (dec_t)m;
}

uint64_t
sketch_rank(dec_t quantile, uint64_t n)
{
    return (uint64_t)((u128_t)quantile * (n - 1) / (u128_t)DEC_ONE);
}
