// SPDX-License-Identifier: Apache-2.0
// In a child each: there is no way back.
#include "common/base/private.h"

#include "tests/unit/cmocka_all.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int
private_child(void)
{
    struct rlimit core = {1, 1};

    if (private_process() != ERR_OK || prctl(PR_GET_DUMPABLE) != 0) {
        return 1;
    }
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0) {
        return 2;
    }
    return core.rlim_max == 0 ? 0 : 3;
}

static void
test_a_private_process_has_no_core_and_no_debugger(void **state)
{
    int status;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        _exit(private_child());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void
test_a_crash_of_it_leaves_no_core(void **state)
{
    int status;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        private_or_die("test");
        signal(SIGABRT, SIG_DFL);
        kill(getpid(), SIGABRT);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_false(WCOREDUMP(status));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_private_process_has_no_core_and_no_debugger),
        cmocka_unit_test(test_a_crash_of_it_leaves_no_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
