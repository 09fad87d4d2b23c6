// SPDX-License-Identifier: Apache-2.0
// The names of the language, and the nearest one to a wrong one.
#include "common/query/parse.h"

#include <string.h>
#include <strings.h>

static const char *const stage_words[] = {
    "where", "let", "top", "bottom", "sort", "head"};
static const char *const word_operators[] = {"and", "or", "not", "in",
    "contains", "startswith", "endswith", "by", "as", "if"};

// The first ones are in the order of agg_func_t. No word is `distinct~`.
#define PER_THOUSAND(n) ((n)*DEC_ONE / 1000)
const agg_info_t agg_infos[] = {{"count", AGG_COUNT, 0, false},
    {"sum", AGG_SUM, 0, false}, {"avg", AGG_AVG, 0, false},
    {"min", AGG_MIN, 0, false}, {"max", AGG_MAX, 0, false},
    {"distinct", AGG_DISTINCT, 0, false},
    {"distinct~", AGG_DISTINCT_ABOUT, 0, false},
    {"quantile", AGG_QUANTILE, 0, false}, {"first", AGG_FIRST, 0, false},
    {"last", AGG_LAST, 0, false},
    {"p50", AGG_QUANTILE, PER_THOUSAND(500), false},
    {"p90", AGG_QUANTILE, PER_THOUSAND(900), false},
    {"p95", AGG_QUANTILE, PER_THOUSAND(950), false},
    {"p99", AGG_QUANTILE, PER_THOUSAND(990), false},
    {"p999", AGG_QUANTILE, PER_THOUSAND(999), false},
    {"hist", AGG_COUNT, 0, true}, {NULL, AGG_COUNT, 0, false}};

static bool
same_word(span_t s, const char *word)
{
    return s.len == strlen(word) &&
           strncasecmp((const char *)s.p, word, s.len) == 0;
}

bool
word_is_reserved(span_t s)
{
    for (size_t i = 0; i < sizeof stage_words / sizeof *stage_words; i++) {
        if (same_word(s, stage_words[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof word_operators / sizeof *word_operators;
         i++) {
        if (same_word(s, word_operators[i])) {
            return true;
        }
    }
    return false;
}

const agg_info_t *
agg_find(span_t s)
{
    for (const agg_info_t *a = agg_infos; a->name != NULL; a++) {
        if (span_is(s, a->name)) {
            return a;
        }
    }
    return NULL;
}

#define WORD_MAX 32

static size_t
min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

// Edits, with a swap of neighbours as one.
static size_t
distance(span_t a, span_t b)
{
    size_t d[WORD_MAX + 1][WORD_MAX + 1];

    for (size_t i = 0; i <= a.len; i++) {
        for (size_t j = 0; j <= b.len; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            bool same = a.p[i - 1] == b.p[j - 1];
            d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1,
                d[i - 1][j - 1] + (same ? 0 : 1));
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
                a.p[i - 2] == b.p[j - 1] && d[i - 2][j - 2] + 1 < d[i][j]) {
                d[i][j] = d[i - 2][j - 2] + 1;
            }
        }
    }
    return d[a.len][b.len];
}

void
guess_try(guess_t *g, span_t c)
{
    if (g->word.len > WORD_MAX || c.len > WORD_MAX || c.len == 0) {
        return;
    }
    size_t d = distance(g->word, c);
    size_t allowed = g->word.len <= 2 ? 1 : g->word.len <= 5 ? 2 : 3;
    if (d <= allowed && d < g->word.len && (g->best == 0 || d < g->best)) {
        g->best = d;
        memcpy(g->found, c.p, c.len);
        g->found[c.len] = '\0';
    }
}

void
guess_fields(guess_t *g)
{
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        guess_try(g, span_str(field_infos[f].name));
        const char *const *a = field_infos[f].aliases;
        for (; a != NULL && *a != NULL; a++) {
            guess_try(g, span_str(*a));
        }
    }
}

void
guess_aggs(guess_t *g)
{
    for (const agg_info_t *a = agg_infos; a->name != NULL; a++) {
        guess_try(g, span_str(a->name));
    }
}

void
guess_stages(guess_t *g)
{
    for (size_t i = 0; i < sizeof stage_words / sizeof *stage_words; i++) {
        guess_try(g, span_str(stage_words[i]));
    }
}

void
guess_funcs(guess_t *g)
{
    for (const func_t *f = func_infos; f->name != NULL; f++) {
        guess_try(g, span_str(f->name));
    }
}
