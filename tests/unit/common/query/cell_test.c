// SPDX-License-Identifier: Apache-2.0
#include "common/query/cell.h"

#include "tests/unit/cmocka_all.h"

static const cell_t samples[] = {
    {.kind = CELL_MISSING},
    {.kind = CELL_NUMBER, .number = DEC_INT(404)},
    {.kind = CELL_NUMBER, .number = -1},
    {.kind = CELL_TEXT, .text = {(const uint8_t *)"", 0}},
    {.kind = CELL_TEXT, .text = {(const uint8_t *)"/a\0b", 4}},
};
enum { N_SAMPLES = sizeof samples / sizeof *samples };

static void
encode_samples(buf_t *out)
{
    for (size_t i = 0; i < N_SAMPLES; i++) {
        cell_encode(&samples[i], out);
    }
}

static void
test_cells_come_back(void **state)
{
    buf_t buf = {0};
    cell_t got;

    (void)state;
    encode_samples(&buf);
    rd_t r = rd_init(buf_span(&buf));
    for (size_t i = 0; i < N_SAMPLES; i++) {
        CHECK_OK(cell_decode(&r, &got));
        assert_int_equal(cell_cmp(&got, &samples[i]), 0);
    }
    CHECK_OK(rd_end(&r));
    buf_fini(&buf);
}

static void
test_order_is_missing_numbers_text(void **state)
{
    static const size_t ascending[] = {0, 2, 1, 3, 4};

    (void)state;
    for (size_t i = 0; i + 1 < N_SAMPLES; i++) {
        const cell_t *a = &samples[ascending[i]];
        const cell_t *b = &samples[ascending[i + 1]];
        assert_true(cell_cmp(a, b) < 0);
        assert_true(cell_cmp(b, a) > 0);
    }
}

static void
test_decimal_that_is_an_integer_is_refused(void **state)
{
    buf_t buf = {0};
    cell_t got;

    (void)state;
    buf_put_u8(&buf, 2);
    buf_put_zigzag(&buf, DEC_INT(7));
    rd_t r = rd_init(buf_span(&buf));
    CHECK_ERR(cell_decode(&r, &got), ERR_MALFORMED);
    buf_fini(&buf);
}

// Whatever decodes must encode to the bytes it came from.
static void
check_canonical(span_t bytes)
{
    rd_t r = rd_init(bytes);
    buf_t again = {0};
    cell_t got;

    while (cell_decode(&r, &got) == ERR_OK) {
        cell_encode(&got, &again);
    }
    span_t read = {bytes.p, (size_t)(r.p - bytes.p)};
    assert_true(span_eq(buf_span(&again), read));
    buf_fini(&again);
}

static void
test_truncations_and_bit_flips_stay_canonical(void **state)
{
    buf_t buf = {0};

    (void)state;
    encode_samples(&buf);
    for (size_t len = 0; len < buf.len; len++) {
        check_canonical((span_t){buf.p, len});
    }
    for (size_t bit = 0; bit < buf.len * 8; bit++) {
        buf.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        check_canonical(buf_span(&buf));
        buf.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_fini(&buf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_come_back),
        cmocka_unit_test(test_order_is_missing_numbers_text),
        cmocka_unit_test(test_decimal_that_is_an_integer_is_refused),
        cmocka_unit_test(test_truncations_and_bit_flips_stay_canonical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
