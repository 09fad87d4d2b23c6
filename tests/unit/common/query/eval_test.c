// SPDX-License-Identifier: Apache-2.0
// Filters, expressions and buckets over one made row.
#include "common/query/eval.h"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// path, ua and user are missing.
static void
get_field(void *ctx, field_t field, cell_t *out)
{
    const span_t *ip = ctx;

    *out = (cell_t){.kind = CELL_NUMBER};
    switch ((int)field) {
    case FIELD_STATUS:
        out->number = DEC_INT(503);
        return;
    case FIELD_BYTES:
        out->number = DEC_INT(-7);
        return;
    case FIELD_DUR:
        out->number = DEC_INT(3) / 2;
        return;
    case FIELD_TIME:
        out->number = DEC_INT(1700000000); // 2023-11-14T22:13:20Z
        return;
    case FIELD_URL:
        *out = (cell_t){.kind = CELL_TEXT, .text = SPAN_LIT("/a?b\n\0c")};
        return;
    case FIELD_REFERER:
        *out = (cell_t){.kind = CELL_TEXT, .text = {NULL, 0}};
        return;
    case FIELD_IP:
        *out = (cell_t){.kind = CELL_TEXT, .text = *ip};
        return;
    default:
        out->kind = CELL_MISSING;
    }
}

static void
get_column(void *ctx, size_t column, cell_t *out)
{
    (void)ctx;
    (void)column;
    (void)out;
    fail();
}

static span_t
get_line(void *ctx)
{
    (void)ctx;
    return SPAN_LIT("the whole line");
}

typedef struct fixture {
    query_t *query;
    eval_t *eval;
    span_t ip;
    eval_row_t row;
} fixture_t;

static void
init(fixture_t *f, const char *text, const char *ip)
{
    query_error_t error;

    if (query_parse(text, &f->query, &error) != ERR_OK) {
        fail_msg("%s: %s", text, error.message);
    }
    CHECK_OK(eval_new(f->query, &f->eval));
    f->ip = span_str(ip);
    f->row = (eval_row_t){get_field, get_column, get_line, &f->ip, NULL};
}

static void
fini(fixture_t *f)
{
    eval_destroy(&f->eval);
    eval_destroy(&f->eval);
    query_destroy(&f->query);
}

static void
check_filter_of(const char *ip, const char *filter, bool want)
{
    char text[512];
    fixture_t f;
    bool got = !want;

    snprintf(text, sizeof text, "where %s | count", filter);
    init(&f, text, ip);
    CHECK_OK(eval_filter(f.eval, f.query->filter, &f.row, &got));
    if (got != want) {
        fail_msg("%s is %s", filter, got ? "true" : "false");
    }
    fini(&f);
}

static void
check_filter(const char *filter, bool want)
{
    check_filter_of("192.0.2.7", filter, want);
}

static void
check_each(const char *const *filters, bool want)
{
    for (; *filters != NULL; filters++) {
        check_filter(*filters, want);
    }
}

// The key as text: numbers with their digits, - for missing.
static void
check_key(const char *ip, const char *key, const char *want)
{
    char text[512];
    fixture_t f;
    cell_t cell;
    buf_t got = {0};

    snprintf(text, sizeof text, "count by %s", key);
    init(&f, text, ip);
    CHECK_OK(eval_key(f.eval, &f.query->keys[0], &f.row, &cell));
    if (cell.kind == CELL_NUMBER) {
        char digits[DEC_TEXT_MAX];
        buf_put(&got, digits, dec_format(cell.number, digits));
    } else {
        buf_put_span(&got, cell.kind == CELL_TEXT ? cell.text : SPAN_LIT("-"));
    }
    buf_put_u8(&got, 0);
    assert_string_equal((char *)got.p, want);
    buf_fini(&got);
    fini(&f);
}

static void
test_comparisons_hold_or_not(void **state)
{
    static const char *const yes[] = {"status = 503", "status != 404",
        "status < 504", "status <= 503", "status > 502", "status >= 503", "5xx",
        "bytes < 0", "dur = 1500ms", "dur < 2", "ip = 192.0.2.7",
        "time = '2023-11-14T22:13:20Z'", "time >= '2023-11-14'",
        "time < '2023-11-14 23:13:21+01:00'", "'whole'", "''", NULL};
    static const char *const no[] = {"status = 503.000000001", "4xx",
        "status < 503", "status > 503", "bytes > 0", "ip = 192.0.2.70",
        "time < '2023-11-14 23:13:20+01:00'", "'Whole'", NULL};

    (void)state;
    check_each(yes, true);
    check_each(no, false);
}

static void
test_a_missing_side_is_false_and_not_makes_it_true(void **state)
{
    static const char *const no[] = {"path = '/'", "path != '/'", "path ~ 'a'",
        "path !~ 'a'", "path in ('/', '/a')", "path contains ''",
        "path startswith ''", "path endswith ''", "path = ua", "status % 0 = 0",
        "status / 0 != 1", "user in 10.0.0.0/8", NULL};
    char text[256];

    (void)state;
    check_each(no, false);
    for (size_t i = 0; no[i] != NULL && i < 11; i++) {
        snprintf(text, sizeof text, "not %s", no[i]);
        check_filter(text, true);
    }
}

static void
test_texts_are_bytes(void **state)
{
    static const char *const yes[] = {"url contains '?b'",
        "url contains '\\x00c'", "url contains ''", "url startswith '/a'",
        "url startswith ''", "url endswith '\\x00c'", "url endswith ''",
        "url ~ '^/a'", "url ~ 'c$'", "url ~ 'b\\n.c'", "url !~ 'd'",
        "referer = ''", "referer contains ''", "referer endswith ''",
        "referer ~ '^$'", "referer < url", NULL};
    static const char *const no[] = {"url contains 'A'", "url startswith 'a'",
        "url startswith '/a?b\\n\\x00cd'", "url endswith '/a?b\\n\\x00cd'",
        "url endswith 'b'", "url ~ 'b$'", "url ~ '^b'", "referer contains 'a'",
        "referer startswith 'a'", "referer endswith 'a'", "referer ~ '.'",
        "referer != ''", NULL};

    (void)state;
    check_each(yes, true);
    check_each(no, false);
}

static void
test_sets_and_ranges(void **state)
{
    static const char *const yes[] = {"status in (1, 503, 2)",
        "status in 500..503", "status in 503..503", "bytes in -7..0",
        "ip in ('a', '192.0.2.7')", "dur in 1s..2s", "not status in (1, 2)",
        NULL};
    static const char *const no[] = {"status in (1, 502, 504)",
        "status in 504..599", "status in 0..502", "ip in ('a', '192.0.2')",
        NULL};

    (void)state;
    check_each(yes, true);
    check_each(no, false);
}

static void
test_and_or_not_nest(void **state)
{
    static const char *const yes[] = {"5xx and 'line' or 4xx",
        "4xx or 5xx and 'line'", "not (4xx or 'nothing')", "not not 5xx",
        "5xx 'whole' status > 1", NULL};
    static const char *const no[] = {"4xx and 'line' or 3xx", "5xx not 5xx",
        "not (4xx or 5xx)", "4xx or 'no' or 'none'", NULL};

    (void)state;
    check_each(yes, true);
    check_each(no, false);
}

static void
test_networks_hold_addresses_of_their_family(void **state)
{
    static const struct {
        const char *ip, *filter;
        bool want;
    } rows[] = {
        {"10.255.0.1", "ip in 10.0.0.0/8", true},
        {"11.0.0.1", "ip in 10.0.0.0/8", false},
        {"192.0.2.127", "ip in 192.0.2.0/25", true},
        {"192.0.2.128", "ip in 192.0.2.0/25", false},
        {"192.0.2.7", "ip in 192.0.2.7/32", true},
        {"192.0.2.7", "ip in 0.0.0.0/0", true},
        {"2001:db8::1", "ip in 0.0.0.0/0", false},
        {"2001:DB8:0::1", "ip in 2001:db8::/32", true},
        {"2001:db9::1", "ip in 2001:db8::/32", false},
        {"::ffff:10.0.0.1", "ip in 10.0.0.0/8", false},
        {"web1.example", "ip in 0.0.0.0/0", false},
        {"web1.example", "not ip in 0.0.0.0/0", true},
        {"", "ip in ::/0", false},
        {"010.0.0.1", "ip in 0.0.0.0/0", false},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa", "ip in ::/0",
            false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_filter_of(rows[i].ip, rows[i].filter, rows[i].want);
    }
}

static void
test_buckets_round_down(void **state)
{
    static const char *const rows[][3] = {
        {"192.0.2.7", "status:100", "500"},
        {"192.0.2.7", "bytes:5", "-10"},
        {"192.0.2.7", "bytes:7", "-7"},
        {"192.0.2.7", "dur:1s", "1"},
        {"192.0.2.7", "dur:400ms", "1.2"},
        {"192.0.2.7", "time:1h", "1699999200"},
        {"192.0.2.7", "time:1d", "1699920000"},
        {"192.0.2.7", "ip:/24", "192.0.2.0/24"},
        {"192.0.2.7", "ip:/0", "0.0.0.0/0"},
        {"192.0.2.7", "ip:/64", "192.0.2.7/32"},
        {"2001:db8:ffff::1", "ip:/33", "2001:db8:8000::/33"},
        {"2001:db8::1", "ip:/128", "2001:db8::1/128"},
        {"name", "ip:/24", "-"},
        {"name", "ip", "name"},
        {"name", "path", "-"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i][2] != NULL) {
            check_key(rows[i][0], rows[i][1], rows[i][2]);
        }
    }
}

static void
test_arithmetic_has_nine_decimals(void **state)
{
    static const char *const rows[][2] = {
        {"status / 100", "5.03"},
        {"status / 3", "167.666666667"},
        {"bytes / 3", "-2.333333333"},
        {"bytes % 4", "-3"},
        {"status % bytes", "6"},
        {"status / 0", "-"},
        {"status % 0", "-"},
        {"-bytes * 2 + 1", "15"},
        {"1 / 2000000000 * status", "0"}, // 0.0000000005 goes to even
        {"3 / 2000000000 * status", "0.000001006"},
        {"time - time", "0"},
        {"time + 40s", "1700000040"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i][1] != NULL) {
            check_key("name", rows[i][0], rows[i][1]);
        }
    }
}

static void
test_functions_over_a_row(void **state)
{
    static const char *const rows[][2] = {
        {"len(url)", "7"},
        {"len(referer)", "0"},
        {"len(path)", "-"},
        {"lower(path)", "-"},
        {"lower(referer)", ""},
        {"lower(ip)", "web1.example"},
        {"lower('AbC')", "abc"},
        {"ext(ip)", "Example"},
        {"ext(path)", "-"},
        {"segment(url, 1)", "a"},
        {"segment(url, 2)", "-"},
        {"urlhost('HTTP://U@Ab.C:1/D')", "ab.c"},
        {"urlhost(ip)", "-"},
        {"extract(ip, '^([a-zA-Z]+)')", "Web"},
        {"extract(ip, '(q)')", "-"},
        {"extract(ip, '(x)?W')", "-"},
        {"extract(ip, '(x)?(W)')", "-"},
        {"extract(ip, 'W()')", ""},
        {"extract(referer, '(.*)')", ""},
        {"extract(path, '(.*)')", "-"},
        {"extract(lower(ip), '(w.)(.)') ", "we"},
        {"hour(time)", "22"},
        {"weekday(time)", "2"},
        {"hour(time):6", "18"},
        {"len(ip):10", "10"},
        {"if(5xx, 'bad', 'good')", "bad"},
        {"if(path = '/', 1, 2)", "2"},
        {"if(not path = '/', 1, 2)", "1"},
        {"if(5xx, path, ua)", "-"},
        {"if(4xx, bytes, if(5xx, 0.5, 1))", "0.5"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i][1] != NULL) {
            check_key("Web1.Example", rows[i][0], rows[i][1]);
        }
    }
}

// The value that is not taken cannot end the job.
static void
test_only_the_value_that_if_takes_is_worked_out(void **state)
{
    (void)state;
    check_key("name",
        "if(5xx, 1, status * 1000000000000 * 1000000000000 * 1000000)", "1");
}

static void
test_a_let_with_a_regex_may_stand_twice(void **state)
{
    fixture_t f;
    cell_t cell;

    (void)state;
    init(&f,
        "let m = extract(ip, '(a)') | where m = 'a' and lower(m) = 'a' | "
        "count, max(len(m)) by m",
        "name");
    CHECK_OK(eval_key(f.eval, &f.query->keys[0], &f.row, &cell));
    assert_true(span_is(cell.text, "a"));
    fini(&f);
}

static void
test_texts_made_of_one_row_are_bounded(void **state)
{
    size_t len = (size_t)40 << 20;
    char *big = malloc(len + 1);
    fixture_t f;
    cell_t cell;

    (void)state;
    memset(big, 'A', len);
    big[len] = '\0';
    init(&f, "count by lower(ip), lower(ip) as again", big);
    CHECK_OK(eval_key(f.eval, &f.query->keys[0], &f.row, &cell));
    CHECK_ERR(
        eval_key(f.eval, &f.query->keys[1], &f.row, &cell), ERR_TOO_LARGE);
    eval_next_row(f.eval);
    CHECK_OK(eval_key(f.eval, &f.query->keys[1], &f.row, &cell));
    fini(&f);
    free(big);
}

static void
test_a_number_out_of_range_is_an_error(void **state)
{
    fixture_t f;
    cell_t cell;
    bool pass;

    (void)state;
    init(&f,
        "status * 1000000000000 * 1000000000000 * 1000000 > 1 | "
        "count by status * 1000000000000 * 1000000000000 * 1000000",
        "name");
    CHECK_ERR(
        eval_filter(f.eval, f.query->filter, &f.row, &pass), ERR_OVERFLOW);
    CHECK_ERR(eval_key(f.eval, &f.query->keys[0], &f.row, &cell), ERR_OVERFLOW);
    fini(&f);
}

// A pattern that never ends on this subject ends at its limit.
static void
test_a_regex_that_takes_too_long_is_an_error(void **state)
{
    fixture_t f;
    bool pass;

    (void)state;
    init(&f, "ip ~ '^(a+)+$' | count", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
    CHECK_ERR(eval_filter(f.eval, f.query->filter, &f.row, &pass), ERR_REGEX);
    fini(&f);
}

// Texts of one row's keys stay until the next row.
static void
test_networks_of_one_row_do_not_overwrite_each_other(void **state)
{
    fixture_t f;
    cell_t a, b;

    (void)state;
    init(&f, "count by ip:/8, ip:/16", "10.1.2.3");
    for (int row = 0; row < 100; row++) {
        eval_next_row(f.eval);
        CHECK_OK(eval_key(f.eval, &f.query->keys[0], &f.row, &a));
        CHECK_OK(eval_key(f.eval, &f.query->keys[1], &f.row, &b));
        CHECK_SPAN(a.text, "10.0.0.0/8");
        CHECK_SPAN(b.text, "10.1.0.0/16");
    }
    fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comparisons_hold_or_not),
        cmocka_unit_test(test_a_missing_side_is_false_and_not_makes_it_true),
        cmocka_unit_test(test_texts_are_bytes),
        cmocka_unit_test(test_sets_and_ranges),
        cmocka_unit_test(test_and_or_not_nest),
        cmocka_unit_test(test_networks_hold_addresses_of_their_family),
        cmocka_unit_test(test_buckets_round_down),
        cmocka_unit_test(test_arithmetic_has_nine_decimals),
        cmocka_unit_test(test_functions_over_a_row),
        cmocka_unit_test(test_only_the_value_that_if_takes_is_worked_out),
        cmocka_unit_test(test_a_let_with_a_regex_may_stand_twice),
        cmocka_unit_test(test_texts_made_of_one_row_are_bounded),
        cmocka_unit_test(test_a_number_out_of_range_is_an_error),
        cmocka_unit_test(test_a_regex_that_takes_too_long_is_an_error),
        cmocka_unit_test(test_networks_of_one_row_do_not_overwrite_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
