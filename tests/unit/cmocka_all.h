// SPDX-License-Identifier: Apache-2.0
// The headers that cmocka wants before its own, and checks that read well.
#ifndef LOGTALLY_TESTS_UNIT_CMOCKA_ALL_H
#define LOGTALLY_TESTS_UNIT_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CHECK_OK(rc)       assert_int_equal((rc), ERR_OK)
#define CHECK_ERR(rc, err) assert_int_equal((rc), (err))
#define CHECK_U64(a, b)    assert_int_equal((a), (b))
#define CHECK_SPAN(span, s)                                                    \
    do {                                                                       \
        assert_int_equal((span).len, sizeof(s) - 1);                           \
        assert_memory_equal((span).p, s, sizeof(s) - 1);                       \
    } while (0)

// A row of common/base/limits.h: takes(limit) holds, takes(limit + 1) does
// not. tests/rules.py wants one of each row.
#define CHECK_LIMIT(limit, takes)                                              \
    do {                                                                       \
        if (!takes((uint64_t)(limit))) {                                       \
            fail_msg("%s: not taken at its value", #limit);                    \
        }                                                                      \
        if (takes((uint64_t)(limit) + 1)) {                                    \
            fail_msg("%s: taken one past", #limit);                            \
        }                                                                      \
    } while (0)

#endif
