// SPDX-License-Identifier: Apache-2.0
#include "common/base/xalloc.h"
#include "common/result/output_inside.h"
#include "tests/unit/common/result/table.h"

#include <stdlib.h>
#include <string.h>

static void
check_escape(void (*put)(span_t, buf_t *), span_t text, const char *want)
{
    buf_t out = {0};

    put(text, &out);
    buf_put_u8(&out, 0);
    assert_string_equal((const char *)out.p, want);
    buf_fini(&out);
}

static void
test_markup_in_a_text_is_text(void **state)
{
    (void)state;
    check_escape(html_text, SPAN_LIT("<b onclick=\"x\" a='1'>&amp;"),
        "&lt;b onclick=&quot;x&quot; a=&#39;1&#39;&gt;&amp;amp;");
    check_escape(html_text, SPAN_LIT("a\0b\xff\n\xe2\x80\xae \xc3\xa9"),
        "a\\x00b\\xff\\x0a\\xe2\\x80\\xae \xc3\xa9");
    check_escape(html_text, SPAN_LIT(""), "");
}

static void
test_a_string_for_the_script_cannot_end_it(void **state)
{
    (void)state;
    check_escape(html_json, SPAN_LIT("</script><!--"),
        "\"\\u003c/script\\u003e\\u003c!--\"");
    check_escape(html_json, SPAN_LIT("a\"b\\c&'d"),
        "\"a\\u0022b\\u005cc\\u0026\\u0027d\"");
    check_escape(html_json, SPAN_LIT("\xe2\x80\xa8\n"),
        "\"\\u005cxe2\\u005cx80\\u005cxa8\\u005cx0a\"");
}

// The page of one group.
static const char *
page_of(fixture_t *t, const char *text, uint64_t n)
{
    table_init(t, "count by path");
    table_add(t, n, TEXT(text));
    table_build(t);
    return table_print(t, OUTPUT_HTML, true, 0);
}

static void
test_rows_are_there_without_a_script(void **state)
{
    fixture_t t;
    const char *page = page_of(&t, "/a<b", 1234567);

    (void)state;
    assert_non_null(strstr(page, "<th scope=col>path</th>"));
    assert_non_null(
        strstr(page, "<tr><td>/a&lt;b</td><td class=n>1,234,567</td></tr>"));
    table_fini(&t);
}

static void
test_a_number_that_is_a_key_keeps_its_digits(void **state)
{
    fixture_t t;

    (void)state;
    table_init(&t, "count by port");
    table_add(&t, 12345, NUMBER(44321));
    table_add(&t, 2, MISSING);
    table_build(&t);
    const char *page = table_print(&t, OUTPUT_HTML, true, 0);
    assert_non_null(
        strstr(page, "<tr><td class=n>44321</td><td class=n>12,345</td></tr>"));
    assert_non_null(strstr(page, "<td class=\"n none\">-</td>"));
    table_fini(&t);
}

// Only what the policy names by its hash may run.
static void
test_nothing_is_asked_of_anybody(void **state)
{
    static const char *const never[] = {"unsafe-inline", "unsafe-eval",
        "src=", "http-equiv=\"refresh", "@import", " url(",
        " onclick=", "style="};
    fixture_t t;
    const char *page = page_of(&t, "/a", 1);
    const char *charts = strstr(page, "\n<script>");

    (void)state;
    assert_non_null(strstr(page, "default-src 'none'"));
    assert_non_null(charts);
    size_t own = (size_t)(charts - page);
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        assert_null(memmem(page, own, never[i], strlen(never[i])));
    }
    table_fini(&t);
}

static void
test_a_page_says_first_that_it_is_incomplete(void **state)
{
    fixture_t t;

    (void)state;
    table_init(&t, "count");
    table_build(&t);
    t.result->receipt.complete = true;
    assert_null(strstr(table_print(&t, OUTPUT_HTML, true, 0), "Incomplete"));
    t.result->receipt.complete = false;
    receipt_add_missing(&t.result->receipt, "web2:/var/log/<x>: it is gone");
    const char *page = table_print(&t, OUTPUT_HTML, true, 0);
    assert_true(strstr(page, "Incomplete") < strstr(page, "<main"));
    assert_non_null(
        strstr(page, "<li>web2:/var/log/&lt;x&gt;: it is gone</li>"));
    table_fini(&t);
}

static void
test_each_of_several_has_its_place(void **state)
{
    fixture_t a, b;

    (void)state;
    table_init(&a, "count");
    table_build(&a);
    table_init(&b, "count by path");
    table_build(&b);
    a.result->name = xstrdup("all");
    b.result->name = xstrdup("paths");
    a.result->next = b.result;
    const char *page = table_print(&a, OUTPUT_HTML, true, 0);
    assert_non_null(strstr(page, "<title>all, paths - logtally</title>"));
    assert_non_null(strstr(page, "<a href=\"#r1\">paths</a>"));
    assert_non_null(strstr(page, "<h2 id=\"h1\">paths</h2>"));
    assert_non_null(strstr(page, "<p>No row.</p>"));
    assert_non_null(strstr(page, "{\"shape\":\"figures\""));
    b.result = NULL;
    table_fini(&a);
    table_fini(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_markup_in_a_text_is_text),
        cmocka_unit_test(test_a_string_for_the_script_cannot_end_it),
        cmocka_unit_test(test_rows_are_there_without_a_script),
        cmocka_unit_test(test_a_number_that_is_a_key_keeps_its_digits),
        cmocka_unit_test(test_nothing_is_asked_of_anybody),
        cmocka_unit_test(test_a_page_says_first_that_it_is_incomplete),
        cmocka_unit_test(test_each_of_several_has_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
