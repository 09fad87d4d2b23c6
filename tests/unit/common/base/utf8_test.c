// SPDX-License-Identifier: Apache-2.0
#include "common/base/utf8.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

// As RFC 3629 writes it, without asking whether it may be written.
static size_t
encode(uint32_t c, uint8_t out[4])
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6) {
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
    }
    out[0] = (uint8_t)(0xf00u >> n | c);
    return n;
}

static void
test_every_character_is_read(void **state)
{
    uint8_t bytes[4];

    (void)state;
    for (uint32_t c = 0; c <= 0x110000; c++) {
        size_t n = encode(c, bytes);
        uint32_t got = UINT32_MAX;
        bool wrong = (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff;
        assert_true(utf8_next(bytes, n, &got) == (wrong ? 0 : n));
        assert_true(wrong || got == c);
    }
}

static void
test_cut_sequences_are_refused(void **state)
{
    static const char *const whole[] = {
        "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    uint32_t code;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        size_t len = strlen(whole[i]);
        for (size_t cut = 1; cut < len; cut++) {
            uint8_t bytes[4] = {0};
            memcpy(bytes, whole[i], cut);
            CHECK_U64(utf8_next(bytes, cut, &code), 0);
            CHECK_U64(utf8_next(bytes, len, &code), 0); // zeroes follow
        }
    }
}

static void
test_longer_forms_and_stray_bytes_are_refused(void **state)
{
    static const char *const wrong[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf",
        "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "\xff", "\xc3(",
        "\xe2\x82(", "\xf8\x88\x80\x80\x80"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(utf8_is_valid(span_str(wrong[i])));
    }
    assert_true(utf8_is_valid(SPAN_LIT("")));
    assert_true(utf8_is_valid(SPAN_LIT("a\0b caf\xc3\xa9")));
    assert_false(utf8_is_valid(SPAN_LIT("fine, then \xc3")));
}

static void
test_what_hides_or_turns_text_is_harmful(void **state)
{
    static const uint32_t harmful[] = {0, '\n', '\t', 0x1b, 0x7f, 0x80, 0x9b,
        0xad, 0x61c, 0x200b, 0x200e, 0x200f, 0x2028, 0x202a, 0x202e, 0x2066,
        0x2069, 0xfeff, 0xe0041};
    static const uint32_t fine[] = {
        ' ', '~', 0xa0, 0xe9, 0x20ac, 0x4e2d, 0x1f600, 0xfffd};

    (void)state;
    for (size_t i = 0; i < sizeof harmful / sizeof *harmful; i++) {
        assert_true(utf8_is_harmful(harmful[i]));
    }
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        assert_false(utf8_is_harmful(fine[i]));
    }
}

static void
test_characters_are_counted_not_bytes(void **state)
{
    (void)state;
    CHECK_U64(utf8_count(SPAN_LIT("")), 0);
    CHECK_U64(utf8_count(SPAN_LIT("caf\xc3\xa9")), 4);
    CHECK_U64(utf8_count(SPAN_LIT("\xf0\x9f\x98\x80 \xff\xfe")), 4);
}

// Two adjoining bytes at a time: nothing a terminal obeys gets through, and
// what does get through is as it was.
static void
test_safe_text_is_safe_for_all_pairs_of_bytes(void **state)
{
    buf_t out = {0};

    (void)state;
    for (unsigned pair = 0; pair < 65536; pair++) {
        uint8_t bytes[2] = {(uint8_t)(pair >> 8), (uint8_t)pair};
        uint32_t code;
        buf_clear(&out);
        utf8_put_safe((span_t){bytes, 2}, "", &out);
        for (size_t i = 0; i < out.len;) {
            size_t n = utf8_next(out.p + i, out.len - i, &code);
            assert_true(n > 0 && !utf8_is_harmful(code));
            i += n;
        }
    }
    buf_fini(&out);
}

static void
test_other_characters_can_be_escaped_too(void **state)
{
    buf_t out = {0};

    (void)state;
    utf8_put_safe(SPAN_LIT("a|b\\\0|"), "|\\", &out);
    CHECK_SPAN(buf_span(&out), "a\\|b\\\\\\x00\\|");
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_character_is_read),
        cmocka_unit_test(test_cut_sequences_are_refused),
        cmocka_unit_test(test_longer_forms_and_stray_bytes_are_refused),
        cmocka_unit_test(test_what_hides_or_turns_text_is_harmful),
        cmocka_unit_test(test_characters_are_counted_not_bytes),
        cmocka_unit_test(test_safe_text_is_safe_for_all_pairs_of_bytes),
        cmocka_unit_test(test_other_characters_can_be_escaped_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
