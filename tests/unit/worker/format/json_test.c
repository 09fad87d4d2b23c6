// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/worker/format/json_naive.h"
#include "worker/format/json.h"

#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

static bool
reads(const char *line, const char *name, json_value_t *out)
{
    json_names_t names = {.n = name != NULL};
    json_value_t none;

    if (name != NULL) {
        names.names[0] = span_str(name);
    }
    return json_read(span_str(line), &names, name != NULL ? out : &none);
}

static void
assert_value(
    const char *line, const char *name, json_kind_t kind, const char *raw)
{
    json_value_t v;

    assert_true(reads(line, name, &v));
    assert_int_equal(v.kind, kind);
    if (raw != NULL) {
        assert_int_equal(v.raw.len, strlen(raw));
        assert_memory_equal(v.raw.p, raw, v.raw.len);
    }
}

static void
test_members_of_every_kind_are_found(void **state)
{
    static const char line[] =
        "{\"t\":\"x y\", \"n\" : -1.5e3,\"y\":true,\"f\":false,\"z\":null,"
        "\"o\":{},\"a\":[1,2],\"last\":\"\"}";

    (void)state;
    assert_value(line, "t", JSON_TEXT, "x y");
    assert_value(line, "n", JSON_NUMBER, "-1.5e3");
    assert_value(line, "y", JSON_TRUE, "true");
    assert_value(line, "f", JSON_FALSE, "false");
    assert_value(line, "z", JSON_NULL, "null");
    assert_value(line, "o", JSON_NESTED, NULL);
    assert_value(line, "a", JSON_NESTED, NULL);
    assert_value(line, "last", JSON_TEXT, "");
    assert_value(line, "la", JSON_ABSENT, NULL);
    assert_value(line, "last2", JSON_ABSENT, NULL);
}

static void
test_dots_lead_into_objects_and_arrays(void **state)
{
    static const char line[] =
        "{\"a\":{\"b\":{\"c\":1},\"b2\":2},\"h\":{\"UA\":[\"x\",{\"k\":3}]},"
        "\"d.e\":4,\"f\":[[5,6]],\"a2\":{\"b\":7}}";

    (void)state;
    assert_value(line, "a.b.c", JSON_NUMBER, "1");
    assert_value(line, "a.b", JSON_NESTED, NULL);
    assert_value(line, "a.b2", JSON_NUMBER, "2");
    assert_value(line, "h.UA.0", JSON_TEXT, "x");
    assert_value(line, "h.UA.1.k", JSON_NUMBER, "3");
    assert_value(line, "h.UA.2", JSON_ABSENT, NULL);
    assert_value(line, "d.e", JSON_NUMBER, "4");
    assert_value(line, "f.0.1", JSON_NUMBER, "6");
    assert_value(line, "b", JSON_ABSENT, NULL);
    assert_value(line, "a2.b", JSON_NUMBER, "7");
    assert_value(line, "c", JSON_ABSENT, NULL);
}

static void
test_of_duplicates_the_last_one_counts(void **state)
{
    (void)state;
    assert_value("{\"a\":1,\"a\":2}", "a", JSON_NUMBER, "2");
    assert_value("{\"a\":1,\"a\":null}", "a", JSON_NULL, NULL);
    assert_value("{\"a.b\":1,\"a\":{\"b\":2}}", "a.b", JSON_NUMBER, "2");
}

static void
test_escaped_keys_are_known_by_what_they_mean(void **state)
{
    (void)state;
    assert_value("{\"\\u0061\":1}", "a", JSON_NUMBER, "1");
    assert_value("{\"a\\/b\":1}", "a/b", JSON_NUMBER, "1");
}

static void
test_escapes_are_undone(void **state)
{
    static const char line[] =
        "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\u20AC\\ud83d\\ude00|"
        "\\ud83d|\\ude00\"}";
    static const char want[] =
        "\"\\/\b\f\n\r\t\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80|\xef\xbf\xbd|"
        "\xef\xbf\xbd";
    json_value_t v;
    uint8_t out[sizeof line];

    (void)state;
    assert_true(reads(line, "a", &v));
    assert_true(v.escaped);
    assert_int_equal(json_unescape(v.raw, out), sizeof want - 1);
    assert_memory_equal(out, want, sizeof want - 1);
}

static void
test_what_is_no_object_is_refused(void **state)
{
    static const char *const wrong[] = {"", " ", "{", "}", "[]", "1", "\"a\"",
        "null", "{}x", "{},{}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}",
        "{\"a\":1 \"b\":2}", "{a:1}", "{'a':1}", "{\"a\":01}", "{\"a\":+1}",
        "{\"a\":1.}", "{\"a\":.5}", "{\"a\":1e}", "{\"a\":-}", "{\"a\":nul}",
        "{\"a\":True}", "{\"a\":NaN}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\t\"}", "{\"a\":\"x}", "{\"a\":[1,]}", "{\"a\":[1}",
        "{\"a\":{]}", "{\"a\":[,1]}", "{\"a\" 1}", "{\"a\":\"\\u12\"}"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (reads(wrong[i], NULL, NULL)) {
            fail_msg("accepted: %s", wrong[i]);
        }
    }
}

static void
test_odd_objects_are_accepted(void **state)
{
    static const char *const right[] = {"{}", " { } ", "{\"\":\"\"}",
        "{\"a\":\"\\ud800\"}", "{\"a\":\"\\u0000\"}", "{\"a\":\"\xff\xfe\"}",
        "{\"a\":1e999}", "{\"a\":99999999999999999999999}", "{\"a\":-0}",
        "{\"a\":[]}", "{\"a\":[[],{}]}", "{\"a\" :\t1 , \"b\":[ 1 , 2 ] }"};

    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        if (!reads(right[i], NULL, NULL)) {
            fail_msg("refused: %s", right[i]);
        }
    }
}

static bool
reads_nested(uint64_t levels)
{
    char line[4 * LIMIT_JSON_DEPTH + 8] = "{\"a\":";
    size_t n = 5;

    memset(line + n, '[', levels - 1);
    n += levels - 1;
    memset(line + n, ']', levels - 1);
    n += levels - 1;
    line[n] = '}';
    line[n + 1] = '\0';
    return reads(line, NULL, NULL);
}

static void
test_depth_is_bounded(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_JSON_DEPTH, reads_nested);
}

static void
check_bytes(const uint8_t *p, size_t len)
{
    json_names_t names = {.names = {SPAN_LIT("a.b"), SPAN_LIT("s")}, .n = 2};
    json_value_t values[2];
    uint8_t *exact = malloc(len + (len == 0)); // asan sees its ends

    memcpy(exact, p, len);
    span_t text = {exact, len};
    assert_int_equal(json_read(text, &names, values), naive_object(text));
    free(exact);
}

static void
test_every_cut_and_every_flipped_bit_agrees_with_a_naive_reader(void **state)
{
    static const char line[] =
        "{\"a\":{\"b\":[1,-2.5e+3,{}]},\"s\":\"x\\\"\\u00e4\xc3\xa4\","
        "\"t\":true,\"f\":false,\"z\":null, \"e\":[] }";
    uint8_t copy[sizeof line];

    (void)state;
    for (size_t len = 0; len < sizeof line; len++) {
        check_bytes((const uint8_t *)line, len);
    }
    for (size_t bit = 0; bit < 8 * (sizeof line - 1); bit++) {
        memcpy(copy, line, sizeof line);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        check_bytes(copy, sizeof line - 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_of_every_kind_are_found),
        cmocka_unit_test(test_dots_lead_into_objects_and_arrays),
        cmocka_unit_test(test_of_duplicates_the_last_one_counts),
        cmocka_unit_test(test_escaped_keys_are_known_by_what_they_mean),
        cmocka_unit_test(test_escapes_are_undone),
        cmocka_unit_test(test_what_is_no_object_is_refused),
        cmocka_unit_test(test_odd_objects_are_accepted),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(
            test_every_cut_and_every_flipped_bit_agrees_with_a_naive_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
