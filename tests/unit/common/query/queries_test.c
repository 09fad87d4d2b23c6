// SPDX-License-Identifier: Apache-2.0
#include "common/query/queries.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

static queries_t *
parse(const char *text)
{
    query_error_t error;
    queries_t *q;

    if (queries_parse(text, &q, &error) != ERR_OK) {
        fail_msg("%s: %s", text, error.message);
    }
    return q;
}

static void
test_one_query_has_no_name(void **state)
{
    queries_t *q = parse("404|top path");

    (void)state;
    CHECK_U64(q->n, 1);
    assert_null(q->list[0].name);
    assert_string_equal(q->canonical, "status = 404 | top 10 path");
    queries_destroy(&q);
}

static void
test_lines_have_names_and_read_together(void **state)
{
    queries_t *q = parse("a: count by x.y\nb-2: 5xx|count by status, `q r`\n"
                         "c: sum(x.y) if(path = \"a\\nb: count\")");

    (void)state;
    CHECK_U64(q->n, 3);
    assert_string_equal(q->list[1].name, "b-2");
    assert_string_equal(q->canonical,
        "a: count by x.y\nb-2: 5xx | count by status, `q r`\n"
        "c: sum(x.y) if(path = \"a\\nb: count\")");
    CHECK_U64(q->reads.n_names, 2);
    assert_true(q->reads.fields == ((1u << FIELD_STATUS) | (1u << FIELD_PATH)));
    queries_t *again = parse(q->canonical);
    assert_string_equal(again->canonical, q->canonical);
    queries_destroy(&again);
    queries_destroy(&q);
}

static void
test_only_one_query_lets_lines_be_skipped(void **state)
{
    queries_t *one = parse("\"bot\" | count");
    queries_t *named = parse("a: \"bot\" | count");
    queries_t *two = parse("a: \"bot\" | count\nb: \"bot\" | count by ip");

    (void)state;
    assert_true(span_is(queries_literal(one), "bot"));
    assert_true(span_is(queries_literal(named), "bot"));
    assert_null(queries_literal(two).p);
    queries_destroy(&one);
    queries_destroy(&named);
    queries_destroy(&two);
}

static void
check_refused(const char *text, const char *message)
{
    query_error_t error;
    queries_t *q;

    CHECK_ERR(queries_parse(text, &q, &error), ERR_QUERY);
    assert_null(q);
    if (strstr(error.message, message) == NULL) {
        fail_msg("%s: %s", text, error.message);
    }
}

static void
test_what_cannot_be_is_refused(void **state)
{
    (void)state;
    check_refused("", "empty");
    check_refused("a: count\ncount", "NAME: QUERY");
    check_refused("a: count\n\nb: count", "NAME: QUERY");
    check_refused("a: count\na: count", "one name");
    check_refused("a: count\nb: path > 3", "b: ");
    check_refused("count\na: count", "");
    check_refused("1a: count", "");
    check_refused("a:count", "");
}

static void
test_limits(void **state)
{
    buf_t text = {0};

    (void)state;
    for (unsigned i = 0; i < LIMIT_QUERIES; i++) {
        buf_printf(&text, "%sq%u: count", i > 0 ? "\n" : "", i);
    }
    buf_put_u8(&text, 0);
    queries_t *q = parse((const char *)text.p);
    CHECK_U64(q->n, LIMIT_QUERIES);
    queries_destroy(&q);
    text.len--;
    buf_put(&text, "\nmore: count", 13);
    check_refused((const char *)text.p, "too many queries");

    buf_clear(&text);
    for (unsigned i = 0; i <= LIMIT_FREE_NAMES; i += 11) {
        buf_printf(&text, "%sq%u: count by own%u", i > 0 ? "\n" : "", i, i);
        for (unsigned k = 1; k < 11; k++) {
            buf_printf(&text, ", own%u", i + k);
        }
    }
    buf_put_u8(&text, 0);
    check_refused((const char *)text.p, "too many names");

    char *longest = xmalloc(LIMIT_QUERY_TEXT + 2);
    memset(longest, ' ', LIMIT_QUERY_TEXT + 2);
    memcpy(longest, "a: count", 8);
    longest[LIMIT_QUERY_TEXT + 1] = '\0';
    check_refused(longest, "too long");
    longest[LIMIT_QUERY_TEXT] = '\0';
    q = parse(longest);
    queries_destroy(&q);
    free(longest);
    buf_fini(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_query_has_no_name),
        cmocka_unit_test(test_lines_have_names_and_read_together),
        cmocka_unit_test(test_only_one_query_lets_lines_be_skipped),
        cmocka_unit_test(test_what_cannot_be_is_refused),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
