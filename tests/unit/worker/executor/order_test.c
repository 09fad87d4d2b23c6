// SPDX-License-Identifier: Apache-2.0
#include "worker/executor/order.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

static order_t in, out;

static void
encode(buf_t *bytes)
{
    in = (order_t){.budget = 1u << 20,
        .query = "count by status",
        .format = "auto",
        .validate = true,
        .pack = true,
        .n_ranges = 2};
    in.ranges[0] = (order_range_t){.file = 3,
        .compression = 1,
        .id = {.device = 5, .inode = 6, .size = 7, .mtime_ns = -8},
        .begin = 1,
        .end = 7,
        .host = "web1",
        .path = "/var/log/a"};
    in.ranges[0].id.hash[15] = 0xab;
    in.ranges[1] = (order_range_t){.stream = true,
        .guessed = true,
        .id.shared = true,
        .host = "",
        .path = "-"};
    order_encode(&in, bytes);
}

static void
test_an_order_comes_back_as_it_was(void **state)
{
    buf_t bytes = {0};

    (void)state;
    encode(&bytes);
    CHECK_OK(order_decode(buf_span(&bytes), &out));
    CHECK_U64(out.budget, in.budget);
    assert_string_equal(out.query, in.query);
    assert_string_equal(out.format, in.format);
    assert_true(out.validate && out.pack);
    CHECK_U64(out.n_ranges, 2);
    CHECK_U64(out.ranges[0].file, 3);
    assert_memory_equal(&out.ranges[0].id.hash, &in.ranges[0].id.hash, 16);
    assert_int_equal(out.ranges[0].id.mtime_ns, -8);
    CHECK_U64(out.ranges[0].end, 7);
    assert_string_equal(out.ranges[0].host, "web1");
    assert_string_equal(out.ranges[1].path, "-");
    assert_true(out.ranges[1].guessed && !out.ranges[0].guessed);
    assert_true(out.ranges[1].stream && out.ranges[1].id.shared);
    buf_fini(&bytes);
}

static void
test_a_cut_or_longer_order_is_refused(void **state)
{
    buf_t bytes = {0};

    (void)state;
    encode(&bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        assert_int_not_equal(
            order_decode((span_t){bytes.p, len}, &out), ERR_OK);
    }
    buf_put_u8(&bytes, 0);
    CHECK_ERR(order_decode(buf_span(&bytes), &out), ERR_MALFORMED);
    buf_fini(&bytes);
}

static void
test_a_flipped_bit_is_refused_or_harmless(void **state)
{
    buf_t bytes = {0};

    (void)state;
    encode(&bytes);
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        bytes.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (order_decode(buf_span(&bytes), &out) == ERR_OK) {
            assert_true(out.n_ranges <= LIMIT_SHARD_RANGES);
            assert_true(strlen(out.query) <= LIMIT_QUERY_TEXT);
            assert_true(strlen(out.ranges[0].path) <= LIMIT_PATH);
        }
        bytes.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_fini(&bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_order_comes_back_as_it_was),
        cmocka_unit_test(test_a_cut_or_longer_order_is_refused),
        cmocka_unit_test(test_a_flipped_bit_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
