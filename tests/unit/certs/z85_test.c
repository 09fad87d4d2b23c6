// SPDX-License-Identifier: Apache-2.0
#include "certs/z85.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>
#include <zmq.h>

// The example of RFC 32, four times.
#define HELLO_BYTES "\x86\x4F\xD2\x6F\xB5\x59\xF7\x5B"
#define HELLO_TEXT  "HelloWorld"

static void
test_the_example_of_the_rfc(void **state)
{
    static const char key[] = HELLO_BYTES HELLO_BYTES HELLO_BYTES HELLO_BYTES;
    char text[KEY_TEXT_LEN + 1];
    uint8_t back[KEY_LEN];

    (void)state;
    z85_encode_key((const uint8_t *)key, text);
    assert_string_equal(text, HELLO_TEXT HELLO_TEXT HELLO_TEXT HELLO_TEXT);
    CHECK_OK(z85_decode_key(span_str(text), back));
    assert_memory_equal(back, key, KEY_LEN);
}

static void
test_agrees_with_libzmq(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        uint8_t key[KEY_LEN];
        uint8_t back[KEY_LEN];
        char ours[KEY_TEXT_LEN + 1];
        char theirs[KEY_TEXT_LEN + 1];
        for (unsigned k = 0; k < KEY_LEN; k++) {
            key[k] = (uint8_t)(i * (k + 1) + k);
        }
        z85_encode_key(key, ours);
        assert_non_null(zmq_z85_encode(theirs, key, KEY_LEN));
        assert_string_equal(ours, theirs);
        CHECK_OK(z85_decode_key(span_str(ours), back));
        assert_memory_equal(back, key, KEY_LEN);
    }
}

static void
test_anything_but_one_key_is_refused(void **state)
{
    char text[] = HELLO_TEXT HELLO_TEXT HELLO_TEXT HELLO_TEXT;
    uint8_t out[KEY_LEN];

    (void)state;
    for (size_t len = 0; len < KEY_TEXT_LEN; len++) {
        CHECK_ERR(
            z85_decode_key((span_t){(uint8_t *)text, len}, out), ERR_MALFORMED);
    }
    CHECK_ERR(
        z85_decode_key(
            SPAN_LIT(HELLO_TEXT HELLO_TEXT HELLO_TEXT HELLO_TEXT "Hello"), out),
        ERR_MALFORMED);
    // "#####" is 85^5 - 1, more than 32 bits.
    memcpy(text, "#####", 5);
    CHECK_ERR(z85_decode_key(span_str(text), out), ERR_MALFORMED);
    memcpy(text, "Hell\"", 5);
    CHECK_ERR(z85_decode_key(span_str(text), out), ERR_MALFORMED);
    memcpy(text, "Hel\0o", 5);
    CHECK_ERR(z85_decode_key((span_t){(uint8_t *)text, KEY_TEXT_LEN}, out),
        ERR_MALFORMED);
    memcpy(text, "Hel\xf0o", 5);
    CHECK_ERR(z85_decode_key((span_t){(uint8_t *)text, KEY_TEXT_LEN}, out),
        ERR_MALFORMED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_example_of_the_rfc),
        cmocka_unit_test(test_agrees_with_libzmq),
        cmocka_unit_test(test_anything_but_one_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
