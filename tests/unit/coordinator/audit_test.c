// SPDX-License-Identifier: Apache-2.0
#include "coordinator/audit.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

static const audit_pair_t pairs[] = {
    {"key", "alice"}, {"query", "where a ~ \"x\"\n\033[31m"}, {NULL, NULL}};

static void
make(buf_t *out, int n)
{
    audit_chain_t chain = {0};

    for (int i = 0; i < n; i++) {
        audit_put(&chain, 1700000000 + i, "submit", pairs, out);
    }
}

static errcode_t
take(span_t bytes, audit_chain_t *chain)
{
    size_t good;

    *chain = (audit_chain_t){0};
    return audit_take_all(chain, bytes, &good);
}

static void
test_a_chain_is_followed(void **state)
{
    audit_chain_t chain;
    buf_t text = {0};

    (void)state;
    make(&text, 5);
    CHECK_OK(take(buf_span(&text), &chain));
    CHECK_U64(chain.n, 5);
    buf_fini(&text);
}

static void
test_values_cannot_make_lines_of_their_own(void **state)
{
    buf_t text = {0};

    (void)state;
    make(&text, 1);
    assert_ptr_equal(memchr(text.p, '\n', text.len), text.p + text.len - 1);
    assert_null(memchr(text.p, '\033', text.len));
    assert_non_null(memmem(text.p, text.len, "\\x22x\\x22\\x0a\\x1b[31m", 19));
    buf_fini(&text);
}

static void
test_no_bit_can_be_turned(void **state)
{
    audit_chain_t chain;
    buf_t text = {0};

    (void)state;
    make(&text, 3);
    for (size_t i = 0; i < 8 * text.len; i++) {
        text.p[i / 8] ^= (uint8_t)(1u << i % 8);
        if (take(buf_span(&text), &chain) == ERR_OK) {
            fail_msg("bit %zu", i);
        }
        text.p[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    buf_fini(&text);
}

static void
test_a_line_cannot_be_left_out_or_moved(void **state)
{
    audit_chain_t chain;
    buf_t text = {0};
    buf_t other = {0};

    (void)state;
    make(&text, 3);
    const uint8_t *second = text.p + text.len / 3;
    const uint8_t *third = second + text.len / 3;
    size_t tail = text.len - (size_t)(third - text.p);

    CHECK_ERR(
        take((span_t){second, text.len - (size_t)(second - text.p)}, &chain),
        ERR_CORRUPT);
    buf_put(&other, text.p, (size_t)(second - text.p));
    buf_put(&other, third, tail);
    CHECK_ERR(take(buf_span(&other), &chain), ERR_CORRUPT);
    CHECK_U64(chain.n, 1);
    buf_clear(&other);
    buf_put_span(&other, buf_span(&text));
    buf_put(&other, third, tail);
    CHECK_ERR(take(buf_span(&other), &chain), ERR_CORRUPT);
    buf_fini(&text);
    buf_fini(&other);
}

static void
test_every_truncation_is_seen(void **state)
{
    audit_chain_t chain;
    buf_t text = {0};

    (void)state;
    make(&text, 2);
    size_t line = text.len / 2;
    for (size_t i = 1; i < text.len; i++) {
        errcode_t rc = take((span_t){text.p, i}, &chain);
        CHECK_ERR(rc, i == line ? ERR_OK : ERR_TRUNCATED);
        CHECK_U64(chain.n, i < line ? 0 : 1);
    }
    buf_fini(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chain_is_followed),
        cmocka_unit_test(test_values_cannot_make_lines_of_their_own),
        cmocka_unit_test(test_no_bit_can_be_turned),
        cmocka_unit_test(test_a_line_cannot_be_left_out_or_moved),
        cmocka_unit_test(test_every_truncation_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
