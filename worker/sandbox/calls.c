// SPDX-License-Identifier: Apache-2.0
// The system calls that counting needs, and no other: none of them takes a
// path, makes a socket or starts anything. Where one can do more than is
// needed its arguments are looked at.
#include "worker/sandbox/fences.h"

#include "worker/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define SOCK 3

static const int plain[] = {SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(readv),
    SCMP_SYS(preadv), SCMP_SYS(preadv2), SCMP_SYS(write), SCMP_SYS(writev),
    SCMP_SYS(pwrite64), SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(close),
    SCMP_SYS(ftruncate), SCMP_SYS(fadvise64), SCMP_SYS(readahead),
    SCMP_SYS(memfd_create), SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap),
    SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(poll),
    SCMP_SYS(ppoll), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(sched_yield), SCMP_SYS(getpid), SCMP_SYS(gettid),
    SCMP_SYS(sysinfo), // qsort asks how much memory there is
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group)};

// What a sanitizer needs besides, to run and to report.
static const int reading[] = {SCMP_SYS(readlink), SCMP_SYS(readlinkat),
    SCMP_SYS(newfstatat), SCMP_SYS(stat), SCMP_SYS(getrlimit),
    SCMP_SYS(prlimit64), SCMP_SYS(sched_getaffinity), SCMP_SYS(getuid),
    SCMP_SYS(geteuid), SCMP_SYS(uname), SCMP_SYS(getcwd),
    SCMP_SYS(set_robust_list)};

static int
allow_all(scmp_filter_ctx ctx, const int *calls, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int
allow_if(scmp_filter_ctx ctx, int call, struct scmp_arg_cmp arg)
{
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 1, arg);
}

// Memory is never executable; messages go over one socket; the only process
// that can be signalled is this one (abort).
static int
allow_some(scmp_filter_ctx ctx)
{
    static const int commands[] = {
        F_GETFL, F_GETFD, F_SETFD, F_GET_SEALS, F_ADD_SEALS};
    int rc;

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        rc = allow_if(ctx, SCMP_SYS(fcntl),
            SCMP_A1_32(SCMP_CMP_EQ, (uint32_t)commands[i], 0));
        if (rc != 0) {
            return rc;
        }
    }
    if ((rc = allow_if(
             ctx, SCMP_SYS(recvmsg), SCMP_A0_32(SCMP_CMP_EQ, SOCK, 0))) != 0 ||
        (rc = allow_if(
             ctx, SCMP_SYS(sendmsg), SCMP_A0_32(SCMP_CMP_EQ, SOCK, 0))) != 0 ||
        (rc = allow_if(ctx, SCMP_SYS(mmap),
             SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0))) != 0 ||
        (rc = allow_if(ctx, SCMP_SYS(mprotect),
             SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0))) != 0) {
        return rc;
    }
    return allow_if(
        ctx, SCMP_SYS(tgkill), SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)getpid(), 0));
}

static int
allow_reading(scmp_filter_ctx ctx)
{
    int rc = allow_all(ctx, reading, sizeof reading / sizeof *reading);

    rc =
        rc ? rc
           : allow_if(ctx, SCMP_SYS(open),
                 SCMP_A1_32(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT, O_RDONLY));
    return rc ? rc
              : allow_if(ctx, SCMP_SYS(openat),
                    SCMP_A2_32(
                        SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT, O_RDONLY));
}

errcode_t
fence_calls(bool files)
{
    scmp_filter_ctx ctx =
        seccomp_init(files ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS);
    int rc = -ENOMEM;

    if (ctx != NULL) {
        // no_new_privs is set already, and a foreign architecture kills.
        rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
        rc = rc ? rc
                : seccomp_attr_set(
                      ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
        rc = rc ? rc : allow_all(ctx, plain, sizeof plain / sizeof *plain);
        rc = rc ? rc : allow_some(ctx);
        if (rc == 0 && sandbox_is_for_tests()) { // at every _exit
            rc =
                seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sigaltstack), 0);
        }
        rc = rc || !files ? rc : allow_reading(ctx);
        rc = rc ? rc : seccomp_load(ctx);
        seccomp_release(ctx);
    }
    errno = -rc;
    return rc == 0 ? ERR_OK : ERR_IO;
}
