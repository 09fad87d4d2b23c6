// SPDX-License-Identifier: Apache-2.0
#include "common/net/curve_socket.h"

#include "tests/unit/cmocka_all.h"

#include "common/net/curve_inside.h"

#include <stdio.h>
#include <string.h>

static void
check_resolved(const char *text, const char *wanted)
{
    char out[256];
    buf_t why = {0};

    CHECK_OK(endpoint_resolve(text, 7700, out, &why));
    assert_string_equal(out, wanted);
    buf_fini(&why);
}

static void
test_addresses_become_numeric_endpoints(void **state)
{
    (void)state;
    check_resolved("tcp://127.0.0.1:7701", "tcp://127.0.0.1:7701");
    check_resolved("127.0.0.1:1", "tcp://127.0.0.1:1");
    check_resolved("127.0.0.1", "tcp://127.0.0.1:7700");
    check_resolved("tcp://127.0.0.1", "tcp://127.0.0.1:7700");
    check_resolved("::1", "tcp://[::1]:7700");
    check_resolved("tcp://[::1]:65535", "tcp://[::1]:65535");
    check_resolved("localhost:80", "tcp://127.0.0.1:80");
}

static void
test_what_is_no_address_is_told(void **state)
{
    static const char *const bad[] = {"", "tcp://", ":7700", "a:", "a:0",
        "a:65536", "a:99999999999999999999", "a:7x", "a:-1", "ipc://a",
        "tcp://a/b", "http://a:1", "[::1", "[::1]7", "[]:7"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char out[256];
        buf_t why = {0};
        errcode_t rc = endpoint_resolve(bad[i], 7700, out, &why);
        if (rc != ERR_CONFIG) {
            fail_msg("%s: %s", bad[i], err_text(rc));
        }
        assert_non_null(memmem(why.p, why.len, "tcp://HOST:PORT", 15));
        buf_fini(&why);
    }
}

static void
test_an_over_long_name_is_no_address(void **state)
{
    char name[1000];
    char out[256];
    buf_t why = {0};

    (void)state;
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK_ERR(endpoint_resolve(name, 7700, out, &why), ERR_CONFIG);
    buf_fini(&why);
}

// As long as it may be with its scheme and its end.
static bool
takes_name(uint64_t len)
{
    static const char scheme[] = "inproc://";
    char name[LIMIT_ENDPOINT + 1] = {0};
    char out[LIMIT_ENDPOINT];

    memset(name, 'a', len - sizeof scheme);
    bool taken = monitor_endpoint(name, out);
    assert_true(!taken || strlen(out) == len - 1);
    return taken;
}

static void
test_the_longest_name_of_a_monitor(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_ENDPOINT, takes_name);
}

static void
test_every_state_has_its_sentence(void **state)
{
    (void)state;
    for (int i = DIAL_CONNECTING; i <= DIAL_LOST; i++) {
        buf_t text = {0};
        dial_explain((dial_state_t)i, "tcp://127.0.0.1:7700", "ab-cd", &text);
        assert_non_null(memmem(text.p, text.len, "127.0.0.1:7700", 14));
        assert_int_equal(
            memmem(text.p, text.len, "ab-cd", 5) != NULL, i == DIAL_REFUSED);
        buf_fini(&text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_become_numeric_endpoints),
        cmocka_unit_test(test_what_is_no_address_is_told),
        cmocka_unit_test(test_an_over_long_name_is_no_address),
        cmocka_unit_test(test_the_longest_name_of_a_monitor),
        cmocka_unit_test(test_every_state_has_its_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
