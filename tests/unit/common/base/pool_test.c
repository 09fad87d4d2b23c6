// SPDX-License-Identifier: Apache-2.0
#include "common/base/pool.h"

#include "common/base/errcode.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

#define TASKS 100u

typedef struct sums {
    unsigned runs[TASKS];
    unsigned long long sum[TASKS];
} sums_t;

static void
add_up(void *ctx, size_t i)
{
    sums_t *sums = ctx;

    sums->runs[i]++;
    for (size_t k = 0; k < i * 100; k++) {
        sums->sum[i] += k;
    }
}

static void
check_all(pool_t *pool)
{
    for (size_t n = 0; n <= TASKS; n += n < 5 ? 1 : 19) {
        sums_t sums = {0};
        pool_run(pool, add_up, &sums, n);
        for (size_t i = 0; i < TASKS; i++) {
            CHECK_U64(sums.runs[i], i < n ? 1 : 0);
            CHECK_U64(
                sums.sum[i], i < n && i > 0 ? i * 100 * (i * 100 - 1) / 2 : 0);
        }
    }
}

static void
test_every_task_runs_once_and_is_waited_for(void **state)
{
    (void)state;
    for (unsigned threads = 0; threads < 6; threads++) {
        pool_t *pool = pool_new(threads);
        for (int again = 0; again < 50; again++) {
            check_all(pool);
        }
        pool_destroy(&pool);
        assert_null(pool);
        pool_destroy(&pool);
    }
}

static void
test_without_a_pool_the_caller_works(void **state)
{
    (void)state;
    check_all(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_task_runs_once_and_is_waited_for),
        cmocka_unit_test(test_without_a_pool_the_caller_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
