// SPDX-License-Identifier: Apache-2.0
#include "worker/scan/needle.h"

#include "worker/scan/needle_kinds.h"

#define SAMPLE ((size_t)16 << 10)

needle_t
needle_new(span_t text)
{
    return (needle_t){text, 0, text.len > 0 ? text.len - 1 : 0, false};
}

// A byte of the needle that is frequent in the log would be found in nearly
// every block.
void
needle_learn(needle_t *self, span_t sample)
{
    uint32_t times[256] = {0};
    size_t n = sample.len < SAMPLE ? sample.len : SAMPLE;
    span_t text = self->text;

    self->learned = true;
    for (size_t i = 0; i < n; i++) {
        times[sample.p[i]]++;
    }
    for (size_t i = 0; i < text.len; i++) {
        self->a = times[text.p[i]] < times[text.p[self->a]] ? i : self->a;
    }
    self->b = self->a > 0 ? 0 : text.len - 1;
    for (size_t i = 0; i < text.len; i++) {
        bool rarer = times[text.p[i]] < times[text.p[self->b]];
        self->b = i != self->a && rarer ? i : self->b;
    }
}

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
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt");
}

static bool
has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("popcnt");
}
#endif

// The fastest first.
static const struct {
    needle_find_t *find;
    bool (*runs)(void);
} finders[] = {
#if defined(__x86_64__)
    {needle_find_avx512, has_avx512},
    {needle_find_avx2, has_avx2},
#endif
#if defined(__SSE2__)
    {needle_find_sse2, always},
#endif
    {needle_find_portable, always},
};

#define N_FINDERS (sizeof finders / sizeof *finders)

needle_find_t *
needle_finder_at(size_t i)
{
    return i < N_FINDERS && finders[i].runs() ? finders[i].find : NULL;
}

const uint8_t *
needle_find(const needle_t *self, const uint8_t *p, const uint8_t *end,
    uint64_t *newlines)
{
    size_t i = 0;

    while (!finders[i].runs()) {
        i++;
    }
    return finders[i].find(self, p, end, newlines);
}
