// SPDX-License-Identifier: Apache-2.0
// Children confine themselves and try what they may not. The strict filter is
// tried in sanitizer builds as well; what it must allow only in release
// builds, since a sanitizer's own calls are more.
#include "worker/sandbox/sandbox.h"

#include "tests/unit/cmocka_all.h"

#include "worker/sandbox/fences.h"
#include "worker/sandbox/selftest.h"
#include "worker/source/window.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GOOD 42

// The wait status of a child that ran it.
static int
in_child(int (*run)(const bait_t *), const bait_t *bait)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(run(bait));
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void
check_good(int (*run)(const bait_t *))
{
    bait_t bait;

    assert_true(bait_lay(&bait));
    int status = in_child(run, &bait);
    bait_take_up(&bait);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), GOOD);
}

static void
confine(sandbox_report_t *report)
{
    const sandbox_options_t options = {.last_fd = 4,
        .max_fds = 16,
        .file_size = 4096,
        .uid = 65534,
        .gid = 65534};

    sandbox_enter(&options, report);
}

static void
test_every_forbidden_thing_kills(void **state)
{
    sandbox_report_t report;
    bait_t bait;

    (void)state;
    assert_true(n_attempts >= 20);
    assert_true(bait_lay(&bait));
    for (size_t i = 0; i < n_attempts; i++) {
        attempt_end_t end = selftest_try(&attempts[i], &bait, true, &report);
        if (end != ATTEMPT_KILLED) {
            fail_msg("%s: %d", attempts[i].what, end);
        }
    }
    bait_take_up(&bait);
}

static long
try_nothing(const bait_t *bait)
{
    (void)bait;
    return syscall(SYS_getpid);
}

// Nor would the one above say anything if the child died of something else.
static void
test_what_is_allowed_does_not_kill(void **state)
{
    const attempt_t nothing = {"nothing", try_nothing};
    sandbox_report_t report;
    bait_t bait;

    (void)state;
    assert_true(bait_lay(&bait));
    attempt_end_t end = selftest_try(&nothing, &bait, true, &report);
    bait_take_up(&bait);
    assert_int_equal(end, ATTEMPT_WORKED);
}

// Or the first test would say nothing: without fences they work.
static int
read_unconfined(const bait_t *bait)
{
    return attempts[0].run(bait) >= 0 ? GOOD : 1;
}

static void
test_without_fences_a_file_can_be_read(void **state)
{
    (void)state;
    check_good(read_unconfined);
}

static int
count_confined(const bait_t *bait)
{
    sandbox_report_t report;
    char byte = 'x';

    (void)bait;
    confine(&report);
    int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd == -1 || write(fd, &byte, 1) != 1 || ftruncate(fd, 100) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) != 0 ||
        pread(fd, &byte, 1, 0) != 1 || lseek(fd, 0, SEEK_SET) != 0) {
        return 1;
    }
    void *p = mmap(NULL, 100, PROT_READ, MAP_PRIVATE, fd, 0);
    return p != MAP_FAILED && munmap(p, 100) == 0 ? GOOD : 2;
}

static void
test_what_counting_needs_is_allowed(void **state)
{
    (void)state;
    check_good(count_confined);
}

// What is mapped may be cut short by others.
static int
torn_confined(const bait_t *bait)
{
    sandbox_report_t report;
    uint8_t sum = 0;
    span_t seen;

    (void)bait;
    confine(&report);
    int fd = memfd_create("x", MFD_CLOEXEC);
    if (fd == -1 || ftruncate(fd, 1000) != 0 ||
        !window_open(fd, 0, 100000, &seen)) {
        return 1;
    }
    for (size_t i = 0; i < seen.len; i++) {
        sum |= seen.p[i];
    }
    return sum == 0 && !window_close() ? GOOD : 2;
}

static void
test_a_mapped_file_may_be_cut_short(void **state)
{
    (void)state;
    check_good(torn_confined);
}

static int
limits_confined(const bait_t *bait)
{
    sandbox_report_t report;
    char page[4096] = {0};

    (void)bait;
    confine(&report);
    int fd = memfd_create("x", MFD_CLOEXEC);
    if (write(fd, page, sizeof page) != sizeof page ||
        write(fd, page, 1) != -1 || errno != EFBIG) {
        return 1;
    }
    for (int i = 0; i < 16; i++) {
        fd = memfd_create("x", MFD_CLOEXEC);
    }
    return fd == -1 && errno == EMFILE ? GOOD : 2;
}

static void
test_file_size_and_descriptors_are_limited(void **state)
{
    (void)state;
    check_good(limits_confined);
}

static int
descriptors_confined(const bait_t *bait)
{
    sandbox_report_t report;
    char byte;

    (void)bait;
    int fd = open("/dev/zero", O_RDONLY);
    int high = dup2(fd, 100);
    confine(&report);
    return read(high, &byte, 1) == -1 && errno == EBADF ? GOOD : 1;
}

static void
test_other_descriptors_are_closed(void **state)
{
    (void)state;
    check_good(descriptors_confined);
}

// Before the filter is there, which would forbid to ask.
static int
user_dropped(const bait_t *bait)
{
    char line[128];
    unsigned long long caps = 0;

    (void)bait;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        fence_user(65534, 65534) != ERR_OK || geteuid() == 0 ||
        setuid(0) == 0) {
        return 1;
    }
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        unsigned long long set;
        if (sscanf(line, "CapPrm: %llx", &set) == 1 ||
            sscanf(line, "CapEff: %llx", &set) == 1 ||
            sscanf(line, "CapAmb: %llx", &set) == 1) {
            caps |= set;
        }
    }
    return f != NULL && caps == 0 ? GOOD : 2;
}

static void
test_nobody_keeps_root_or_a_capability(void **state)
{
    (void)state;
    check_good(user_dropped);
}

static bool
forbid_capset(void)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    bool done = ctx != NULL &&
                seccomp_rule_add(
                    ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(capset), 0) == 0 &&
                seccomp_load(ctx) == 0;

    seccomp_release(ctx);
    return done;
}

// As a hardened unit does, where there is nothing to drop either.
static int
capset_forbidden(const bait_t *bait)
{
    return forbid_capset() ? user_dropped(bait) : 3;
}

// What cannot be dropped is not overlooked.
static int
capabilities_kept(const bait_t *bait)
{
    (void)bait;
    if (geteuid() != 0) {
        return GOOD; // has none to keep
    }
    return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && forbid_capset() &&
                   fence_user(65534, 65534) != ERR_OK
               ? GOOD
               : 1;
}

static void
test_capabilities_are_looked_for_where_capset_is_forbidden(void **state)
{
    (void)state;
    check_good(capset_forbidden);
    check_good(capabilities_kept);
}

// The second fence alone.
static int
landlock_alone(const bait_t *bait)
{
    int abi;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return 1;
    }
    errcode_t rc = fence_landlock(false, &abi);
    if (abi == 0) {
        return rc == ERR_UNSUPPORTED ? GOOD : 2;
    }
    static const char *const refused[] = {"open a file for reading",
        "open a file for writing", "create a file", "open /proc/self/status",
        "list a folder", "unlink a file", "make a folder",
        "connect a TCP socket it holds", "bind a TCP socket it holds",
        "signal another process"};
    size_t n = abi >= 6 ? 10 : abi >= 4 ? 9 : 7;
    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        for (size_t j = 0; j < n_attempts; j++) {
            if (strcmp(attempts[j].what, refused[i]) == 0 &&
                attempts[j].run(bait) != -1) {
                fprintf(stderr, "%s: not refused\n", refused[i]);
                return 3;
            }
        }
    }
    return rc == ERR_OK ? GOOD : 4;
}

static void
test_landlock_refuses_without_the_filter(void **state)
{
    (void)state;
    check_good(landlock_alone);
}

static void
test_an_abort_is_still_an_abort(void **state)
{
    sandbox_report_t report;
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        confine(&report);
        abort();
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void
test_only_full_is_enough_unless_weak_is_allowed(void **state)
{
    const sandbox_report_t full = {.level = SANDBOX_FULL};
    const sandbox_report_t weak = {.level = SANDBOX_WEAK};
    const sandbox_report_t none = {.level = SANDBOX_NONE};

    (void)state;
    assert_true(sandbox_is_enough(&full, false));
    assert_false(sandbox_is_enough(&weak, false));
    assert_false(sandbox_is_enough(&none, false));
    assert_true(sandbox_is_enough(&weak, true));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_forbidden_thing_kills),
        cmocka_unit_test(test_what_is_allowed_does_not_kill),
        cmocka_unit_test(test_without_fences_a_file_can_be_read),
        cmocka_unit_test(test_what_counting_needs_is_allowed),
        cmocka_unit_test(test_a_mapped_file_may_be_cut_short),
        cmocka_unit_test(test_file_size_and_descriptors_are_limited),
        cmocka_unit_test(test_other_descriptors_are_closed),
        cmocka_unit_test(test_nobody_keeps_root_or_a_capability),
        cmocka_unit_test(
            test_capabilities_are_looked_for_where_capset_is_forbidden),
        cmocka_unit_test(test_landlock_refuses_without_the_filter),
        cmocka_unit_test(test_an_abort_is_still_an_abort),
        cmocka_unit_test(test_only_full_is_enough_unless_weak_is_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
