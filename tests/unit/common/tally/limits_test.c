// SPDX-License-Identifier: Apache-2.0
// The limits of what is counted: at their value, and one past.
#include "common/tally/keytable.h"
#include "common/tally/totals.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

static void
test_a_key(void **state)
{
    tally_budget_t budget = {.limit = 64 << 20};
    keytable_t *table = keytable_new(1, &budget);
    uint8_t *key = xcalloc(1, LIMIT_KEY + 1);
    uint32_t number;

    (void)state;
    CHECK_OK(keytable_find(table, (span_t){key, LIMIT_KEY}, &number));
    CHECK_U64(keytable_count(table), 1);
    CHECK_ERR(keytable_find(table, (span_t){key, LIMIT_KEY + 1}, &number),
        ERR_TOO_LARGE);
    CHECK_U64(keytable_count(table), 1);
    free(key);
    keytable_destroy(&table);
}

// A rejected line is kept up to the limit, not left out.
static void
test_a_sample(void **state)
{
    uint8_t line[LIMIT_SAMPLE + 1];
    totals_t totals = {0};

    (void)state;
    memset(line, 'a', sizeof line);
    totals_sample(&totals, 0, 0, 0, (span_t){line, LIMIT_SAMPLE});
    totals_sample(&totals, 0, 300, 0, (span_t){line, LIMIT_SAMPLE + 1});
    CHECK_U64(totals.n_samples, 2);
    CHECK_U64(totals.samples[0].len, LIMIT_SAMPLE);
    CHECK_U64(totals.samples[1].len, LIMIT_SAMPLE);
    totals_fini(&totals);
}

// What the tables of one executor may take, when nothing else is said.
static void
test_the_budget(void **state)
{
    tally_budget_t budget = {.limit = LIMIT_EXECUTOR_MEMORY};

    (void)state;
    assert_true(budget_take(&budget, LIMIT_EXECUTOR_MEMORY));
    assert_false(budget_take(&budget, 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key),
        cmocka_unit_test(test_a_sample),
        cmocka_unit_test(test_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
