// SPDX-License-Identifier: Apache-2.0
// Beside PCRE2 itself: no text is found without the literal.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "common/query/regex_literal.h"

#include "tests/unit/cmocka_all.h"

#include <pcre2.h>
#include <string.h>

static void
check(const char *pattern, const char *literal)
{
    buf_t found = {0};

    regex_literal(span_str(pattern), &found);
    if (!span_is(buf_span(&found), literal)) {
        fail_msg("%s: '%.*s'", pattern, (int)found.len, (char *)found.p);
    }
    buf_fini(&found);
}

static void
test_runs_of_bytes_are_known(void **state)
{
    (void)state;
    check("", "");
    check("abc", "abc");
    check("^abc$", "abc");
    check("ab.cde", "cde");
    check("abc.de", "abc");
    check("/foo.*bar", "/foo");
    check("\\.php\\?", ".php?");
    check("[.]php[?]", ".php?");
    check("a[bc]def", "def");
    check("a[]x]def", "def");
    check("a[^]x]def", "def");
    check("a[^^]def", "def");
    check("a[\\]x]def", "def");
    check("a\\dbc\\s+de", "bc");
    check("(?:x|y)abc(z)", "abc");
    check("^/(?<kind>api|v2)/users", "/users");
    check("((a|b)|c)def", "def");
    check("a]b}c", "a]b}c");
    check("#a b", "#a b");
    check("abc\nde", "abc");
}

static void
test_what_may_be_absent_is_not_taken(void **state)
{
    (void)state;
    check("abc?d", "ab");
    check("abc*", "ab");
    check("a{0}bc", "bc");
    check("abc{0,5}", "ab");
    check("abc{00,5}", "ab");
    check("abcd+ef", "abcd");
    check("abc{2}d", "abc");
    check("abc{2,}d", "abc");
    check("abc{2,9}+d", "abc");
    check("abc??de", "ab");
    check("abc++de", "abc");
    check("[a]?bc", "bc");
    check("\\.?bc", "bc");
    check("(abc)?de", "de");
    check("(abc){0}de", "de");
}

static void
test_what_is_not_known_gives_nothing(void **state)
{
    (void)state;
    check("abc|def", "");
    check("abc|", "");
    check("(?i)abc", "");
    check("ab(?i)cd", "");
    check("ab(?i:cd)ef", "");
    check("ab(x(?i)y)cd", "");
    check("(?x) a b c", "");
    check("abc(?#d", "");
    check("abc(?=d)", "");
    check("(?!abc)", "");
    check("(?<!abc)def", "");
    check("(?<=abc)def", "");
    check("(?>abc)", "");
    check("(?|abc|de)", "");
    check("(*UTF)abc", "");
    check("(*ACCEPT)abc", "");
    check("a(b(*ACCEPT)c)def", "");
    check("\\Qa.b\\E", "");
    check("[\\Q]\\E]abc", "");
    check("[[:alpha:]]abc", "");
    check("[\\c]]abc", "");
    check("\\x41bc", "");
    check("\\101bc", "");
    check("\\p{L}abc", "");
    check("(a)\\1bcd", "");
    check("abc{", "");
    check("abc{,3}", "");
    check("abc{x}", "");
    check("abc{2}{0}", "");
    check("abc+{0}", "");
    check("abc\\K", "");
    check("(abc", "");
    check("abc)", "");
    check("[abc", "");
    check("abc\\", "");
}

static uint32_t
draw(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

// Pieces of a few bytes, so that patterns and texts have much in common.
static void
put_pattern(buf_t *out, uint32_t *seed)
{
    static const char *const pieces[] = {"a", "b", "c", "ab", "ca", "ba", "abc",
        ".", "*", "+", "?", "??", "*+", "{2}", "{0}", "{0,2}", "{1,}", "{,2}",
        "{", "}", "|", "(", ")", "(?:", "(?<n>", "(?i)", "(?x)", "(?=", "(?!",
        "(?<=", "(?>", "(?|", "(?#", "[ab]", "[^a]", "[a]", "[", "]", "[]a]",
        "[\\]a]", "[[:alpha:]]", "^", "$", "\\b", "\\B", "\\w", "\\W", "\\K",
        "\\.", "\\a", "\\x61", "\\Q", "\\E", "\\1", "\\R", "\\N", " ", "#",
        "(*ACCEPT)", "(*F)", "\\", "\\141", "\\h", "\\X", "-", "&&", "(?R)",
        "(?(1)", "(?-i)", "(?^)", "\\c", "\\G"};
    uint32_t n = 1 + draw(seed, 9);

    for (uint32_t i = 0; i < n; i++) {
        // Every other one plain: else nearly all would be wrong.
        uint32_t some = draw(seed, 2) == 0 ? 7 : sizeof pieces / sizeof *pieces;
        buf_put_str(out, pieces[draw(seed, some)]);
    }
}

static void
put_text(buf_t *out, uint32_t *seed)
{
    uint32_t n = draw(seed, 14);

    for (uint32_t i = 0; i < n; i++) {
        buf_put_u8(out, (uint8_t) "aaabbbcccAB. -\n"[draw(seed, 15)]);
    }
}

// How many texts were found that had to have something.
static unsigned
check_pattern(span_t pattern, uint32_t *seed, pcre2_match_context *limits)
{
    buf_t literal = {0}, text = {0};
    unsigned found = 0;
    PCRE2_SIZE where;
    int code;
    pcre2_code *re =
        pcre2_compile(pattern.p, pattern.len, 0, &code, &where, NULL);

    regex_literal(pattern, &literal);
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    for (int i = 0; re != NULL && literal.len > 0 && i < 40; i++) {
        buf_clear(&text);
        put_text(&text, seed);
        if (pcre2_match(re, text.p, text.len, 0, 0, match, limits) >= 0) {
            found++;
            if (memmem(text.p, text.len, literal.p, literal.len) == NULL) {
                fail_msg("%.*s is found in %.*s", (int)pattern.len,
                    (const char *)pattern.p, (int)text.len, (char *)text.p);
            }
        }
    }
    pcre2_match_data_free(match);
    pcre2_code_free(re);
    buf_fini(&literal);
    buf_fini(&text);
    return found;
}

static void
test_no_match_lacks_the_literal(void **state)
{
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    uint32_t seed = 20261128;
    unsigned found = 0;

    (void)state;
    pcre2_set_match_limit(limits, 10000);
    for (int i = 0; i < 60000; i++) {
        buf_t pattern = {0};
        put_pattern(&pattern, &seed);
        found += check_pattern(buf_span(&pattern), &seed, limits);
        buf_fini(&pattern);
    }
    assert_true(found > 10000); // or it would say little
    pcre2_match_context_free(limits);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_of_bytes_are_known),
        cmocka_unit_test(test_what_may_be_absent_is_not_taken),
        cmocka_unit_test(test_what_is_not_known_gives_nothing),
        cmocka_unit_test(test_no_match_lacks_the_literal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
