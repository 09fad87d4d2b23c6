// SPDX-License-Identifier: Apache-2.0
// The limits of what is counted: at their value, and one past.
#include "common/tally/keytable.h"
#include "common/tally/partial.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

static bool
takes_key(uint64_t len)
{
    budget_t budget = {.limit = 64 << 20};
    keytable_t *table = keytable_new(1, &budget);
    uint8_t *key = xcalloc(1, len);
    uint32_t number;
    errcode_t rc = keytable_find(table, (span_t){key, len}, &number);

    assert_true(rc == ERR_OK || rc == ERR_TOO_LARGE);
    CHECK_U64(keytable_count(table), rc == ERR_OK);
    free(key);
    keytable_destroy(&table);
    return rc == ERR_OK;
}

// A rejected line is kept up to the limit, not left out.
static bool
keeps_line(uint64_t len)
{
    uint8_t line[LIMIT_SAMPLE + 1];
    totals_t totals = {0};

    memset(line, 'a', sizeof line);
    totals_sample(&totals, 0, 0, 0, (span_t){line, len});
    CHECK_U64(totals.n_samples, 1);
    assert_true(totals.samples[0].len <= LIMIT_SAMPLE);
    bool whole = totals.samples[0].len == len;
    totals_fini(&totals);
    return whole;
}

// The first of them.
static bool
keeps_lines(uint64_t n)
{
    totals_t totals = {0};

    for (uint64_t i = 0; i < n; i++) {
        totals_sample(&totals, 7, i, 0, SPAN_LIT("a"));
    }
    bool all = totals.n_samples == n;
    CHECK_U64(
        totals.samples[totals.n_samples - 1].offset, totals.n_samples - 1);
    totals_fini(&totals);
    return all;
}

static bool
keeps_files(uint64_t n)
{
    totals_t totals = {0};

    for (uint64_t i = 0; i < n; i++) {
        totals_sample(&totals, (uint32_t)i, 0, 0, SPAN_LIT("a"));
    }
    bool all = totals.n_samples == n;
    totals_fini(&totals);
    return all;
}

// What the tables of one executor may take, when nothing else is said.
static bool
takes_memory(uint64_t bytes)
{
    budget_t budget = {.limit = LIMIT_EXECUTOR_MEMORY};

    return budget_take(&budget, bytes);
}

// Files that a partial tells of.
static bool
takes_files(uint64_t n)
{
    query_t *query;
    query_error_t error;
    totals_t totals = {0}, back = {0};
    buf_t bytes = {0};

    CHECK_OK(query_parse("count", &query, &error));
    tally_t *tally = tally_new(query, 1 << 20);
    for (uint64_t i = 0; i < n; i++) {
        file_total_t *f = totals_file(&totals, (uint32_t)i);
        f->bytes = f->lines = f->accepted = 1;
    }
    totals.bytes = totals.lines = totals.accepted = n;
    CHECK_OK(partial_encode(tally, &totals, &bytes));
    errcode_t rc =
        partial_check(buf_span(&bytes), (uint32_t)n, query, NULL, &back);
    assert_true(rc == ERR_OK || rc == ERR_TOO_LARGE);
    totals_fini(&totals);
    totals_fini(&back);
    tally_destroy(&tally);
    query_destroy(&query);
    buf_fini(&bytes);
    return rc == ERR_OK;
}

static void
test_limits(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_KEY, takes_key);
    CHECK_LIMIT(LIMIT_SAMPLE, keeps_line);
    CHECK_LIMIT(LIMIT_SAMPLES, keeps_lines);
    CHECK_LIMIT(LIMIT_SAMPLE_FILES, keeps_files);
    CHECK_LIMIT(LIMIT_EXECUTOR_MEMORY, takes_memory);
    CHECK_LIMIT(LIMIT_SHARD_RANGES, takes_files);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
