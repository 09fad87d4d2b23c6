// SPDX-License-Identifier: Apache-2.0
#include "worker/format/find.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

// Lines of every length, in memory that ends where the line does, with one
// delimiter at every place or none, searched from every place.
static void
test_the_first_delimiter_is_found_wherever_it_is(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 50; len++) {
        uint8_t *line = test_malloc(len);
        for (size_t at = 0; at <= len; at++) {
            memset(line, 'x', len);
            if (at < len) {
                line[at] = at % 2 == 0 ? '"' : '\\';
            }
            for (size_t from = 0; from <= len; from++) {
                size_t want = at >= from ? at : len;
                assert_ptr_equal(
                    find_either(line, line + from, line + len, '"', '\\'),
                    line + want);
            }
        }
        test_free(line);
    }
}

static void
test_one_of_many_is_the_first(void **state)
{
    static const uint8_t line[] = "a b  c                       d \xff e";
    const uint8_t *end = line + sizeof line - 1;

    (void)state;
    assert_ptr_equal(find_one(line, line, end, ' '), line + 1);
    assert_ptr_equal(find_one(line, line + 2, end, ' '), line + 3);
    assert_ptr_equal(
        find_one(line, line, end, 0xff), memchr(line, 0xff, sizeof line));
    assert_ptr_equal(find_one(line, end, end, ' '), end);
}

// In memory that begins and ends where the range does.
static void
test_the_last_is_found_wherever_it_is(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 50; len++) {
        uint8_t *line = test_malloc(len);
        for (size_t at = 0; at <= len; at++) {
            memset(line, ' ', at < len ? at : 0);
            memset(line + (at < len ? at : 0), 'x', at < len ? len - at : len);
            for (size_t from = 0; from <= len; from++) {
                size_t want = at < len && at > from ? at : from;
                assert_ptr_equal(find_behind_last(line + from, line + len, ' '),
                    line + want);
            }
        }
        test_free(line);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_delimiter_is_found_wherever_it_is),
        cmocka_unit_test(test_one_of_many_is_the_first),
        cmocka_unit_test(test_the_last_is_found_wherever_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
