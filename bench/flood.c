// SPDX-License-Identifier: Apache-2.0
// flood: a million keys whose hashes are all the same, as if somebody knew the
// secret of the process, beside a million that are hashed as usual. Prints
// the median of the ratios of their times.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdbool.h>

static bool flooding;

static unsigned long long
usual_or_flooded(const void *p, size_t len, unsigned long long secret)
{
    return flooding ? secret : XXH3_64bits_withSeed(p, len, secret);
}

#undef XXH3_64bits_withSeed
#define XXH3_64bits_withSeed(p, len, secret) usual_or_flooded(p, len, secret)

#include "common/tally/keytable.c"

#include "bench/meter.h"

#include <stdio.h>

#define KEYS   (1u << 20)
#define ROUNDS 5u
#define BUDGET ((size_t)1 << 30)

static void
find_batch(keytable_t *table, uint64_t first)
{
    char text[TALLY_BATCH][48];
    span_t keys[TALLY_BATCH];
    uint32_t numbers[TALLY_BATCH];

    for (size_t k = 0; k < TALLY_BATCH; k++) {
        uint64_t n = (first + k) * 7368787u % KEYS; // not in order
        int len =
            snprintf(text[k], sizeof text[k], "/shop/item-%08x/offer-%llu",
                (unsigned)(n * 2654435761u), (unsigned long long)n);
        keys[k] = (span_t){(const uint8_t *)text[k], (size_t)len};
    }
    if (keytable_find_batch(table, keys, TALLY_BATCH, numbers) != ERR_OK) {
        abort();
    }
}

// Each key for the first time, and once more.
static double
seconds(bool flooded)
{
    budget_t budget = {.limit = BUDGET};
    keytable_t *table = keytable_new(1, &budget);

    flooding = flooded;
    meter_start();
    for (uint64_t i = 0; i < (uint64_t)2 * KEYS; i += TALLY_BATCH) {
        find_batch(table, i);
    }
    meter_t m = meter_stop();
    if (keytable_count(table) != KEYS || keytable_attacked(table) != flooded) {
        abort();
    }
    keytable_destroy(&table);
    return m.seconds;
}

static int
ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int
main(void)
{
    double ratios[ROUNDS];

    for (unsigned i = 0; i < ROUNDS; i++) {
        double usual = seconds(false);
        ratios[i] = seconds(true) / usual;
    }
    qsort(ratios, ROUNDS, sizeof *ratios, ascending);
    printf("%.3f\n", ratios[ROUNDS / 2]);
    return 0;
}
