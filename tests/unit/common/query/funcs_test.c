// SPDX-License-Identifier: Apache-2.0
// The functions over bytes, as docs/query-language.md settles them.
#include "common/query/funcs.h"

#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

// want NULL: missing.
static void
check(span_t got, const char *of, const char *want)
{
    if ((got.p == NULL) != (want == NULL) ||
        (want != NULL && !span_is(got, want))) {
        fail_msg("%s gives '%.*s', not '%s'", of, (int)got.len,
            got.p == NULL ? "" : (const char *)got.p,
            want == NULL ? "(missing)" : want);
    }
}

static void
test_ext_is_behind_the_last_dot_of_the_name(void **state)
{
    static const char *const cases[][2] = {{"/a.tar.gz", "gz"}, {"/.x", NULL},
        {"/a/", NULL}, {"/a.", NULL}, {"/a", NULL}, {"", NULL}, {"/", NULL},
        {".x", NULL}, {"a.x", "x"}, {"/a.b/c", NULL}, {"/..x", "x"},
        {"/.a.x", "x"}, {"/A.PHP", "PHP"}, {"/a.js?v=1.2", "js"},
        {"/a?b.js", NULL}, {"/a.x/", NULL}, {".", NULL}, {"/a.b c", "b c"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check(func_ext(span_str(cases[i][0])), cases[i][0], cases[i][1]);
    }
}

static void
test_segment_counts_from_one(void **state)
{
    static const struct {
        const char *path;
        uint64_t n;
        const char *want;
    } cases[] = {{"/a/b", 1, "a"}, {"/a/b", 2, "b"}, {"/a/b", 3, NULL},
        {"/a/b", 1000000000, NULL}, {"/", 1, NULL}, {"", 1, NULL},
        {"//a", 1, NULL}, {"//a", 2, "a"}, {"a/b", 1, "a"}, {"/a/", 1, "a"},
        {"/a/", 2, NULL}, {"/a//c", 3, "c"}, {"*", 1, "*"},
        {"/a/b?c/d", 2, "b"}, {"/a?c/d", 2, NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check(func_segment(span_str(cases[i].path), cases[i].n), cases[i].path,
            cases[i].want);
    }
}

static void
test_urlhost_is_the_bare_host(void **state)
{
    static const char *const cases[][2] = {
        {"https://www.example.com/a", "www.example.com"},
        {"http://h:8080/", "h"}, {"http://u:p@h:1/x", "h"},
        {"http://a@b@h", "h"}, {"//cdn.x/y", "cdn.x"}, {"h/x", NULL},
        {"h:80/x", NULL}, {"", NULL}, {"-", NULL}, {"http://", NULL},
        {"http:///x", NULL}, {"http://:80/", NULL}, {"http://h?x@y", "h"},
        {"http://h#x", "h"}, {"http://[::1]:80/", "::1"}, {"http://[::1", NULL},
        {"http://[]/", NULL}, {"android-app://com.a.b/", "com.a.b"},
        {"1http://h/", NULL}, {"mailto:a@b", NULL}, {"/a//b", NULL},
        {"http://Ab.C", "Ab.C"}, {"https", NULL}, {"http:/", NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check(func_urlhost(span_str(cases[i][0])), cases[i][0], cases[i][1]);
    }
}

static void
test_hours_and_weekdays_are_of_utc(void **state)
{
    (void)state;
    assert_int_equal(func_hour(0), 0);
    assert_int_equal(func_weekday(0), 4); // a Thursday
    assert_int_equal(func_hour(DEC_INT(1700000000)), 22);
    assert_int_equal(func_weekday(DEC_INT(1700000000)), 2);
    assert_int_equal(func_hour(-1), 23);
    assert_int_equal(func_weekday(-1), 3);
    assert_int_equal(func_weekday(DEC_INT(3 * 86400)), 7);
    assert_int_equal(func_weekday(DEC_INT(4 * 86400)), 1);
    assert_int_equal(func_weekday(DEC_INT(-4 * 86400)), 7);
    assert_int_equal(func_weekday(DEC_INT(-3 * 86400)), 1);
    assert_in_range(func_hour((dec_t)((~(u128_t)0) >> 1)), 0, 23);
    assert_in_range(func_weekday((dec_t)((u128_t)1 << 127)), 1, 7);
}

static void
test_lower_touches_ascii_only(void **state)
{
    uint8_t out[8];

    (void)state;
    func_lower(SPAN_LIT("A[z@\xc3\x84Z"), out);
    assert_memory_equal(out, "a[z@\xc3\x84z", 7);
    assert_true(func_has_upper(SPAN_LIT("aZ")));
    assert_false(func_has_upper(SPAN_LIT("a@[\xc3\x84")));
    assert_false(func_has_upper((span_t){NULL, 0}));
}

// A byte is read only inside the text: each piece stands at the end of memory
// of its own.
static void
test_every_piece_of_a_url_is_answered(void **state)
{
    static const char url[] = "hTTp://u:p@[::1]:80//a.b/.c/d.e.f?g/h.i#j";

    (void)state;
    for (size_t begin = 0; begin < sizeof url; begin++) {
        for (size_t end = begin; end < sizeof url; end++) {
            uint8_t *copy = malloc(end - begin + 1);
            memcpy(copy + 1, url + begin, end - begin);
            span_t s = {copy + 1, end - begin};
            func_ext(s);
            func_urlhost(s);
            for (uint64_t n = 1; n < 6; n++) {
                func_segment(s, n);
            }
            free(copy);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ext_is_behind_the_last_dot_of_the_name),
        cmocka_unit_test(test_segment_counts_from_one),
        cmocka_unit_test(test_urlhost_is_the_bare_host),
        cmocka_unit_test(test_hours_and_weekdays_are_of_utc),
        cmocka_unit_test(test_lower_touches_ascii_only),
        cmocka_unit_test(test_every_piece_of_a_url_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
