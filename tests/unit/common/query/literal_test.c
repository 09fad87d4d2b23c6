// SPDX-License-Identifier: Apache-2.0
#include "common/query/query.h"

#include "tests/unit/cmocka_all.h"

static void
check_literal(const char *text, const char *literal)
{
    query_error_t error;
    query_t *q;

    CHECK_OK(query_parse(text, &q, &error));
    span_t found = query_literal(q);
    if (literal == NULL) {
        assert_null(found.p);
    } else {
        assert_true(span_is(found, literal));
    }
    query_destroy(&q);
}

static void
test_what_every_passing_line_must_contain(void **state)
{
    (void)state;
    check_literal("\"bot\" | count", "bot");
    check_literal("\"bot\" 404 ua contains 'Googlebot' | count", "Googlebot");
    check_literal("path = '/a' | count", "/a");
    check_literal("'/a' = path | count", "/a");
    check_literal("ext(path) = 'php' | count", "php");
    check_literal("segment(extract(url, '(.*)'), 2) = 'abc' | count", "abc");
    check_literal("ip = 192.0.2.7 | count", "192.0.2.7");
    check_literal(
        "path startswith '/x' and path endswith '.php' | count", ".php");
    check_literal("path ~ '^/abc[0-9]+' | count", "/abc");
    check_literal("'/ab' path ~ 'x[.]php$' | count", "x.php");
    check_literal("segment(path, 2) ~ '^abc' | count", "abc");
}

// A line may pass without any of these.
static void
test_what_a_passing_line_may_lack(void **state)
{
    (void)state;
    check_literal("count", NULL);
    check_literal("404 | count", NULL);
    check_literal("'a' or 'b' | count", NULL);
    check_literal("not 'a' | count", NULL);
    check_literal("path != '/a' | count", NULL);
    check_literal("path ~ 'ab' | count", NULL); // not worth it
    check_literal("path ~ 'abc|bcd' | count", NULL);
    check_literal("path !~ 'abc' | count", NULL);
    check_literal("not path ~ 'abc' | count", NULL);
    check_literal("path ~ 'abc' or 404 | count", NULL);
    check_literal("lower(path) ~ 'abc' | count", NULL);
    check_literal("file ~ 'abc' | count", NULL);
    check_literal("ext(file) = 'php' | count", NULL);
    check_literal("lower(path) = '/abc' | count", NULL);
    check_literal("urlhost(referer) = 'abc' | count", NULL);
    check_literal("if(404, path, url) = 'abc' | count", NULL);
    check_literal("host = 'web1' | count", NULL);
    check_literal("file contains 'access' | count", NULL);
    check_literal("path in ('/a', '/b') | count", NULL);
    check_literal("time = '2023-11-14' | count", NULL);
    check_literal("'' | count", NULL);
    check_literal("'a\\nb' | count", NULL);
    check_literal("'a\\r' | count", NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_every_passing_line_must_contain),
        cmocka_unit_test(test_what_a_passing_line_may_lack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
