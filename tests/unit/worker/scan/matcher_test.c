// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/worker/scan/matcher_check.h"

#include "tests/unit/cmocka_all.h"

#define EVERY_FIELD ((1u << FIELD_COUNT) - 1)

static const char *const lines[] = {
    "192.0.2.7 - - [14/Nov/2023:22:00:00 +0000] \"GET /a HTTP/1.1\" 200 5 "
    "\"-\" \"Mozilla/5.0 (X11; Linux)\"",
    "192.0.2.7 - frank smith [10/Oct/2023:13:55:36 -0700] \"GET /a\\\"b?c=d e "
    "HTTP/1.1\" 404 2326 \"-\" \"Mozilla\" 0.5 x",
    "::1 - - [x] \"\" 999 - \"\" \"\"",
    "a b c [d e] \"f\" g h",
    "a b c [d e] \"f\" g h \"i\" \"j\"\r",
    "a b c [d e] \"f\" g h \"i\" \"j\" ",
    "a b c [d e] \"f\" g h \"i\" \"j\" \"k",
    "a b c [d] \"f\" g h \"i\" \"j\"",
    "a \"b c [d e] \"f\" g h \"i\" \"j\"",
    "a b  [d e] \"f\" g h \"i\" \"j\"",
    " a b c [d e] \"f\" g h \"i\" \"j\"",
    "w:80 a b c [d e] \"f\" g h \"i\" \"j\"",
    "w:80 a b c [d e] \"f\" g h\r",
    ":80 a b c [d e] \"f\" g h",
    "w a b c [d e] \"f g\" g h",
    "a b c [d e] \"\"\" g h \"i\" \"j\"",
    "a b c [d e]  \"f\" g h \"i\" \"j\"",
    "a b c [d e] \"f\" g  h \"i\" \"j\"",
    "",
    "\r",
    "no line of any format",
};

#define N_LINES (sizeof lines / sizeof *lines)

static uint64_t
next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

// Lines of the list, one in three with a byte that is another.
static void
put_lines(buf_t *out, uint64_t *seed, unsigned n)
{
    static const char bytes[] = " \"\\[]:\r\nx-";

    for (unsigned i = 0; i < n; i++) {
        const char *line = lines[next(seed) % 4 == 0 ? next(seed) % N_LINES
                                                     : next(seed) % 2 * 4];
        size_t at = out->len;
        buf_put_str(out, line);
        if (next(seed) % 3 == 0 && out->len > at) {
            out->p[at + next(seed) % (out->len - at)] =
                (uint8_t)bytes[next(seed) % (sizeof bytes - 1)];
        }
        buf_put_str(out, "\n");
    }
}

static size_t
check_format(const format_t *format, const buf_t *text, uint32_t fields)
{
    check_made_t made;

    check_make(format, fields, &made);
    size_t usual = check_finders(&made, buf_span(text));
    check_unmake(&made);
    return usual;
}

static size_t
check_all(const buf_t *text, uint32_t fields)
{
    size_t usual = 0;

    for (size_t f = 0; f < format_count(); f++) {
        usual += check_format(format_at(f), text, fields);
    }
    for (size_t i = 0; check_given(i) != NULL; i++) {
        usual += check_format(check_given(i), text, fields);
    }
    return usual;
}

static void
add_pad(buf_t *text)
{
    buf_reserve(text, SHAPE_PAD);
    memset(text->p + text->len, '"', SHAPE_PAD);
}

static void
test_usual_lines_are_those_that_format_match_accepts(void **state)
{
    uint64_t seed = 3;

    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        buf_t text = {0};
        put_lines(&text, &seed, 1 + round % 40);
        add_pad(&text);
        (void)check_all(&text, round % 2 == 0 ? EVERY_FIELD : 0);
        buf_fini(&text);
    }
}

// More than one window, and lines that are longer than one.
static void
test_windows_do_not_show(void **state)
{
    uint64_t seed = 5;
    buf_t text = {0};

    (void)state;
    for (unsigned i = 0; i < 12; i++) {
        put_lines(&text, &seed, 60);
        buf_put_str(&text, "a b c [d e] \"");
        for (unsigned k = 0; k < 1000 * i; k++) {
            buf_put_str(&text, i % 2 == 0 ? "fgh" : "f g");
        }
        buf_put_str(&text, "\" g h \"i\" \"j\"\n");
    }
    add_pad(&text);
    assert_true(check_all(&text, EVERY_FIELD) > 100);
    buf_fini(&text);
}

static void
test_common_lines_are_taken_by_their_shape(void **state)
{
    const format_t *combined;
    buf_t text = {0};

    (void)state;
    CHECK_OK(format_find("combined", &combined));
    for (unsigned i = 0; i < 700; i++) {
        buf_printf(&text, "%s\n", lines[0]);
    }
    add_pad(&text);
    assert_int_equal(check_matcher(combined, tokens_finder(), buf_span(&text),
                         1u << FIELD_STATUS),
        700);
    buf_fini(&text);
}

// A byte between two fields that stands in others as well.
static void
test_fields_that_a_byte_joins_are_cut(void **state)
{
    static const char *const usual[] = {
        "w:80 a b c [14/Nov/2023:22:00:00 +0000] \"g:h\" 200 5 \"i\" \"j\"",
        "w:80:a a b c [14/Nov/2023:22:00:00 +0000] \"g:h\" 200 5",
        "w:80: 7/8 [x y] 5:200", "1|200:5 \"ab\" w:80", "200:5:80 a/b/c/d"};
    static const char *const others[] = {
        ":80 a b c [14/Nov/2023:22:00:00 +0000] \"g:h\" 200 5 \"i\" \"j\"",
        "w: a b c [14/Nov/2023:22:00:00 +0000] \"g:h\" 200 5",
        "w:80 7/8 [x y] 5", "::1|200:5 \"a:|b\" w:::80", "200:5:80 a b/c"};

    (void)state;
    for (size_t i = 0; check_given(i) != NULL; i++) {
        buf_t text = {0};
        buf_printf(&text, "%s\n%s\n", usual[i], others[i]);
        add_pad(&text);
        shape_t shape;
        size_t n = check_matcher(
            check_given(i), tokens_finder(), buf_span(&text), EVERY_FIELD);
        if (n != shape_make(check_given(i), &shape)) {
            fail_msg("%zu usual lines of format %zu", n, i);
        }
        buf_fini(&text);
    }
}

static void
test_formats_of_web_servers_have_a_shape(void **state)
{
    static const char *const names[] = {"combined", "common", "vhost_combined",
        "vhost_common", "combined+time", "combined+us", "lighttpd",
        "lighttpd+io", "traefik", "k8s_ingress_nginx", "envoy", "squid", "s3",
        "elb", "alb"};
    shape_t shape;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const format_t *format;
        CHECK_OK(format_find(names[i], &format));
        if (!shape_make(format, &shape) || shape.n_tokens < 7) {
            fail_msg("%s has none", names[i]);
        }
    }
}

static void
test_a_line_begins_with_its_lead(void **state)
{
    const format_t *format;
    format_t *owned;
    query_error_t error;
    buf_t text = {0};

    (void)state;
    CHECK_OK(format_open("\"$ip\" $status", &format, &owned, &error));
    buf_put_str(&text, "\"a\" 1\nx\"b\" 2\n\"c\" 3\n");
    add_pad(&text);
    assert_int_equal(check_format(format, &text, EVERY_FIELD),
        2 * check_format(format, &(buf_t){.p = text.p, .len = 6}, 0));
    buf_fini(&text);
    format_destroy(&owned);
}

static void
test_what_goes_on_behind_the_rest_has_no_shape(void **state)
{
    const format_t *format;
    format_t *owned;
    query_error_t error;
    shape_t shape;

    (void)state;
    CHECK_OK(format_open("$*.$ip", &format, &owned, &error));
    assert_false(shape_make(format, &shape));
    format_destroy(&owned);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usual_lines_are_those_that_format_match_accepts),
        cmocka_unit_test(test_windows_do_not_show),
        cmocka_unit_test(test_common_lines_are_taken_by_their_shape),
        cmocka_unit_test(test_fields_that_a_byte_joins_are_cut),
        cmocka_unit_test(test_a_line_begins_with_its_lead),
        cmocka_unit_test(test_what_goes_on_behind_the_rest_has_no_shape),
        cmocka_unit_test(test_formats_of_web_servers_have_a_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
