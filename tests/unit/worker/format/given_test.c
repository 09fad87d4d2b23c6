// SPDX-License-Identifier: Apache-2.0
// Formats as web servers' configurations have them, and regexes.
#include "worker/format/format.h"

#include "common/base/limits.h"
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#define LINE                                                                   \
    "192.0.2.7 - frank [10/Oct/2023:13:55:36 -0700] \"GET /a HTTP/1.1\" "      \
    "404 2326 \"http://r/\" \"Mozilla\" 0.125"

typedef struct want {
    field_t field;
    const char *text;
} want_t;

static const want_t of_line[] = {{FIELD_IP, "192.0.2.7"}, {FIELD_USER, "frank"},
    {FIELD_TIME, "10/Oct/2023:13:55:36 -0700"},
    {FIELD_REQUEST, "GET /a HTTP/1.1"}, {FIELD_STATUS, "404"},
    {FIELD_BYTES, "2326"}, {FIELD_REFERER, "http://r/"}, {FIELD_UA, "Mozilla"}};

static format_t *
given(const char *text)
{
    const format_t *format;
    format_t *owned;
    query_error_t error;

    if (format_open(text, &format, &owned, &error) != ERR_OK) {
        fail_msg("%s: %s at %zu", text, error.message, error.begin);
    }
    assert_ptr_equal(format, owned);
    return owned;
}

static void
check_text(
    const format_t *format, const char *line, field_t field, const char *want)
{
    line_fields_t fields;
    reject_t why;

    if (!format_match(format, span_str(line), &fields, &why)) {
        fail_msg("%s: %s", line, reject_name(why));
    }
    span_t raw = format_raw(&fields, field);
    if (want == NULL ? raw.p != NULL : !span_is(raw, want)) {
        fail_msg("%s is %.*s, not %s", field_infos[field].name, (int)raw.len,
            raw.p != NULL ? (const char *)raw.p : "", want);
    }
}

static void
check_given(const char *text)
{
    format_t *format = given(text);

    for (size_t i = 0; i < sizeof of_line / sizeof *of_line; i++) {
        check_text(format, LINE, of_line[i].field, of_line[i].text);
    }
    format_destroy(&format);
}

static void
test_one_line_by_many_descriptions(void **state)
{
    (void)state;
    check_given("$remote_addr - $remote_user [$time_local] \"$request\" "
                "$status $body_bytes_sent \"$http_referer\" "
                "\"$http_user_agent\" $request_time");
    check_given("log_format main '$remote_addr - $remote_user [$time_local] '\n"
                "    '\"$request\" $status $bytes_sent \"$http_referer\" '\n"
                "    '\"${http_user_agent}\" $request_time';");
    check_given("log_format x escape=default \"$remote_addr - $remote_user "
                "[$time_local] \\\"$request\\\" $status $bytes_sent "
                "\\\"$http_referer\\\" \\\"$http_user_agent\\\" $other\";");
    check_given("%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-agent}i\" "
                "%D");
    check_given("LogFormat \"%a %l %u %t \\\"%r\\\" %<s %O \\\"%{Referer}i\\\" "
                "\\\"%400,501{User-Agent}i\\\" %{ms}T\" combined");
    check_given("\"%h %l %u %t \\\"%r\\\" %s %B \\\"%{Referer}i\\\" "
                "\\\"%!200{User-Agent}i\\\" %{X-Other}o\"");
    check_given("re:^(?<ip>\\S+) - (?<user>.*?) \\[(?<time>.*?)\\] "
                "\"(?<request>.*?)\" (?<status>\\d+) (?<bytes>\\d+) "
                "\"(?<referer>.*?)\" \"(?<ua>.*?)\"");
}

static void
test_nginx_variables_end_as_their_neighbours_say(void **state)
{
    format_t *f = given("$http_host|$request_method|$uri|$args|$status");

    (void)state;
    check_text(f, "a b|GET|/x|y=1|200", FIELD_VHOST, "a b");
    check_text(f, "a b|GET|/x|y=1|200", FIELD_METHOD, "GET");
    check_text(f, "a b|GET|/x|y=1|200", FIELD_PATH, "/x");
    check_text(f, "a b|GET|/x|y=1|200", FIELD_QUERY, "y=1");
    check_text(f, "a b|GET|/x|y=1|200", FIELD_STATUS, "200");
    format_destroy(&f);
    f = given("$time_local $upstream_addr $request_uri \"$$\" $status");
    check_text(f, "10/Oct/2023:13:55:36 -0700 a:1, b:2 : c:3 /p?q r \"$\" 200",
        FIELD_URL, "/p?q r");
    check_text(f, "10/Oct/2023:13:55:36 -0700 a:1, b:2 : c:3 /p?q r \"$\" 200",
        FIELD_QUERY, "q r");
    format_destroy(&f);
}

static dec_t
number(const char *format, const char *line, field_t field)
{
    format_t *f = given(format);
    line_fields_t fields;
    reject_t why;
    cell_t cell;
    bool bad;

    assert_true(format_match(f, span_str(line), &fields, &why));
    format_field(&fields, field, &cell, &bad);
    assert_int_equal(cell.kind, CELL_NUMBER);
    format_destroy(&f);
    return cell.number;
}

static void
test_units_follow_from_the_description(void **state)
{
    (void)state;
    assert_true(number("%h %D", "h 1500000", FIELD_DUR) == DEC_ONE * 3 / 2);
    assert_true(number("%h %{us}T", "h 1500000", FIELD_DUR) == DEC_ONE * 3 / 2);
    assert_true(number("%h %{ms}T", "h 1500", FIELD_DUR) == DEC_ONE * 3 / 2);
    assert_true(number("%h %T", "h 2", FIELD_DUR) == DEC_INT(2));
    assert_true(
        number("$request_time $ip", "1.5 h", FIELD_DUR) == DEC_ONE * 3 / 2);
    assert_true(number("$msec $ip", "1696946136.5 h", FIELD_TIME) ==
                DEC_INT(1696946136) + DEC_ONE / 2);
    assert_true(number("%{msec}t %h", "1696946136500 h", FIELD_TIME) ==
                DEC_INT(1696946136) + DEC_ONE / 2);
    assert_true(number("$time_iso8601 $ip", "2023-10-10T13:55:36+00:00 h",
                    FIELD_TIME) == DEC_INT(1696946136));
    assert_true(number("%{%Y-%m-%d %H:%M:%S}t | %h", "2023-10-10 13:55:36 | h",
                    FIELD_TIME) == DEC_INT(1696946136));
}

static void
check_wrong(const char *text, size_t begin, size_t end)
{
    const format_t *format;
    format_t *owned;
    query_error_t error;

    assert_int_equal(format_open(text, &format, &owned, &error), ERR_FORMAT);
    assert_null(format);
    assert_null(owned);
    assert_true(error.message[0] != '\0');
    if (error.begin != begin || error.end != end) {
        fail_msg("%s: %s at %zu to %zu", text, error.message, error.begin,
            error.end);
    }
}

// With its end.
static bool
takes_text(uint64_t len)
{
    char text[LIMIT_FORMAT_NAME + 1] = "$status";
    const format_t *format;
    format_t *owned;
    query_error_t error;

    memset(text + 7, 'x', len - 8);
    text[len - 1] = '\0';
    errcode_t rc = format_open(text, &format, &owned, &error);
    format_destroy(&owned);
    return rc == ERR_OK;
}

static void
test_limits(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_FORMAT_NAME, takes_text);
}

static void
test_a_mistake_is_told_with_its_place(void **state)
{
    char long_one[LIMIT_FORMAT_NAME + 2];

    (void)state;
    check_wrong("nosuch", 0, 6);
    check_wrong("$ip$status", 0, 3);
    check_wrong("a $ip ${status", 6, 14);
    check_wrong("$ip ${status:nokind}", 13, 19);
    check_wrong("$ip ${:word}", 6, 11);
    check_wrong("$ip $ x", 4, 5);
    check_wrong("$ip ${ua:tail} x", 6, 13);
    check_wrong("%h %y", 3, 5);
    check_wrong("%h %{Refereri", 4, 13);
    check_wrong("%h %>", 3, 5);
    check_wrong("%%", 0, 2);
    check_wrong("log_format main '$ip$status';", 17, 20);
    check_wrong("log_format main '$ip", 16, 17);
    check_wrong("LogFormat \"%h \\\"%y\\\"\" x", 16, 18);
    check_wrong("re:(?<ip>", 9, 10);
    check_wrong("re:(a)", 0, 6);
    memset(long_one, '$', sizeof long_one);
    long_one[sizeof long_one - 1] = '\0';
    check_wrong(long_one, 0, 0);
}

static void
test_other_names_are_kept(void **state)
{
    format_t *f = given("$remote_addr $foo $bar $foo");

    (void)state;
    assert_true(span_is(format_other_name(f, 0), "foo"));
    assert_true(span_is(format_other_name(f, 1), "bar"));
    assert_true(span_is(format_other_name(f, 2), "foo"));
    assert_null(format_other_name(f, 3).p);
    assert_true(format_fields(f) == 1u << FIELD_IP);
    format_destroy(&f);
}

static void
test_a_regex_that_runs_away_rejects_the_line(void **state)
{
    format_t *f = given("re:^(?<ip>(a+)+)$");
    line_fields_t fields;
    reject_t why = REJECT_COUNT;

    (void)state;
    assert_false(format_match(
        f, SPAN_LIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), &fields, &why));
    assert_int_equal(why, REJECT_STRUCTURE);
    check_text(f, "aaa", FIELD_IP, "aaa");
    format_destroy(&f);
}

// Every beginning of a description, and every flipped bit of it.
static void
test_damaged_descriptions_are_refused_or_work(void **state)
{
    static const char *const texts[] = {
        ("log_format m escape=json '$remote_addr ${user:until} [$time_local] '"
         " '\"$request\" ${a|:|b}$? $status$*';"),
        "LogFormat \"%h %l %u %t \\\"%r\\\" %>s %b \\\"%{Referer}i\\\" %D\" x",
        "re:^(?<ip>\\S+) (?<status>\\d+)"};

    (void)state;
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        size_t len = strlen(texts[t]);
        for (size_t i = 0; i < len * 9; i++) {
            char copy[200] = "";
            const format_t *format;
            format_t *owned;
            query_error_t error;
            line_fields_t fields;
            reject_t why;
            memcpy(copy, texts[t], i < len ? i : len);
            if (i >= len) {
                copy[(i - len) / 8] ^= (char)(1 << (i - len) % 8);
            }
            if (format_open(copy, &format, &owned, &error) == ERR_OK) {
                (void)format_match(format, SPAN_LIT(LINE), &fields, &why);
            } else {
                assert_true(error.begin <= error.end);
            }
            format_destroy(&owned);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_one_line_by_many_descriptions),
        cmocka_unit_test(test_nginx_variables_end_as_their_neighbours_say),
        cmocka_unit_test(test_units_follow_from_the_description),
        cmocka_unit_test(test_a_mistake_is_told_with_its_place),
        cmocka_unit_test(test_other_names_are_kept),
        cmocka_unit_test(test_a_regex_that_runs_away_rejects_the_line),
        cmocka_unit_test(test_damaged_descriptions_are_refused_or_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
