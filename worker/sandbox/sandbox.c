// SPDX-License-Identifier: Apache-2.0
// The order matters: the user changes while that is still allowed, and it
// clears the parent's death signal and the dumpable flag, which therefore
// come after; the filter comes last, since it refuses all of this.
#include "worker/sandbox/sandbox.h"

#include "common/base/sanitized.h"
#include "worker/sandbox/fences.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

bool
sandbox_is_for_tests(void)
{
    return BUILD_IS_SANITIZED != 0;
}

bool
sandbox_is_enough(const sandbox_report_t *report, bool allow_weak)
{
    return report->level == SANDBOX_FULL || report->by_build || allow_weak;
}

static bool
limit(int what, uint64_t value)
{
    const struct rlimit l = {value, value};

    return setrlimit((__rlimit_resource_t)what, &l) == 0;
}

// A limit can only be lowered by who has no privilege; one that is lower
// already stays.
static bool
lower(int what, uint64_t value)
{
    struct rlimit now;

    if (getrlimit((__rlimit_resource_t)what, &now) == -1) {
        return false;
    }
    return limit(what, now.rlim_max < value ? now.rlim_max : value);
}

// The shadow memory of a sanitizer is data, too.
static bool
set_limits(const sandbox_options_t *o)
{
    signal(SIGXFSZ, SIG_IGN); // EFBIG instead
    return limit(RLIMIT_CORE, 0) && limit(RLIMIT_NPROC, 0) &&
           lower(RLIMIT_FSIZE, o->file_size) &&
           lower(RLIMIT_NOFILE, o->max_fds) &&
           (o->memory == 0 || BUILD_IS_SANITIZED ||
               lower(RLIMIT_DATA, o->memory));
}

// False: text says what is missing. A supervisor that died before the death
// signal was set has closed the socket: the first read ends.
static bool
set_process(const sandbox_options_t *o, sandbox_report_t *out)
{
    const char *what = NULL;

    if (syscall(SYS_close_range, (unsigned)o->last_fd + 1, ~0u, 0u) != 0) {
        what = "cannot close descriptors";
    } else if (fence_user(o->uid, o->gid) != ERR_OK) {
        what = "cannot give up the user's rights";
    } else if (!set_limits(o)) {
        what = "cannot set limits";
    } else if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
               prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) {
        what = "cannot be shut off from debuggers";
    }
    if (what != NULL) {
        snprintf(out->text, sizeof out->text, "%s: %s", what, strerror(errno));
    }
    return what == NULL;
}

void
sandbox_enter(const sandbox_options_t *o, sandbox_report_t *out)
{
    bool files = BUILD_IS_SANITIZED && !o->strict;

    *out = (sandbox_report_t){.level = SANDBOX_WEAK};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        out->level = SANDBOX_NONE;
        snprintf(out->text, sizeof out->text, "no_new_privs is not there: %s",
            strerror(errno));
        return;
    }
    bool all = set_process(o, out);
    errcode_t rc = fence_landlock(files, &out->landlock);
    if (rc != ERR_OK && all) {
        all = false;
        snprintf(out->text, sizeof out->text, "%s",
            rc == ERR_UNSUPPORTED ? "this kernel has no Landlock"
                                  : "Landlock could not be put in force");
    }
    if (fence_calls(files) != ERR_OK) {
        out->level = SANDBOX_NONE;
        snprintf(out->text, sizeof out->text,
            "the system call filter (seccomp) could not be loaded: %s",
            strerror(errno));
    } else if (all && files) {
        out->by_build = true;
        snprintf(out->text, sizeof out->text,
            "a build with sanitizers, files can be read");
    } else if (all) {
        out->level = SANDBOX_FULL;
    }
}
