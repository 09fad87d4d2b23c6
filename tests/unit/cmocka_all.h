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

#endif
