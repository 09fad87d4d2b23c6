// SPDX-License-Identifier: Apache-2.0
#include "worker/format/tokens.h"

#include "worker/format/tokens_kinds.h"

typedef struct finder {
    const char *name;
    tokens_find_t *find;
    bool (*runs)(void);
} finder_t;

static bool
always(void)
{
    return true;
}

#if defined(__x86_64__)
static bool
has_avx512(void)
{
    return __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vbmi2") &&
           __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("bmi");
}

static bool
has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
           __builtin_cpu_supports("bmi");
}
#endif

// The fastest first.
static const finder_t finders[] = {
#if defined(__x86_64__)
    {"avx512", tokens_find_avx512, has_avx512},
    {"avx2", tokens_find_avx2, has_avx2},
#endif
#if defined(__SSE2__)
    {"sse2", tokens_find_sse2, always},
#endif
    {"portable", tokens_find_portable, always},
};

#define N_FINDERS (sizeof finders / sizeof *finders)

tokens_find_t *
tokens_finder_at(size_t i)
{
    return i < N_FINDERS && finders[i].runs() ? finders[i].find : NULL;
}

static const finder_t *
best(void)
{
    size_t i = 0;

    while (!finders[i].runs()) {
        i++;
    }
    return &finders[i];
}

tokens_find_t *
tokens_finder(void)
{
    return best()->find;
}

const char *
tokens_finder_name(void)
{
    return best()->name;
}
