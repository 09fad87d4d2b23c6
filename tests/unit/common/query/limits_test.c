// SPDX-License-Identifier: Apache-2.0
// The limits of a query: each is parsed at its value, and refused one past.
#include "common/query/queries.h"
#include "common/query/query.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/limits.h"

#include <string.h>

// Takes the text.
static bool
parses(buf_t *text)
{
    query_error_t error;
    query_t *q = NULL;

    buf_put_u8(text, 0);
    errcode_t rc = query_parse_free((const char *)text->p, &q, &error);
    assert_true(rc == ERR_OK || rc == ERR_QUERY);
    query_destroy(&q);
    buf_fini(text);
    return rc == ERR_OK;
}

static bool
with_set(uint64_t n)
{
    buf_t text = {0};

    buf_put_str(&text, "status in (1");
    for (uint64_t i = 2; i <= n; i++) {
        buf_printf(&text, ",%u", (unsigned)i);
    }
    buf_put_str(&text, ")");
    return parses(&text);
}

static bool
with_stages(uint64_t n)
{
    buf_t text = {0};

    buf_put_str(&text, "count by status");
    for (uint64_t i = 1; i < n; i++) {
        buf_put_str(&text, " | head 5");
    }
    return parses(&text);
}

static bool
with_columns(uint64_t n)
{
    buf_t text = {0};

    buf_put_str(&text, "count as c1");
    for (uint64_t i = 2; i <= n; i++) {
        buf_printf(&text, ", count as c%u", (unsigned)i);
    }
    return parses(&text);
}

// The filter itself is the first level.
static bool
with_nots(uint64_t n)
{
    buf_t text = {0};

    for (uint64_t i = 1; i < n; i++) {
        buf_put_str(&text, "not ");
    }
    buf_put_str(&text, "status = 200");
    return parses(&text);
}

// A call is a level, and so is what is in it.
static bool
with_parentheses(uint64_t n)
{
    buf_t text = {0};

    buf_put_str(&text, "sum(");
    for (uint64_t i = 1; i < n; i++) {
        buf_put_str(&text, "(");
    }
    buf_put_str(&text, "bytes");
    for (uint64_t i = 0; i < n; i++) {
        buf_put_str(&text, ")");
    }
    return parses(&text);
}

static bool
with_blanks(uint64_t n)
{
    buf_t text = {0};

    buf_put_str(&text, "count");
    while (text.len < n) {
        buf_put_u8(&text, ' ');
    }
    return parses(&text);
}

static bool
with_name(uint64_t n)
{
    buf_t text = {0};

    buf_put_str(&text, "count by ");
    for (uint64_t i = 0; i < n; i++) {
        buf_put_u8(&text, 'a');
    }
    return parses(&text);
}

static bool
with_names(uint64_t n)
{
    buf_t text = {0};

    buf_put_str(&text, "count by x1");
    for (uint64_t i = 2; i <= n; i++) {
        buf_printf(&text, ", x%u", (unsigned)i);
    }
    return parses(&text);
}

static bool
with_queries(uint64_t n)
{
    query_error_t error;
    queries_t *q = NULL;
    buf_t text = {0};

    for (uint64_t i = 0; i < n; i++) {
        buf_printf(&text, "q%u: count\n", (unsigned)i);
    }
    buf_put_u8(&text, 0);
    errcode_t rc = queries_parse((const char *)text.p, &q, &error);
    assert_true(rc == ERR_OK || rc == ERR_QUERY);
    queries_destroy(&q);
    buf_fini(&text);
    return rc == ERR_OK;
}

static void
test_limits(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_SET_ITEMS, with_set);
    CHECK_LIMIT(LIMIT_QUERY_STAGES, with_stages);
    CHECK_LIMIT(LIMIT_QUERY_COLUMNS, with_columns);
    CHECK_LIMIT(LIMIT_QUERY_DEPTH, with_nots);
    CHECK_LIMIT(LIMIT_QUERY_DEPTH, with_parentheses);
    CHECK_LIMIT(LIMIT_QUERY_TEXT, with_blanks);
    CHECK_LIMIT(LIMIT_NAME, with_name);
    CHECK_LIMIT(LIMIT_FREE_NAMES, with_names);
    CHECK_LIMIT(LIMIT_QUERIES, with_queries);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
