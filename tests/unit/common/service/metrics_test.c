// SPDX-License-Identifier: Apache-2.0
#include "common/service/metrics.h"

#include "tests/unit/cmocka_all.h"

static void
check(buf_t *got, const char *want)
{
    buf_put_u8(got, '\0');
    assert_string_equal((const char *)got->p, want);
    buf_fini(got);
}

static void
test_a_family_of_one(void **state)
{
    buf_t got = {0};

    (void)state;
    metrics_one(
        &got, "logtally_jobs_total", METRIC_COUNTER, "Jobs taken.", UINT64_MAX);
    check(&got, "# HELP logtally_jobs_total Jobs taken.\n"
                "# TYPE logtally_jobs_total counter\n"
                "logtally_jobs_total 18446744073709551615\n");
}

static void
test_labels_are_quoted(void **state)
{
    buf_t got = {0};

    (void)state;
    metrics_family(&got, "a", METRIC_GAUGE, "b");
    metrics_value(&got, "a", "x", "plain", 1);
    metrics_value(&got, "a", "x", "q\"b\\s\nn", 0);
    metrics_value(&got, "a", "x", "", 2);
    check(&got, "# HELP a b\n# TYPE a gauge\na{x=\"plain\"} 1\n"
                "a{x=\"q\\\"b\\\\s\\nn\"} 0\na{x=\"\"} 2\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_family_of_one),
        cmocka_unit_test(test_labels_are_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
