// SPDX-License-Identifier: Apache-2.0
// Words, numbers, strings and addresses, as the canonical text writes them.
#include "common/query/query.h"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
check(const char *text, const char *canonical)
{
    query_error_t error;
    query_t *q;

    if (query_parse(text, &q, &error) != ERR_OK) {
        fail_msg("%s: %s", text, error.message);
    }
    // All of these are filters.
    size_t len = strlen(canonical);
    assert_memory_equal(q->canonical, canonical, len);
    assert_string_equal(q->canonical + len, " | count");
    query_destroy(&q);
}

static void
check_refused(const char *text, size_t begin, size_t end, const char *message)
{
    query_error_t error;
    query_t *q;

    CHECK_ERR(query_parse(text, &q, &error), ERR_QUERY);
    assert_string_equal(error.message, message);
    CHECK_U64(error.begin, begin);
    CHECK_U64(error.end, end);
    assert_null(q);
}

static void
test_numbers_have_units(void **state)
{
    (void)state;
    check("dur > 90s", "dur > 90s");
    check("dur > 60s", "dur > 1m");
    check("dur > 48h", "dur > 2d");
    check("dur > 1.5ms", "dur > 1500us");
    check("dur > 0.000000001s", "dur > 1ns");
    check("dur > 200000000000000000000.000000001s",
        "dur > 200000000000000000000.000000001s");
    check("bytes > 1.5KB", "bytes > 1500B");
    check("bytes > 10kB", "bytes > 10KB");
    check("bytes > 1MiB", "bytes > 1048576B");
    check("bytes > 1000000000000B", "bytes > 1TB");
    check("bytes > 1000", "bytes > 1000");
    check("005 = status", "5 = status");
    check("status = 5.250", "status = 5.25");
    check("status = -503", "status = -503");
}

static void
test_numbers_that_cannot_be_kept_are_refused(void **state)
{
    (void)state;
    check_refused("dur > 0.1ns", 6, 11, "this number is too large or too fine");
    check_refused("bytes > 999999999999999999999TB", 8, 31,
        "this number is too large or too fine");
    check_refused("status = 0.1234567890", 9, 21,
        "a number has at most nine digits behind the point");
    check_refused("bytes > 10kb", 10, 12, "unknown unit");
    check_refused("status = 1e5", 10, 12, "unknown unit");
    check_refused("status = .5", 9, 10, "unexpected character '.'");
}

static void
test_strings_keep_what_is_no_escape(void **state)
{
    (void)state;
    check("path = 'a\"b'", "path = \"a\\\"b\"");
    check("path = \"a'b\"", "path = \"a'b\"");
    check("path = 'a\\'b'", "path = \"a'b\"");
    check("path ~ '\\.php\\d'", "path ~ \"\\.php\\d\"");
    check("path = 'a\\n\\r\\t\\\\'", "path = \"a\\n\\r\\t\\\\\"");
    check("path = '\\x41\\x00\\x7F'", "path = \"A\\x00\\x7f\"");
    check("path = '\\x4'", "path = \"\\\\x4\"");
    check("path = '\xc3\xa9'", "path = \"\xc3\xa9\"");
    check("path = ''", "path = \"\"");
}

// A query is shown on terminals: nothing in it may be obeyed there.
static void
test_strings_hide_what_a_terminal_obeys(void **state)
{
    (void)state;
    check("path = '\x1b[31m'", "path = \"\\x1b[31m\"");
    check("path = '\x9b\xff'", "path = \"\\x9b\\xff\"");
    check("path = '\xc2\x9b'", "path = \"\\xc2\\x9b\"");
    check("path = '\xe2\x80\xae'", "path = \"\\xe2\\x80\\xae\"");
}

static void
test_strings_without_an_end_are_refused(void **state)
{
    (void)state;
    check_refused("path = 'a", 7, 9, "this string has no end");
    check_refused("path = 'a\\'", 7, 11, "this string has no end");
    check_refused("path = \"a\\", 7, 10, "this string has no end");
}

static void
test_addresses_stand_bare(void **state)
{
    (void)state;
    check("ip = 192.0.2.7", "ip = \"192.0.2.7\"");
    check("ip = ::1", "ip = \"::1\"");
    check("ip = cafe::", "ip = \"cafe::\"");
    check("ip = ::ffff:1.2.3.4", "ip = \"::ffff:1.2.3.4\"");
    check("ip in 10.1.2.3/8", "ip in 10.0.0.0/8");
    check("ip in fe80::1/10", "ip in fe80::/10");
    check("ip in 0.0.0.0/0", "ip in 0.0.0.0/0");
}

static void
test_aliases_with_dashes_are_one_word(void **state)
{
    (void)state;
    check("$http_referer = 'x'", "referer = \"x\"");
    check("cs(User-Agent) contains 'b'", "ua contains \"b\"");
    check("sc-status - 3 = 1", "status - 3 = 1");
}

static void
test_a_strange_character_is_marked_whole(void **state)
{
    (void)state;
    check_refused(
        "status \xe2\x89\xa5 3", 7, 10, "unexpected character '\xe2\x89\xa5'");
}

// As many strings as a query can hold take room in proportion.
static void
test_many_strings_are_read(void **state)
{
    enum { STRINGS = 4000 };
    char *text = malloc(STRINGS * 5 + 16);
    query_error_t error;
    query_t *q;
    size_t n = (size_t)sprintf(text, "path in ('x'");

    (void)state;
    for (int i = 0; i < STRINGS; i++) {
        n += (size_t)sprintf(text + n, ",''");
    }
    strcpy(text + n, ")");
    CHECK_OK(query_parse(text, &q, &error));
    assert_string_equal(q->canonical, "path in (\"\", \"x\") | count");
    query_destroy(&q);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_have_units),
        cmocka_unit_test(test_numbers_that_cannot_be_kept_are_refused),
        cmocka_unit_test(test_strings_keep_what_is_no_escape),
        cmocka_unit_test(test_strings_hide_what_a_terminal_obeys),
        cmocka_unit_test(test_strings_without_an_end_are_refused),
        cmocka_unit_test(test_addresses_stand_bare),
        cmocka_unit_test(test_aliases_with_dashes_are_one_word),
        cmocka_unit_test(test_a_strange_character_is_marked_whole),
        cmocka_unit_test(test_many_strings_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
