// SPDX-License-Identifier: Apache-2.0
#include "common/query/eval.h"
#include "tests/unit/cmocka_all.h"

#include "common/base/limits.h"

#include <stdio.h>
#include <string.h>

// What the text is to a format that has names of its own.
static void
assert_canonical(const char *text, const char *want)
{
    query_error_t error;
    query_t *q, *again;

    if (query_parse_free(text, &q, &error) != ERR_OK) {
        fail_msg("%s: %s", text, error.message);
    }
    assert_string_equal(q->canonical, want);
    CHECK_OK(query_parse_free(q->canonical, &again, &error));
    assert_string_equal(again->canonical, want);
    query_destroy(&q);
    query_destroy(&again);
}

static void
assert_wrong(const char *text, bool free_names, const char *message)
{
    query_error_t error;
    query_t *q;
    errcode_t rc = free_names ? query_parse_free(text, &q, &error)
                              : query_parse(text, &q, &error);

    assert_int_equal(rc, ERR_QUERY);
    if (strstr(error.message, message) == NULL) {
        fail_msg("%s: %s, not %s", text, error.message, message);
    }
}

static void
test_names_that_are_not_built_in_are_fields(void **state)
{
    (void)state;
    assert_canonical("count by level", "count by level");
    assert_canonical("top kubernetes.pod", "top 10 kubernetes.pod");
    assert_canonical("level = 'error' | count by `user-agent`",
        "level = \"error\" | count by `user-agent`");
    assert_canonical(
        "count by `status`, status as s", "count by `status`, status as s");
    assert_canonical("`a b` > 5 | sum(n) by x:10 | sort -sum(n), x:10",
        "`a b` > 5 | sum(n) by x:10 | sort -sum(n), x:10");
    assert_canonical("count by `user-agent` | sort `user-agent`",
        "count by `user-agent` | sort `user-agent`");
}

static void
test_without_such_a_format_they_are_errors(void **state)
{
    (void)state;
    assert_wrong("count by level", false, "unknown field 'level'");
    assert_wrong("count by `level`", false, "has no field of the name");
    assert_wrong("count by lenn(ip)", true, "unknown function");
    assert_wrong("count by count", true, "aggregate cannot stand here");
    assert_wrong("count by $level", true, "unknown field");
    assert_wrong("count by `level", true, "no end");
    assert_wrong("count by ``", true, "cannot be a name");
    assert_wrong("count by `a\x1b[m`", true, "cannot be a name");
    assert_wrong("count by level | where levle = 'x'", true, "unknown column");
    assert_wrong("level = 1 | let level = 2 | count", true, "has a field");
}

static void
test_wants_decide_what_a_name_is_read_as(void **state)
{
    query_error_t error;
    query_t *q;

    (void)state;
    CHECK_OK(query_parse_free(
        "let d = a + 1 | where b < 5 and -c = 2 | sum(d), min(e), count(f) "
        "by g, h:5, if(i = 'x', j, 1)",
        &q, &error));
    assert_int_equal(q->keys[0].expr->type, TYPE_TEXT);
    assert_int_equal(q->keys[1].expr->type, TYPE_DECIMAL);
    assert_int_equal(q->keys[2].expr->type, TYPE_DECIMAL);
    assert_int_equal(q->aggs[1].arg->type, TYPE_DECIMAL);
    assert_int_equal(q->aggs[2].arg->type, TYPE_TEXT);
    assert_int_equal(q->n_names, 9);
    query_destroy(&q);
}

static void
test_names_are_few_and_short(void **state)
{
    char text[LIMIT_NAME + 64] = "count by ";
    query_error_t error;
    buf_t many = {0};
    query_t *q;

    (void)state;
    memset(text + 9, 'a', LIMIT_NAME);
    CHECK_OK(query_parse_free(text, &q, &error));
    query_destroy(&q);
    strcat(text, "a");
    assert_wrong(text, true, "cannot be a name");
    buf_put_str(&many, "count by x0");
    for (unsigned i = 1; i <= LIMIT_FREE_NAMES; i++) {
        buf_printf(&many, ", x%u", i);
    }
    buf_put_u8(&many, 0);
    assert_wrong((const char *)many.p, true, "too many names");
    buf_fini(&many);
}

static void
own_of_row(void *ctx, size_t name, cell_t *out)
{
    const char *const *texts = ctx;

    *out = (cell_t){.kind = texts[name] != NULL ? CELL_TEXT : CELL_MISSING};
    out->text = texts[name] != NULL ? span_str(texts[name]) : (span_t){0};
}

static void
assert_passes(const char *filter, const char *value, bool want)
{
    const char *texts[1] = {value};
    eval_row_t row = {.ctx = texts, .own = own_of_row};
    query_error_t error;
    eval_t *eval;
    query_t *q;
    bool got;

    CHECK_OK(query_parse_free(filter, &q, &error));
    CHECK_OK(eval_new(q, &eval));
    CHECK_OK(eval_filter(eval, q->filter, &row, &got));
    if (got != want) {
        fail_msg("%s of %s", filter, value);
    }
    eval_destroy(&eval);
    query_destroy(&q);
}

static void
test_values_are_compared_as_what_is_wanted(void **state)
{
    (void)state;
    assert_passes("x = 10", "10.0", true);
    assert_passes("x = '10'", "10.0", false);
    assert_passes("x > 9", "10", true);
    assert_passes("x > '9'", "10", false);
    assert_passes("x > 9", "ten", false);
    assert_passes("x != 9", "ten", false);
    assert_passes("x in (1, 2)", "2", true);
    assert_passes("x in ('1', '2')", "2", true);
    assert_passes("x in 1..3", "2.5", true);
    assert_passes("x < 1.5s", "1", true);
    assert_passes("hour(x) = 22", "2023-11-14T22:00:00Z", true);
    assert_passes("x contains 'b'", "abc", true);
    assert_passes("x != 'a'", NULL, false);
    assert_passes("x in 10.0.0.0/8", "10.1.2.3", true);
}

static void
assert_number(const char *text, const char *want)
{
    char got[DEC_TEXT_MAX] = "none";
    dec_t v;

    if (number_read(span_str(text), &v)) {
        dec_format(v, got);
    }
    if (strcmp(got, want) != 0) {
        fail_msg("%s is %s, not %s", text, got, want);
    }
}

static void
test_numbers_are_read_as_json_writes_them(void **state)
{
    (void)state;
    assert_number("12.5", "12.5");
    assert_number("-1.5e3", "-1500");
    assert_number("2.701E-6", "0.000002701");
    assert_number("0.00000000050", "0");
    assert_number("0.00000000051", "0.000000001");
    assert_number("0.0000000015", "0.000000002");
    assert_number("0.0000000025", "0.000000002");
    assert_number(
        "0.00000000250000000000000000000000000000000000001", "0.000000003");
    assert_number("1646861401.52410240000", "1646861401.5241024");
    assert_number("1e28", "10000000000000000000000000000");
    assert_number("1e-999999999999", "0");
    static const char *const none[] = {"", "-", "e5", "1e", "1e+", "1.", ".5",
        "1x", "1e5x", "0x10", "1e999", "1e999999999999", "+1", " 1", "NaN",
        "170141183460469231731687303716"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_number(none[i], "none");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_that_are_not_built_in_are_fields),
        cmocka_unit_test(test_without_such_a_format_they_are_errors),
        cmocka_unit_test(test_wants_decide_what_a_name_is_read_as),
        cmocka_unit_test(test_names_are_few_and_short),
        cmocka_unit_test(test_values_are_compared_as_what_is_wanted),
        cmocka_unit_test(test_numbers_are_read_as_json_writes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
