// SPDX-License-Identifier: Apache-2.0
// A datagram socket of this test stands for the service manager.
#include "common/service/notify_io.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/errcode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int manager;

// An abstract name: nothing is left behind.
static int
begin(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char name[64];

    (void)state;
    snprintf(name, sizeof name, "@logtally-notify-%ld", (long)getpid());
    memcpy(at.sun_path + 1, name + 1, strlen(name + 1));
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setenv("NOTIFY_SOCKET", name, 1);
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return manager == -1 ||
           bind(manager, (struct sockaddr *)&at,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
                           strlen(name))) != 0;
}

static int
end(void **state)
{
    (void)state;
    return close(manager);
}

static void
check_told(const char *want)
{
    char text[1024] = {0};
    ssize_t n = recv(manager, text, sizeof text - 1, 0);

    assert_true(n > 0);
    assert_string_equal(text, want);
}

static void
check_quiet(void)
{
    char text[8];

    assert_int_equal(recv(manager, text, sizeof text, 0), -1);
    assert_int_equal(errno, EAGAIN);
}

static void
test_ready_and_the_end_are_told(void **state)
{
    notify_t n;

    (void)state;
    notify_init(&n);
    notify_ready(&n);
    check_told("READY=1");
    notify_stopping(&n, 5000);
    check_told("STOPPING=1\nEXTEND_TIMEOUT_USEC=65000000");
}

static void
test_a_status_is_told_once_and_at_most_once_a_second(void **state)
{
    notify_t n;

    (void)state;
    notify_init(&n);
    notify_status(&n, SPAN_LIT("one worker"), 1000);
    check_told("STATUS=one worker");
    notify_status(&n, SPAN_LIT("one worker"), 5000);
    check_quiet();
    notify_status(&n, SPAN_LIT("two"), 5000);
    check_told("STATUS=two");
    notify_status(&n, SPAN_LIT("three"), 5999);
    check_quiet();
    notify_status(&n, SPAN_LIT("three"), 6000);
    check_told("STATUS=three");
}

// What a coordinator says may be in a status.
static void
test_a_status_is_one_line_and_bounded(void **state)
{
    uint8_t text[2 * NOTIFY_STATUS];
    char want[NOTIFY_STATUS + 16] = "STATUS=";
    notify_t n;

    (void)state;
    notify_init(&n);
    notify_status(&n, SPAN_LIT("a\nWATCHDOG=trigger\x1b"), 0);
    check_told("STATUS=a?WATCHDOG=trigger?");
    memset(text, 'x', sizeof text);
    memset(want + 7, 'x', NOTIFY_STATUS - 1);
    notify_status(&n, (span_t){text, sizeof text}, 9000);
    check_told(want);
}

static void
test_turns_are_told_three_times_in_the_time_of_the_watchdog(void **state)
{
    notify_t n;

    (void)state;
    setenv("WATCHDOG_USEC", "3000000", 1);
    notify_init(&n);
    assert_int_equal(notify_wait_ms(&n, 500), 0);
    notify_turned(&n, 500);
    check_told("WATCHDOG=1");
    notify_turned(&n, 1499);
    check_quiet();
    assert_int_equal(notify_wait_ms(&n, 1499), 1);
    notify_turned(&n, 1500);
    check_told("WATCHDOG=1");
}

static void
test_without_a_watchdog_there_is_no_ping_and_no_bound(void **state)
{
    notify_t n;

    (void)state;
    notify_init(&n);
    notify_turned(&n, 0);
    check_quiet();
    assert_true(notify_wait_ms(&n, 0) == INT64_MAX);
    // A watchdog that watches another process is not ours.
    setenv("WATCHDOG_USEC", "3000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    notify_init(&n);
    notify_turned(&n, 0);
    check_quiet();
}

static void
test_a_long_start_asks_for_patience_once_a_second(void **state)
{
    notify_t n;

    (void)state;
    notify_init(&n);
    for (int64_t now = 100; now < 1100; now += 100) {
        notify_starting(&n, "reading", now);
    }
    check_told("EXTEND_TIMEOUT_USEC=60000000\nSTATUS=reading");
    check_quiet();
    notify_starting(&n, "reading", 1100);
    check_told("EXTEND_TIMEOUT_USEC=60000000\nSTATUS=reading");
}

static void
test_nobody_is_told_where_nobody_asked(void **state)
{
    notify_t n;

    (void)state;
    unsetenv("NOTIFY_SOCKET");
    notify_init(&n);
    notify_ready(&n);
    notify_status(&n, SPAN_LIT("x"), 0);
    notify_stopping(&n, 0);
    check_quiet();
    assert_false(n.failed);
}

static void
test_a_manager_that_is_gone_is_no_trouble(void **state)
{
    notify_t n;

    (void)state;
    setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
    notify_init(&n);
    notify_ready(&n);
    assert_true(n.failed);
    notify_turned(&n, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ready_and_the_end_are_told),
        TEST(test_a_status_is_told_once_and_at_most_once_a_second),
        TEST(test_a_status_is_one_line_and_bounded),
        TEST(test_turns_are_told_three_times_in_the_time_of_the_watchdog),
        TEST(test_without_a_watchdog_there_is_no_ping_and_no_bound),
        TEST(test_a_long_start_asks_for_patience_once_a_second),
        TEST(test_nobody_is_told_where_nobody_asked),
        TEST(test_a_manager_that_is_gone_is_no_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
