// SPDX-License-Identifier: Apache-2.0
// The test is its own executor: started under that name it does to its
// supervisor what the query of its order says.
#include "tests/unit/worker/executor_acts.h"
#include "tests/unit/worker/executors_fixture.h"

#include "common/base/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 2

static int
setup(void **state)
{
    *state = fixture_new(SLOTS, "auto", "one\ntwo\n", 1);
    return 0;
}

static int
teardown(void **state)
{
    fixture_destroy(*state);
    return waitpid(-1, NULL, WNOHANG) == -1 ? 0 : -1; // no child is left
}

static executor_event_t
after(fixture_t *f, const char *query)
{
    char text[LIMIT_TEXT];
    executor_event_t e;

    CHECK_OK(give(f, 0, query, text));
    take(f, 0, &e);
    return e;
}

static pid_t
pid_of(fixture_t *f, uint32_t slot)
{
    char text[LIMIT_TEXT];
    executor_event_t e;

    CHECK_OK(give(f, slot, "pid", text));
    take(f, slot, &e);
    CHECK_U64(e.kind, EXECUTOR_PROGRESS);
    pid_t pid = (pid_t)e.bytes_done;
    take(f, slot, &e);
    return pid;
}

static void
check_works(fixture_t *f)
{
    executor_event_t e = after(f, "copy");

    CHECK_U64(e.kind, EXECUTOR_DONE);
    CHECK_OK(e.rc);
    CHECK_SPAN(buf_span(&e.partial), "one\ntwo\n");
    buf_fini(&e.partial);
}

static void
test_a_partial_comes_back(void **state)
{
    check_works(*state);
    check_works(*state);
}

static void
test_an_error_comes_back_with_its_file(void **state)
{
    executor_event_t e = after(*state, "fail");

    CHECK_ERR(e.rc, ERR_FORMAT);
    CHECK_U64(e.file, 7);
    assert_string_equal(e.text, "no format fits");
}

static void
test_nothing_is_inherited(void **state)
{
    int leak = fcntl(0, F_DUPFD, 100); // without close-on-exec
    fixture_t *f = *state;

    executors_kill(f->executors, 0);
    executor_event_t e = after(f, "descriptors");
    assert_string_equal(e.text, "0=null 1=null 2 3 ");
    close(leak);
}

static void
test_a_death_is_told_with_its_signal(void **state)
{
    executor_event_t e = after(*state, "die");

    CHECK_ERR(e.rc, ERR_CRASHED);
    assert_non_null(strstr(e.text, "SIGKILL"));
    assert_non_null(strstr(e.text, "memory"));
    e = after(*state, "segv");
    CHECK_ERR(e.rc, ERR_CRASHED);
    assert_non_null(strstr(e.text, "SIGSEGV"));
    e = after(*state, "forbidden");
    CHECK_ERR(e.rc, ERR_CRASHED);
    assert_non_null(strstr(e.text, "SIGSYS: it made a system call that its"));
    e = after(*state, "exit");
    CHECK_ERR(e.rc, ERR_CRASHED);
    assert_non_null(strstr(e.text, "exit code 9"));
    check_works(*state);
}

static void
test_what_makes_no_sense_ends_the_executor(void **state)
{
    static const char *const queries[] = {"garbage", "no partial",
        "two partials", "unsealed", "no memory file", "too large",
        "progress with file"};

    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        executor_event_t e = after(*state, queries[i]);
        CHECK_U64(e.kind, EXECUTOR_DONE);
        CHECK_ERR(e.rc, ERR_CRASHED);
        assert_non_null(strstr(e.text, "no sense"));
        CHECK_U64(e.partial.len, 0);
    }
    check_works(*state);
}

static void
test_a_second_partial_ends_the_executor_quietly(void **state)
{
    fixture_t *f = *state;
    executor_event_t e = after(f, "twice");
    struct pollfd p = {executors_fd(f->executors, 0), POLLIN, 0};

    CHECK_OK(e.rc);
    buf_fini(&e.partial);
    assert_int_equal(poll(&p, 1, PATIENCE), 1);
    CHECK_ERR(executors_read(f->executors, 0, &e), ERR_BUSY);
    assert_int_equal(executors_fd(f->executors, 0), -1);
    check_works(f);
}

static void
test_a_closed_socket_is_an_end_even_when_the_process_lives(void **state)
{
    executor_event_t e = after(*state, "hang closed");

    CHECK_ERR(e.rc, ERR_CRASHED);
    assert_non_null(strstr(e.text, "closed"));
    check_works(*state);
}

// Stopped, and given orders until its socket is full: it has as many as it
// can hold, and who gives them is told so at once.
static void
test_a_stopped_executor_never_stops_the_supervisor(void **state)
{
    fixture_t *f = *state;
    char text[LIMIT_TEXT];
    executor_event_t e;
    pid_t pid = pid_of(f, 0);
    errcode_t rc = ERR_OK;
    int64_t start = clock_mono_ms();

    kill(pid, SIGSTOP);
    CHECK_OK(give(f, 0, "copy", text));
    CHECK_ERR(executors_read(f->executors, 0, &e), ERR_BUSY);
    for (int i = 0; i < 100000 && rc == ERR_OK; i++) {
        rc = give(f, 0, "copy", text);
    }
    CHECK_ERR(rc, ERR_BUSY);
    assert_true(clock_mono_ms() - start < PATIENCE);
    executors_kill(f->executors, 0);
    check_works(f);
}

// It answers orders that it never read.
static void
test_an_executor_that_reads_no_orders_is_ended(void **state)
{
    fixture_t *f = *state;
    char text[LIMIT_TEXT];
    executor_event_t e;
    errcode_t rc = give(f, 0, "babble", text);

    for (int i = 0; i < 100000 && rc == ERR_OK; i++) {
        take(f, 0, &e);
        CHECK_ERR(e.rc, ERR_FORMAT);
        rc = give(f, 0, "copy", text);
    }
    CHECK_ERR(rc, ERR_CRASHED);
    assert_non_null(strstr(text, "stuck"));
    check_works(f);
}

static void
test_a_killed_slot_works_again_and_the_other_never_noticed(void **state)
{
    fixture_t *f = *state;
    char text[LIMIT_TEXT];
    pid_t other = pid_of(f, 1);
    executor_event_t e;

    CHECK_OK(give(f, 0, "hang", text));
    executors_kill(f->executors, 0);
    assert_int_equal(executors_fd(f->executors, 0), -1);
    CHECK_ERR(executors_read(f->executors, 0, &e), ERR_BUSY);
    check_works(f);
    assert_int_equal(pid_of(f, 1), other);
}

static void
test_an_idle_death_is_no_event(void **state)
{
    fixture_t *f = *state;
    pid_t pid = pid_of(f, 0);
    executor_event_t e = after(f, "fail"); // and so done with its shard

    CHECK_ERR(e.rc, ERR_FORMAT);
    kill(pid, SIGKILL);
    struct pollfd p = {executors_fd(f->executors, 0), POLLIN, 0};
    assert_int_equal(poll(&p, 1, PATIENCE), 1);
    CHECK_ERR(executors_read(f->executors, 0, &e), ERR_BUSY);
    assert_int_equal(executors_fd(f->executors, 0), -1);
    check_works(f);
}

static void
test_a_changed_file_never_starts(void **state)
{
    fixture_t *f = *state;
    char text[LIMIT_TEXT];

    f->range.inode++;
    CHECK_ERR(give(f, 0, "copy", text), ERR_CHANGED);
    f->range.inode--;
    unlink(f->path);
    CHECK_ERR(give(f, 0, "copy", text), ERR_NOT_FOUND);
    assert_non_null(strstr(text, f->path));
}

static void
test_a_slot_without_a_process_tries_to_start_one(void **state)
{
    fixture_t *f = *state;
    struct rlimit limit, low;
    char text[LIMIT_TEXT];

    executors_kill(f->executors, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = (rlim_t)dup(0);
    close((int)low.rlim_cur);
    low.rlim_cur += 3; // order, file, one for the socket pair
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    CHECK_ERR(give(f, 0, "copy", text), ERR_CRASHED);
    assert_non_null(strstr(text, "cannot start"));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    check_works(f);
}

static void
test_no_program_is_said_at_once(void **state)
{
    const executors_options_t options = {
        .n = 1, .program = "/nowhere/x", .budget = BUDGET};
    executors_t *x;
    buf_t why = {0};

    (void)state;
    CHECK_ERR(executors_open(&options, &x, &why), ERR_NOT_FOUND);
    assert_null(x);
    assert_memory_equal(why.p, "cannot start /nowhere/x", 23);
    buf_fini(&why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(int argc, char **argv)
{
    if (argc > 0 && strcmp(argv[0], "logtally-executor") == 0) {
        return act();
    }
    const struct CMUnitTest tests[] = {
        TEST(test_a_partial_comes_back),
        TEST(test_an_error_comes_back_with_its_file),
        TEST(test_nothing_is_inherited),
        TEST(test_a_death_is_told_with_its_signal),
        TEST(test_what_makes_no_sense_ends_the_executor),
        TEST(test_a_second_partial_ends_the_executor_quietly),
        TEST(test_a_closed_socket_is_an_end_even_when_the_process_lives),
        TEST(test_a_stopped_executor_never_stops_the_supervisor),
        TEST(test_an_executor_that_reads_no_orders_is_ended),
        TEST(test_a_killed_slot_works_again_and_the_other_never_noticed),
        TEST(test_an_idle_death_is_no_event),
        TEST(test_a_changed_file_never_starts),
        TEST(test_a_slot_without_a_process_tries_to_start_one),
        TEST(test_no_program_is_said_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
