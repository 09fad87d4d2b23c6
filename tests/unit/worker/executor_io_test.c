// SPDX-License-Identifier: Apache-2.0
// The test is its own executor: started under that name it does to its
// supervisor what the query of its order says.
#include "worker/executor_io.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/clock.h"
#include "common/base/xalloc.h"
#include "worker/executor/order.h"
#include "worker/executor/sealed.h"
#include "worker/executor/task.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCK     3
#define SLOTS    2
#define BUDGET   (64u << 20)
#define PATIENCE 20000 // ms; only a failing test waits so long

// ---- the executor

static void
report(errcode_t rc, const char *text, int fd)
{
    task_done_t done = {.rc = rc, .file = 7};

    snprintf(done.text, sizeof done.text, "%s", text);
    if (task_send_done(SOCK, &done, fd) != ERR_OK) {
        _exit(3);
    }
}

static void
say(const void *p, size_t len, const int *fds, size_t n)
{
    if (task_send(SOCK, (span_t){p, len}, fds, n, 0) != ERR_OK) {
        _exit(3);
    }
}

// The first file's contents are the partial.
static void
do_copy(const task_packet_t *p)
{
    char bytes[64];
    ssize_t n = pread(p->fds[1], bytes, sizeof bytes, 0);
    int fd;

    if (n <= 0 ||
        sealed_new((span_t){(uint8_t *)bytes, (size_t)n}, &fd) != ERR_OK) {
        _exit(3);
    }
    report(ERR_OK, "", fd);
    close(fd);
}

static void
do_fail(const task_packet_t *p)
{
    (void)p;
    report(ERR_FORMAT, "no format fits", -1);
}

static void
do_pid(const task_packet_t *p)
{
    (void)p;
    if (task_send_progress(SOCK, (uint64_t)getpid()) != ERR_OK) {
        _exit(3);
    }
}

// "0 1 2 3 " when nothing was inherited; the packet's own are left out.
static void
do_descriptors(const task_packet_t *p)
{
    char text[LIMIT_TEXT] = "";
    struct stat st, null;

    stat("/dev/null", &null);
    for (int fd = 0; fd < 1024; fd++) {
        bool own = false;
        for (size_t i = 0; i < p->n_fds; i++) {
            own = own || p->fds[i] == fd;
        }
        if (!own && fstat(fd, &st) == 0) {
            size_t len = strlen(text);
            snprintf(text + len, sizeof text - len, "%d%s ", fd,
                st.st_rdev == null.st_rdev && st.st_ino == null.st_ino ? "=null"
                                                                       : "");
        }
    }
    report(ERR_FORMAT, text, -1);
}

static void
do_die(const task_packet_t *p)
{
    (void)p;
    kill(getpid(), SIGKILL);
}

static void
do_segv(const task_packet_t *p)
{
    struct rlimit none = {0, 0};

    (void)p;
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}

static void
do_forbidden(const task_packet_t *p)
{
    struct rlimit none = {0, 0};

    (void)p;
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGSYS, SIG_DFL);
    raise(SIGSYS);
}

static void
do_exit(const task_packet_t *p)
{
    (void)p;
    _exit(9);
}

static void
do_hang(const task_packet_t *p)
{
    (void)p;
    pause();
}

static void
do_hang_closed(const task_packet_t *p)
{
    (void)p;
    close(SOCK);
    pause();
}

static void
do_garbage(const task_packet_t *p)
{
    (void)p;
    say("\377\377\377", 3, NULL, 0);
    pause();
}

static void
do_no_partial(const task_packet_t *p)
{
    (void)p;
    report(ERR_OK, "", -1);
    pause();
}

static void
do_two_partials(const task_packet_t *p)
{
    const uint8_t done[] = {TASK_DONE, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    int fds[2] = {p->fds[0], p->fds[0]};

    say(done, sizeof done, fds, 2);
    pause();
}

static void
do_unsealed(const task_packet_t *p)
{
    int fd = memfd_create("x", MFD_ALLOW_SEALING);

    (void)p;
    if (write(fd, "xyz", 3) != 3) {
        _exit(3);
    }
    report(ERR_OK, "", fd);
    pause();
}

static void
do_no_memory_file(const task_packet_t *p)
{
    report(ERR_OK, "", p->fds[1]);
    pause();
}

static void
do_too_large(const task_packet_t *p)
{
    int fd = memfd_create("x", MFD_ALLOW_SEALING);

    (void)p;
    if (ftruncate(fd, (off_t)LIMIT_PARTIAL + 1) == -1 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) ==
            -1) {
        _exit(3);
    }
    report(ERR_OK, "", fd);
    pause();
}

static void
do_twice(const task_packet_t *p)
{
    do_copy(p);
    do_copy(p);
    pause();
}

static void
do_progress_with_file(const task_packet_t *p)
{
    const uint8_t progress[] = {TASK_PROGRESS, 1, 0, 0, 0, 0, 0, 0, 0};

    say(progress, sizeof progress, p->fds, 1);
    pause();
}

static const struct act {
    const char *query;
    void (*run)(const task_packet_t *);
} acts[] = {
    {"copy", do_copy},
    {"fail", do_fail},
    {"pid", do_pid},
    {"descriptors", do_descriptors},
    {"die", do_die},
    {"forbidden", do_forbidden},
    {"segv", do_segv},
    {"exit", do_exit},
    {"hang", do_hang},
    {"hang closed", do_hang_closed},
    {"garbage", do_garbage},
    {"no partial", do_no_partial},
    {"two partials", do_two_partials},
    {"unsealed", do_unsealed},
    {"no memory file", do_no_memory_file},
    {"too large", do_too_large},
    {"twice", do_twice},
    {"progress with file", do_progress_with_file},
};

static int
act(void)
{
    static order_t order;
    task_packet_t p;
    buf_t bytes = {0};

    while (task_receive(SOCK, 0, &p) == ERR_OK) {
        buf_clear(&bytes);
        if (sealed_read(p.fds[0], TASK_ORDER_MAX, &bytes) != ERR_OK ||
            order_decode(buf_span(&bytes), &order) != ERR_OK ||
            order.budget != BUDGET || order.n_ranges != p.n_fds - 1) {
            _exit(4);
        }
        for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
            if (strcmp(order.query, acts[i].query) == 0) {
                acts[i].run(&p);
            }
        }
        task_packet_fini(&p);
    }
    _exit(0);
}

// ---- the supervisor

typedef struct fixture {
    executors_t *executors;
    files_t *files;
    char path[64];
    shard_range_t range;
    shard_t shard;
} fixture_t;

static void
on_found(void *ctx, const listed_file_t *file)
{
    shard_range_t *range = ctx;

    range->device = file->device;
    range->inode = file->inode;
    range->size = range->end = file->size;
    range->mtime_ns = file->mtime_ns;
    memcpy(range->hash, file->hash, sizeof file->hash);
}

static int
setup(void **state)
{
    static char host[] = "web1", format[] = "auto";
    const executors_options_t options = {
        .n = SLOTS, .program = "/proc/self/exe", .budget = BUDGET};
    fixture_t *f = xcalloc(1, sizeof *f);
    buf_t why = {0};

    strcpy(f->path, "/tmp/logtally-executor-XXXXXX");
    int fd = mkstemp(f->path);
    assert_true(fd != -1 && write(fd, "one\ntwo\n", 8) == 8);
    close(fd);
    CHECK_OK(files_open(NULL, 0, &f->files, &why));
    CHECK_OK(files_list(f->files, f->path, false, on_found, &f->range, &why));
    f->range.path = f->path;
    f->range.host = host;
    f->shard = (shard_t){.format = format, .ranges = &f->range, .n_ranges = 1};
    CHECK_OK(executors_open(&options, &f->executors, &why));
    buf_fini(&why);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    fixture_t *f = *state;

    executors_stop(&f->executors);
    files_destroy(&f->files);
    unlink(f->path);
    free(f);
    return waitpid(-1, NULL, WNOHANG) == -1 ? 0 : -1; // no child is left
}

static errcode_t
give(fixture_t *f, uint32_t slot, const char *query, char text[LIMIT_TEXT])
{
    uint32_t file;
    char *own = xstrdup(query);

    f->shard.query = own;
    errcode_t rc =
        executors_give(f->executors, slot, &f->shard, f->files, &file, text);
    free(own);
    return rc;
}

static void
take(fixture_t *f, uint32_t slot, executor_event_t *e)
{
    struct pollfd p = {executors_fd(f->executors, slot), POLLIN, 0};

    assert_int_equal(poll(&p, 1, PATIENCE), 1);
    CHECK_OK(executors_read(f->executors, slot, e));
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
    return (pid_t)e.bytes_done;
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

// Stopped, and given orders until its socket is full.
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
    CHECK_ERR(rc, ERR_CRASHED);
    assert_true(clock_mono_ms() - start < PATIENCE);
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
        TEST(test_a_killed_slot_works_again_and_the_other_never_noticed),
        TEST(test_an_idle_death_is_no_event),
        TEST(test_a_changed_file_never_starts),
        TEST(test_a_slot_without_a_process_tries_to_start_one),
        TEST(test_no_program_is_said_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
