// SPDX-License-Identifier: Apache-2.0
#include "common/base/log.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/errcode.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int saved;
static int captured;

static int
begin_capture(void **state)
{
    (void)state;
    saved = dup(STDERR_FILENO);
    captured = memfd_create("log", MFD_CLOEXEC);
    return dup2(captured, STDERR_FILENO) < 0;
}

static int
end_capture(void **state)
{
    (void)state;
    close(captured);
    return close(saved);
}

static void
check_written(const char *want)
{
    char text[512] = {0};

    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    assert_true(pread(captured, text, sizeof text - 1, 0) >= 0);
    assert_string_equal(text, want);
}

static void
test_line_has_level_event_and_pairs(void **state)
{
    (void)state;
    log_event(
        LOG_WARN, "worker-lost", "name", "web1", "why", "no answer", NULL);
    check_written("warn worker-lost name=web1 why=\"no answer\"\n");
}

static void
test_bytes_that_could_harm_a_terminal_are_escaped(void **state)
{
    (void)state;
    log_event(LOG_ERROR, "x", "k", "\x1b[2J\n\xff\"", NULL);
    check_written("error x k=\"\\x1b[2J\\x0a\\xff\\\"\"\n");
}

static void
test_lines_below_the_level_are_left_out(void **state)
{
    (void)state;
    log_event(LOG_DEBUG, "x", NULL);
    check_written("");
}

static void
test_flood_is_held_back(void **state)
{
    log_limit_t limit = {.per_second = 3};
    int passed = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        passed += log_allowed(&limit, "x");
    }
    // The loop may cross the end of a second once.
    assert_true(passed >= 3 && passed <= 6);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
}

static void
test_the_journal_gets_priorities_and_nobody_else(void **state)
{
    char here[64];
    struct stat st;

    (void)state;
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    snprintf(here, sizeof here, "%ju:%ju", (uintmax_t)st.st_dev,
        (uintmax_t)st.st_ino);
    setenv("JOURNAL_STREAM", here, 1);
    log_find_journal();
    log_event(LOG_WARN, "a", NULL);
    setenv("JOURNAL_STREAM", "1:2", 1); // of the parent, turned elsewhere
    log_find_journal();
    log_event(LOG_ERROR, "b", NULL);
    unsetenv("JOURNAL_STREAM");
    log_find_journal();
    check_written("<4>warn a\nerror b\n");
}

#define CAPTURED(test)                                                         \
    cmocka_unit_test_setup_teardown(test, begin_capture, end_capture)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CAPTURED(test_line_has_level_event_and_pairs),
        CAPTURED(test_bytes_that_could_harm_a_terminal_are_escaped),
        CAPTURED(test_lines_below_the_level_are_left_out),
        CAPTURED(test_the_journal_gets_priorities_and_nobody_else),
        CAPTURED(test_flood_is_held_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
