// SPDX-License-Identifier: Apache-2.0
#include "common/tally/registers.h"

#include <math.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define INDEX_BITS 14u
#define REGISTERS  (REGISTERS_BLOCKS * REGISTERS_BLOCK)

registers_place_t
registers_place(span_t value)
{
    uint64_t hash = XXH3_64bits(value.p, value.len);
    unsigned index = (unsigned)(hash >> (64 - INDEX_BITS));
    // A one behind the last bit ends the run of zeros.
    uint64_t rest = hash << INDEX_BITS | 1ull << (INDEX_BITS - 1);

    return (registers_place_t){(uint8_t)(index / REGISTERS_BLOCK),
        (uint8_t)(index % REGISTERS_BLOCK),
        (uint8_t)(__builtin_clzll(rest) + 1)};
}

// Sum of x^(2^k) * 2^(k-1), and x; x below 1.
static double
sigma(double x)
{
    double y = 1, sum = x, before;

    do {
        x *= x;
        before = sum;
        sum += x * y;
        y += y;
    } while (sum > before);
    return sum;
}

static double
tau(double x)
{
    double y = 1, sum = 1 - x, before;

    if (x <= 0 || x >= 1) {
        return 0;
    }
    do {
        x = sqrt(x);
        before = sum;
        y *= 0.5;
        sum -= (1 - x) * (1 - x) * y;
    } while (sum < before);
    return sum / 3;
}

uint64_t
registers_estimate(const uint32_t counts[REGISTERS_RANKS])
{
    const double m = REGISTERS, alpha = 0.72134752044448170368; // 1/(2 ln 2)
    double z = m * tau(1 - counts[REGISTERS_RANKS - 1] / m);

    if (counts[0] >= REGISTERS) {
        return 0;
    }
    for (unsigned k = REGISTERS_RANKS - 2; k > 0; k--) {
        z = 0.5 * (z + counts[k]);
    }
    z += m * sigma(counts[0] / m);
    double estimate = rint(alpha * m * m / z);
    // All registers full: more than any log has.
    return estimate < 1e18 ? (uint64_t)estimate : (uint64_t)1e18;
}
