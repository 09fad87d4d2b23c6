// SPDX-License-Identifier: Apache-2.0
#include "common/base/zpl.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

#define CERT                                                                   \
    "#   a certificate\n"                                                      \
    "\n"                                                                       \
    "metadata\n"                                                               \
    "    role = worker   # only this\n"                                        \
    "curve\n"                                                                  \
    "    public-key = \"ab#c'd\"\r\n"

static void
check_item(zpl_t *z, unsigned line, unsigned depth, const char *name,
    const char *value)
{
    CHECK_OK(zpl_next(z));
    CHECK_U64(z->line, line);
    CHECK_U64(z->depth, depth);
    assert_true(span_is(z->name, name));
    if (value == NULL) {
        assert_null(z->value.p);
    } else {
        assert_true(span_is(z->value, value));
    }
}

static void
test_sections_values_and_line_numbers(void **state)
{
    zpl_t z;

    (void)state;
    zpl_init(&z, SPAN_LIT(CERT));
    check_item(&z, 3, 0, "metadata", NULL);
    check_item(&z, 4, 1, "role", "worker");
    check_item(&z, 5, 0, "curve", NULL);
    check_item(&z, 6, 1, "public-key", "ab#c'd");
    CHECK_ERR(zpl_next(&z), ERR_NOT_FOUND);
}

static void
test_wrong_lines_are_told_by_number(void **state)
{
    static const char *const wrong[] = {"\n= x", "\n   a = 1", "\na b",
        "\na = \"open", "\na = \"x\" y", "\n\xff = 1"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        zpl_t z;
        zpl_init(&z, span_str(wrong[i]));
        CHECK_ERR(zpl_next(&z), ERR_MALFORMED);
        CHECK_U64(z.line, 2);
    }
}

static void
read_all(span_t text)
{
    zpl_t z;

    zpl_init(&z, text);
    while (zpl_next(&z) == ERR_OK) {
        assert_true(z.name.len > 0);
    }
}

static void
test_truncations_and_bit_flips_stay_inside(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof CERT; len++) {
        uint8_t *copy = test_malloc(len + 1);
        memcpy(copy, CERT, len);
        read_all((span_t){copy, len});
        for (size_t bit = 0; bit < len * 8; bit++) {
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
            read_all((span_t){copy, len});
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        test_free(copy);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections_values_and_line_numbers),
        cmocka_unit_test(test_wrong_lines_are_told_by_number),
        cmocka_unit_test(test_truncations_and_bit_flips_stay_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
