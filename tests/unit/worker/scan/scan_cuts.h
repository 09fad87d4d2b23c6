// SPDX-License-Identifier: Apache-2.0
// What several shards of a log make together.
#ifndef LOGTALLY_TESTS_UNIT_WORKER_SCAN_SCAN_CUTS_H
#define LOGTALLY_TESTS_UNIT_WORKER_SCAN_SCAN_CUTS_H

#include "tests/unit/worker/scan/scan_made.h"

typedef struct merged {
    query_t *query;
    tally_t *tally;
    totals_t totals;
} merged_t;

static inline void
merged_init(merged_t *m, const char *query)
{
    query_error_t error;

    *m = (merged_t){0};
    CHECK_OK(query_parse_free(query, &m->query, &error));
    m->tally = tally_new(m->query, BUDGET);
}

static inline void
merged_add(merged_t *m, const char *format, const scan_range_t *ranges,
    size_t n, const char *query)
{
    buf_t partial = {0};
    scan_error_t error;

    CHECK_OK(scan(query, format, ranges, n, &partial, &error));
    CHECK_OK(partial_merge(buf_span(&partial), 4, m->tally, &m->totals));
    buf_fini(&partial);
}

static inline void
merged_end(merged_t *m, buf_t *out)
{
    CHECK_OK(partial_encode(m->tally, &m->totals, out));
    totals_fini(&m->totals);
    tally_destroy(&m->tally);
    query_destroy(&m->query);
}

// The whole in one piece. Its totals are left in *totals.
static inline void
scan_whole(const char *query, const char *format, const scan_range_t *range,
    totals_t *totals, buf_t *out)
{
    merged_t m;

    merged_init(&m, query);
    merged_add(&m, format, range, 1, query);
    if (totals != NULL) {
        *totals = m.totals;
        totals->samples = NULL;
        totals->files = NULL;
        totals->n_samples = totals->n_files = totals->cap_files = 0;
    }
    merged_end(&m, out);
}

// One shard per step bytes; every third shard has two ranges.
static inline void
scan_cut(const char *query, const char *format, const scan_range_t *whole,
    uint64_t step, buf_t *out)
{
    merged_t m;
    uint64_t at = 0;

    merged_init(&m, query);
    for (unsigned i = 0; at < whole->size; i++) {
        scan_range_t ranges[2] = {*whole, *whole};
        size_t n = i % 3 == 2 ? 2 : 1;
        for (size_t r = 0; r < n; r++) {
            ranges[r].begin = at;
            at = whole->size - at < step ? whole->size : at + step;
            ranges[r].end = at;
        }
        merged_add(&m, format, ranges, n, query);
    }
    merged_end(&m, out);
}

static inline void
check_cuts(const char *query, const char *format, span_t text,
    const uint64_t *steps, size_t n)
{
    int fd = file_of(text);
    scan_range_t range = range_of(fd, text.len);
    buf_t whole = {0};

    scan_whole(query, format, &range, NULL, &whole);
    for (size_t i = 0; i < n; i++) {
        buf_t cut = {0};
        scan_cut(query, format, &range, steps[i], &cut);
        assert_true(span_eq(buf_span(&whole), buf_span(&cut)));
        buf_fini(&cut);
    }
    buf_fini(&whole);
    close(fd);
}

#endif
