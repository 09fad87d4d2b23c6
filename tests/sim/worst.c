// SPDX-License-Identifier: Apache-2.0
// Which worlds are the worst: those in which the most went wrong, and what
// seldom goes wrong counts for more. An event that comes in one world of a
// thousand is worth a hundred that come in one of ten. That a world is large
// is no trouble, it only takes long.
#include "tests/sim/sim.h"

#include <unistd.h>

typedef struct noted {
    uint64_t seed;
    uint64_t happened; // bit i: event i, at least once
    double score;
} noted_t;

bool
worst_note(int out, const sim_t *s, uint64_t seed)
{
    noted_t n = {.seed = seed};

    _Static_assert(SIM_EVENT_COUNT <= 64, "a bit for each event");
    for (size_t i = 0; i < SIM_EVENT_COUNT; i++) {
        bool bad = s->events[i] > 0 && i != SIM_CROWDS;
        n.happened |= (uint64_t)bad << i;
    }
    return write(out, &n, sizeof n) == sizeof n;
}

static void
give_scores(noted_t *all, size_t n)
{
    uint64_t worlds[SIM_EVENT_COUNT] = {0};

    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < SIM_EVENT_COUNT; i++) {
            worlds[i] += all[k].happened >> i & 1;
        }
    }
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < SIM_EVENT_COUNT; i++) {
            if ((all[k].happened >> i & 1) != 0) {
                all[k].score += (double)n / (double)worlds[i];
            }
        }
    }
}

static int
by_score(const void *a, const void *b)
{
    const noted_t *x = a, *y = b;

    if (x->score != y->score) {
        return x->score < y->score ? 1 : -1;
    }
    return x->seed < y->seed ? -1 : x->seed > y->seed;
}

void
worst_print(int in, size_t most)
{
    off_t bytes = lseek(in, 0, SEEK_END);
    size_t n = (size_t)bytes / sizeof(noted_t);
    noted_t *all = xcalloc(n + 1, sizeof *all);

    if (pread(in, all, (size_t)bytes, 0) == bytes) {
        give_scores(all, n);
        qsort(all, n, sizeof *all, by_score);
        for (size_t k = 0; k < n && k < most; k++) {
            printf("worst %llu\n", (unsigned long long)all[k].seed);
        }
    }
    free(all);
}
