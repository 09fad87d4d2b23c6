// SPDX-License-Identifier: Apache-2.0
// Each attempt in a process that is confined as a daemon is.
#include "common/confine/selftest.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/sanitized.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void
try_all(bool programs)
{
    confine_bait_t bait;
    confine_report_t report;

    assert_true(confine_bait_lay(&bait, programs));
    for (size_t i = 0; i < n_confine_attempts; i++) {
        confine_end_t end = confine_try(&confine_attempts[i], &bait, &report);
        if (end == CONFINE_KERNEL_CANNOT) {
            print_message("%s: this kernel has Landlock ABI %d alone\n",
                confine_attempts[i].what, report.landlock);
        } else if (end != CONFINE_AS_IT_SHOULD) {
            fail_msg(
                "%s: %d, %s", confine_attempts[i].what, (int)end, report.text);
        }
    }
    confine_bait_take_up(&bait);
}

static void
test_a_coordinator_can_do_its_work_alone(void **state)
{
    (void)state;
    try_all(false);
}

static void
test_a_supervisor_can_start_processes(void **state)
{
    (void)state;
    try_all(true);
}

// These are not refused without the fences; else the tests above would say
// nothing. The others take rights that who runs the tests may not have.
static void
test_the_attempts_are_good_ones(void **state)
{
    static const char *const without[] = {"read a file beside its folders",
        "write a file beside its folders", "list the folder of its folders",
        "change a key", "put a key into the key folder", "make a symbolic link",
        "make a process", "signal another process", "make memory executable",
        "bind another port"};
    confine_bait_t bait;

    (void)state;
    assert_true(confine_bait_lay(&bait, false));
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        for (size_t k = 0; k < n_confine_attempts; k++) {
            if (strcmp(confine_attempts[k].what, without[i]) == 0) {
                assert_true(confine_attempts[k].run(&bait) >= 0);
            }
        }
    }
    while (waitpid(-1, NULL, 0) > 0) { // of "make a process"
    }
    confine_bait_take_up(&bait);
}

// In a child: there is no way back.
static int
settled(const char *setting, const confine_options_t *options)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid != -1);
    if (pid == 0) {
        confine_report_t report;
        buf_t why = {0};
        errcode_t rc = confine_as_set(setting, options, &report, &why);
        _exit(rc == ERR_OK ? 100 + (int)report.level : (int)rc);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void
test_the_setting(void **state)
{
    const confine_options_t options = {0};

    (void)state;
    assert_true(confine_is_setting("yes") && confine_is_setting("must") &&
                confine_is_setting("no"));
    assert_false(confine_is_setting("maybe"));
    assert_int_equal(settled("no", &options), 100 + CONFINE_NONE);
    if (landlock_abi() > 0) {
        int level = BUILD_IS_SANITIZED ? CONFINE_WEAK : CONFINE_FULL;
        assert_int_equal(settled("yes", &options), 100 + level);
        assert_int_equal(settled("must", &options), 100 + level);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_coordinator_can_do_its_work_alone),
        cmocka_unit_test(test_a_supervisor_can_start_processes),
        cmocka_unit_test(test_the_attempts_are_good_ones),
        cmocka_unit_test(test_the_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
