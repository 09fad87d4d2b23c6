// SPDX-License-Identifier: Apache-2.0
#include "common/query/query.h"

#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

static query_t *
parse(const char *text)
{
    query_error_t error;
    query_t *q;

    if (query_parse(text, &q, &error) != ERR_OK) {
        buf_t shown = {0};
        query_error_print(&error, text, &shown);
        buf_put_u8(&shown, 0);
        print_error("%s", (char *)shown.p);
        buf_fini(&shown);
    }
    assert_non_null(q);
    return q;
}

// text -> canonical; the canonical text is its own canonical text.
static void
check_canonical(const char *text, const char *canonical)
{
    query_t *q = parse(text);
    assert_string_equal(q->canonical, canonical);
    query_t *again = parse(q->canonical);
    assert_string_equal(again->canonical, canonical);
    query_destroy(&again);
    query_destroy(&q);
}

static void
check_error(const char *text, const char *shown)
{
    query_error_t error;
    query_t *q;
    buf_t out = {0};

    assert_int_equal(query_parse(text, &q, &error), ERR_QUERY);
    assert_null(q);
    query_error_print(&error, text, &out);
    buf_put_u8(&out, 0);
    assert_string_equal((char *)out.p, shown);
    buf_fini(&out);
}

static void
test_spellings_have_one_canonical_text(void **state)
{
    static const char *const pairs[][2] = {
        {"count", "count"},
        {"count by status", "count by status"},
        {"top ip", "top 10 ip"},
        {"count by segment( path,2 ),hour($time_local):6",
            "count by segment(path, 2), hour(time):6"},
        {"if(5xx or 404, 'a' ,ip) = 'a' if(404,1,2) = 1",
            "if(5xx or status = 404, \"a\", ip) = \"a\" and "
            "if(status = 404, 1, 2) = 1 | count"},
        {"count by extract(ua,'(a\\.\"b)') | let l = "
         "len(extract(ua, '(a\\.\"b)')) | where len(\"x\") > l",
            "count by extract(ua, \"(a\\.\\\"b)\") | let l = "
            "len(extract(ua, \"(a\\.\\\"b)\")) | where len(\"x\") > l"},
        {"let h = urlhost(referer) | count by h, lower(h), weekday(time) as "
         "hour | where hour > 5 | let x = if(h = 'a' and hour in 1..2, 1, 0.5)",
            "let h = urlhost(referer) | count by h, lower(h), weekday(time) "
            "as hour | where hour > 5 | let x = if(h = \"a\" and hour in "
            "1..2, 1, 0.5)"},
        {"404 | top 20 path, referer", "status = 404 | top 20 path, referer"},
        {"count by time:5m, status/100", "count by time:5m, status / 100"},
        {"sum(bytes) by vhost", "sum(bytes) by vhost"},
        {"ua contains \"bot\" | top ua", "ua contains \"bot\" | top 10 ua"},
        {"count, count if(5xx) as err by host | let rate = err/count | sort "
         "-rate",
            "count, count if(5xx) as err by host | let rate = err / count | "
            "sort -rate"},
        {"5xx | top 10 path by host, time:1h",
            "5xx | top 10 path by host, time:1h"},
        {"404", "status = 404 | count"},
        {"$status >= 500 sc-bytes > 10KB", NULL},
        {"$remote_addr in 10.1.2.3/8 | count by c-ip:/24",
            "ip in 10.0.0.0/8 | count by ip:/24"},
        {"'a' 5xx or not ('b' or 4xx)",
            "\"a\" and 5xx or not (\"b\" or 4xx) | count"},
        {"where 404 | let x = bytes / 2 | where x*2 > 3 | sum(x) by x:10KB",
            "let x = bytes / 2 | where status = 404 and x * 2 > 3 | sum(x) by "
            "x:10KB"},
        {"time >= '2023-11-14' | count by time:3600s",
            "time >= \"2023-11-14T00:00:00Z\" | count by time:1h"},
        {"path ~ \"\\.php$\" | count", "path ~ \"\\.php$\" | count"},
        {"status in (404, 200, 404) | count", "status in (200, 404) | count"},
        {"status in 200..299 | avg(bytes), min(bytes)",
            "status in 200..299 | avg(bytes), min(bytes)"},
        {"count | where count > 3", "count | where count > 3"},
        {"sum(bytes) by path | sort -sum(bytes), path | head 5",
            "sum(bytes) by path | sort -sum(bytes), path | head 5"},
        {"bottom 3 status by host", "bottom 3 status by host"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (pairs[i][1] != NULL) {
            check_canonical(pairs[i][0], pairs[i][1]);
        }
    }
}

static void
test_a_mistake_is_marked(void **state)
{
    (void)state;
    check_error("stauts >= 500 | top path",
        "error: unknown field 'stauts'\n"
        "  stauts >= 500 | top path\n"
        "  ^^^^^^ did you mean 'status'?\n");
    check_error("count by", "error: expected a value, but the query ends\n"
                            "  count by\n"
                            "          ^\n");
    check_error("count | sort -rate", "error: unknown column 'rate'\n"
                                      "  count | sort -rate\n"
                                      "                ^^^^\n");
    check_error("", "error: the query is empty\n  \n  ^\n");
    check_error("path ~ \"(\"",
        "error: invalid regex: missing closing parenthesis\n"
        "  path ~ \"(\"\n"
        "           ^\n");
}

static void
test_what_cannot_be_is_an_error(void **state)
{
    static const char *const texts[] = {"status = \"a\"", "path > 3",
        "sum(path)", "count by path:1h", "count by ip:/129", "count by time:3",
        "count | count", "sort ip", "count, count", "count by status, status",
        "count by time:0s", "time + time = 3", "-path = 3", "ip in 1.2.3.4/40",
        "count(", "avg", "(((", "status in (", "count as by", "let = 3 | count",
        "let ip = 3 | count", "count | let count = 3", "top 5", "head 3",
        "count | head -1", "count | where \"x\"", "'open", "5x", "1.2345678901",
        "10QB = bytes", "distinct", "lower(bytes) = 'x'", "status", "p50(path)",
        "hist(path, 3)", "hist(bytes)", "quantile(bytes)", "quantile(bytes, 2)",
        "hist(bytes, 1), hist(status, 1)", "hist(bytes, 1) by ip as bucket",
        "first", "9999999999999999999999999999999999999999 = status"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        query_error_t error;
        query_t *q;
        assert_int_equal(query_parse(texts[i], &q, &error), ERR_QUERY);
        assert_true(error.message[0] != '\0');
        assert_true(
            error.begin <= error.end && error.end <= strlen(texts[i]) + 1);
    }
}

static void
test_columns_are_keys_then_aggregates_then_lets(void **state)
{
    static const char *const names[] = {
        "time:1h", "h", "count", "sum(bytes) if(5xx)", "x"};
    static const type_t types[] = {
        TYPE_TIME, TYPE_TEXT, TYPE_INTEGER, TYPE_SIZE, TYPE_DECIMAL};
    query_t *q = parse("count, sum(bytes) if(5xx) by time:1h, host as h | "
                       "let x = sum(bytes) if(5xx) / count");

    (void)state;
    assert_int_equal(q->n_columns, 5);
    for (size_t i = 0; i < q->n_columns; i++) {
        assert_string_equal(q->columns[i].name, names[i]);
        assert_int_equal(q->columns[i].type, types[i]);
    }
    assert_int_equal(q->fields, 1u << FIELD_TIME | 1u << FIELD_HOST |
                                    1u << FIELD_BYTES | 1u << FIELD_STATUS);
    query_destroy(&q);
}

static void
test_default_order_is_time_then_count_then_keys(void **state)
{
    query_t *q = parse("count by path, time:1h, ip");

    (void)state;
    assert_int_equal(q->n_order, 4);
    assert_int_equal(q->order[0].column, 1);
    assert_false(q->order[0].descending);
    assert_int_equal(q->order[1].column, 3);
    assert_true(q->order[1].descending);
    assert_int_equal(q->order[2].column, 0);
    assert_int_equal(q->order[3].column, 2);
    query_destroy(&q);
}

static void
test_depth_is_bounded(void **state)
{
    char text[8192];
    query_error_t error;
    query_t *q;

    (void)state;
    memset(text, '(', 4000);
    strcpy(text + 4000, "404");
    assert_int_equal(query_parse(text, &q, &error), ERR_QUERY);
    memset(text, '-', 4000);
    strcpy(text + 4000, "1 = status");
    assert_int_equal(query_parse(text, &q, &error), ERR_QUERY);
    strcpy(text, "");
    for (int i = 0; i < 1000; i++) {
        strcat(text, "not ");
    }
    strcat(text, "404");
    assert_int_equal(query_parse(text, &q, &error), ERR_QUERY);
}

static void
test_a_wrong_call_is_marked(void **state)
{
    (void)state;
    check_error("count by lwer(path)",
        "error: unknown function 'lwer'\n"
        "  count by lwer(path)\n"
        "           ^^^^ did you mean 'lower'?\n");
    check_error("count by segment(path)",
        "error: the values are too few or many at ')'\n"
        "  count by segment(path)\n"
        "                       ^ it is written segment(path, n)\n");
    check_error("count by segment(path, 0)",
        "error: segment wants a whole number from 1 as its second value\n"
        "  count by segment(path, 0)\n"
        "                         ^ it is written segment(path, n)\n");
    check_error("extract(ua, 'a') = 'b'",
        "error: a group '(...)' is missing in ''a''\n"
        "  extract(ua, 'a') = 'b'\n"
        "              ^^^\n");
    check_error("hour(path) > 3", "error: hour wants a time, not text\n"
                                  "  hour(path) > 3\n"
                                  "       ^^^^\n");
    check_error("sum(if(5xx, bytes, ua))",
        "error: both values of 'if' have one type, these are size and text\n"
        "  sum(if(5xx, bytes, ua))\n"
        "              ^^^^^^^^^\n");
    check_error("count by hour", "error: 'hour' is a function\n"
                                 "  count by hour\n"
                                 "           ^^^^ it is written hour(time)\n");
}

static const char calls[] =
    "let h = extract(lower(ua), \"(b.t)\") | where h = 'bot' | sum(if(5xx, "
    "len(url), "
    "0)) by h, segment(path, 2), ext(path), hour(time):6 | let x = if(urlhost(h"
    ") ~ 'a', len(\"abc\"), 1) | sort -x";

static const char broad[] =
    "5xx (ip in 10.0.0.0/8 or path ~ \"^/a\") not ua contains 'b\\x41' | let k "
    "= bytes / 1KiB + 2 | count, avg(k) if(status in 200..299) as m by "
    "time:5m, ip:/24 | let r = m * 2 | where r > 1.5 | sort -r, time:5m | "
    "head 7 per ip:/24";

static void
try_text(const char *text)
{
    query_error_t error;
    query_t *q;
    buf_t out = {0};

    if (query_parse(text, &q, &error) == ERR_OK) {
        query_explain(q, &out);
        query_t *again = parse(q->canonical);
        assert_string_equal(again->canonical, q->canonical);
        query_destroy(&again);
    } else {
        query_error_print(&error, text, &out);
    }
    query_destroy(&q);
    buf_fini(&out);
}

static void
try_mangled(const char *good)
{
    size_t len = strlen(good);
    char *text = calloc(1, len + 1);

    for (size_t n = 0; n <= len; n++) {
        memcpy(text, good, n);
        text[n] = '\0';
        try_text(text);
    }
    for (size_t bit = 0; bit < len * 8; bit++) {
        memcpy(text, good, len);
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
        try_text(text);
    }
    free(text);
}

static void
test_every_truncation_and_flip_is_answered(void **state)
{
    (void)state;
    try_mangled(broad);
    try_mangled(calls);
}

static void
test_explain_names_what_skips_lines(void **state)
{
    query_t *q = parse("404 ext(path) = 'php' | top 3 ip | let n = count / 2");
    buf_t out = {0};

    (void)state;
    query_explain(q, &out);
    buf_put_u8(&out, 0);
    assert_string_equal((char *)out.p,
        "query: status = 404 and ext(path) = \"php\" | top 3 ip | let n = "
        "count / 2\n"
        "fields: ip, path, status\n"
        "skipped: lines without \"php\"\n"
        "on the workers:\n"
        "  filter status = 404 and ext(path) = \"php\"\n"
        "  count by ip\n"
        "on the merged table:\n"
        "  sort -count, ip\n"
        "  head 3\n"
        "  let n = count / 2\n"
        "  order -count, ip\n");
    query_destroy(&q);
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spellings_have_one_canonical_text),
        cmocka_unit_test(test_a_mistake_is_marked),
        cmocka_unit_test(test_a_wrong_call_is_marked),
        cmocka_unit_test(test_what_cannot_be_is_an_error),
        cmocka_unit_test(test_columns_are_keys_then_aggregates_then_lets),
        cmocka_unit_test(test_default_order_is_time_then_count_then_keys),
        cmocka_unit_test(test_explain_names_what_skips_lines),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_every_truncation_and_flip_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
