// SPDX-License-Identifier: Apache-2.0
#include "worker/sandbox/fences.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Only who may do so needs to: without CAP_SETPCAP (EPERM) and with
// no_new_privs the bounding set opens nothing.
static errcode_t
drop_bounding(void)
{
    for (unsigned long cap = 0; cap < 64; cap++) {
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1) {
            return errno == EINVAL || errno == EPERM ? ERR_OK : ERR_IO;
        }
    }
    return ERR_OK;
}

static bool
has_none(struct __user_cap_header_struct *head)
{
    struct __user_cap_data_struct now[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, head, now) != 0) {
        return false;
    }
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        if ((now[i].effective | now[i].permitted | now[i].inheritable) != 0) {
            errno = EPERM;
            return false;
        }
    }
    return true;
}

// A unit may forbid capset: what counts is that none is left.
static errcode_t
drop_capabilities(void)
{
    struct __user_cap_header_struct head = {
        .version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

    // EINVAL: a kernel without ambient capabilities has none to drop.
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 &&
        errno != EINVAL) {
        return ERR_IO;
    }
    if (syscall(SYS_capset, &head, none) != 0 && errno != EPERM) {
        return ERR_IO;
    }
    return has_none(&head) ? ERR_OK : ERR_IO;
}

errcode_t
fence_user(uid_t uid, gid_t gid)
{
    errcode_t rc = drop_bounding();

    if (rc == ERR_OK && geteuid() == 0) {
        if (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 ||
            setresuid(uid, uid, uid) == -1) {
            return ERR_IO;
        }
    }
    return rc == ERR_OK ? drop_capabilities() : rc;
}
