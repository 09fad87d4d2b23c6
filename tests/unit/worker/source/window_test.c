// SPDX-License-Identifier: Apache-2.0
#include "worker/source/window.h"

#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define LEN ((size_t)300000)

static uint8_t
byte_at(size_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

static int
made_file(void)
{
    static uint8_t bytes[LEN];
    int fd = memfd_create("window", MFD_CLOEXEC);

    for (size_t i = 0; i < LEN; i++) {
        bytes[i] = byte_at(i);
    }
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, LEN), (ssize_t)LEN);
    return fd;
}

static void
check_bytes(span_t seen, size_t at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(seen.p[i], byte_at(at + i));
    }
}

static void
test_a_window_shows_the_bytes_of_the_file(void **state)
{
    static const size_t begins[] = {0, 1, 4095, 4096, 200001, LEN - 1};
    int fd = made_file();
    span_t seen;

    (void)state;
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        size_t len = LEN - begins[i];
        assert_true(window_open(fd, begins[i], len, &seen));
        CHECK_U64(seen.len, len);
        check_bytes(seen, begins[i], len);
        assert_true(window_close());
    }
    close(fd);
}

// The bytes before the fault were looked at; what is behind it is zeros.
static void
test_a_file_cut_short_is_told_and_kills_nobody(void **state)
{
    int fd = made_file();
    span_t seen;
    unsigned sum = 0;

    (void)state;
    assert_true(window_open(fd, 5000, LEN - 5000, &seen));
    check_bytes(seen, 5000, 100);
    assert_int_equal(ftruncate(fd, 100000), 0);
    for (size_t i = 150000; i < seen.len; i++) {
        sum += seen.p[i];
    }
    CHECK_U64(sum, 0);
    assert_false(window_close());

    // The next one knows nothing of it.
    assert_true(window_open(fd, 5000, 95000, &seen));
    check_bytes(seen, 5000, 95000);
    assert_true(window_close());
    close(fd);
}

static void
test_a_file_that_was_never_so_long_is_told(void **state)
{
    int fd = made_file();
    span_t seen;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(window_open(fd, LEN - 10, 1000000, &seen));
        check_bytes(seen, LEN - 10, 10);
        CHECK_U64(seen.p[999999], 0);
        assert_false(window_close());
    }
    close(fd);
}

static void
test_what_is_no_file_cannot_be_mapped(void **state)
{
    int ends[2];
    span_t seen;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_false(window_open(ends[0], 0, 100, &seen));
    close(ends[0]);
    close(ends[1]);
}

// A fault of ours elsewhere must not be mended, or a bug would read zeros.
static void
test_a_fault_elsewhere_still_kills(void **state)
{
    int fd = made_file(), status;
    span_t seen;

    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        volatile uint8_t *other = mmap(NULL, LEN, PROT_READ, MAP_SHARED, fd, 0);
        close(2); // a sanitizer has much to say about it
        if (window_open(fd, 0, LEN, &seen) && ftruncate(fd, 0) == 0) {
            (void)other[LEN - 1];
        }
        _exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_not_equal(status, 0);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_window_shows_the_bytes_of_the_file),
        cmocka_unit_test(test_a_file_cut_short_is_told_and_kills_nobody),
        cmocka_unit_test(test_a_file_that_was_never_so_long_is_told),
        cmocka_unit_test(test_what_is_no_file_cannot_be_mapped),
        cmocka_unit_test(test_a_fault_elsewhere_still_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
