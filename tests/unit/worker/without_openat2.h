// SPDX-License-Identifier: Apache-2.0
// The rest of this process on a kernel without openat2, as it seems.
#ifndef LOGTALLY_TESTS_UNIT_WORKER_WITHOUT_OPENAT2_H
#define LOGTALLY_TESTS_UNIT_WORKER_WITHOUT_OPENAT2_H

#include <assert.h>
#include <errno.h>
#include <linux/openat2.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline void
without_openat2(void)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

    assert(ctx != NULL);
    int rc =
        seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0);
    assert(rc == 0);
    rc = seccomp_load(ctx);
    assert(rc == 0);
    seccomp_release(ctx);
    assert(
        syscall(SYS_openat2, -1, "", NULL, (size_t)0) == -1 && errno == ENOSYS);
}

#endif
