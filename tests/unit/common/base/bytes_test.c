// SPDX-License-Identifier: Apache-2.0
#include "common/base/bytes.h"

#include "tests/unit/cmocka_all.h"

static void
test_varints_come_back(void **state)
{
    static const uint64_t values[] = {
        0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        buf_t buf = {0};
        uint64_t got = 1;
        buf_put_varint(&buf, values[i]);
        rd_t r = rd_init(buf_span(&buf));
        CHECK_OK(rd_varint(&r, &got));
        CHECK_OK(rd_end(&r));
        CHECK_U64(got, values[i]);
        buf_fini(&buf);
    }
}

static void
test_zigzag_reaches_both_ends_of_128_bits(void **state)
{
    const i128_t top = (i128_t)(~(u128_t)0 >> 1);
    const i128_t values[] = {0, -1, 1, top, -top - 1};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        buf_t buf = {0};
        i128_t got = 7;
        buf_put_zigzag(&buf, values[i]);
        rd_t r = rd_init(buf_span(&buf));
        CHECK_OK(rd_zigzag(&r, &got));
        assert_true(got == values[i]);
        buf_fini(&buf);
    }
}

static void
test_cut_varint_leaves_the_cursor(void **state)
{
    static const uint8_t cut[] = {0x80, 0x80};
    rd_t r = rd_init((span_t){cut, sizeof cut});
    uint64_t v;

    (void)state;
    CHECK_ERR(rd_varint(&r, &v), ERR_TRUNCATED);
    CHECK_U64(rd_left(&r), 2);
}

static void
test_long_form_of_a_varint_is_refused(void **state)
{
    static const uint8_t longer[] = {0x80, 0x00};
    rd_t r = rd_init((span_t){longer, sizeof longer});
    uint64_t v;

    (void)state;
    CHECK_ERR(rd_varint(&r, &v), ERR_MALFORMED);
}

static void
test_varint_past_64_bits_is_refused(void **state)
{
    static const uint8_t over[] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};
    rd_t r = rd_init((span_t){over, sizeof over});
    uint64_t v;

    (void)state;
    CHECK_ERR(rd_varint(&r, &v), ERR_MALFORMED);
}

static void
test_block_longer_than_its_limit_is_refused(void **state)
{
    buf_t buf = {0};
    span_t got;

    (void)state;
    buf_put_block(&buf, SPAN_LIT("four"));
    rd_t r = rd_init(buf_span(&buf));
    CHECK_ERR(rd_block(&r, 3, &got), ERR_TOO_LARGE);
    CHECK_OK(rd_block(&r, 4, &got));
    CHECK_SPAN(got, "four");
    buf_fini(&buf);
}

static void
test_an_empty_buffer_reserves_nothing(void **state)
{
    buf_t buf = {0};

    (void)state;
    assert_null(buf_reserve(&buf, 0));
    buf_put(&buf, NULL, 0);
    assert_non_null(buf_reserve(&buf, 1));
    CHECK_U64(buf.len, 0);
    buf_fini(&buf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_varints_come_back),
        cmocka_unit_test(test_zigzag_reaches_both_ends_of_128_bits),
        cmocka_unit_test(test_cut_varint_leaves_the_cursor),
        cmocka_unit_test(test_long_form_of_a_varint_is_refused),
        cmocka_unit_test(test_varint_past_64_bits_is_refused),
        cmocka_unit_test(test_an_empty_buffer_reserves_nothing),
        cmocka_unit_test(test_block_longer_than_its_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
