// SPDX-License-Identifier: Apache-2.0
// Debian 12's headers know Landlock as of Linux 6.1; what came later is
// defined here, and the kernel is asked what it has.
#include "worker/sandbox/fences.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset // the same numbers everywhere
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif
#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH      1
#define FS_READ_FILE           (1u << 2)
#define FS_READ_DIR            (1u << 3)
#define NET_ALL                3u // bind and connect of TCP
#define SCOPE_ALL              3u // abstract unix sockets, signals

typedef struct ruleset_attr {
    uint64_t fs;
    uint64_t net;
    uint64_t scoped;
} ruleset_attr_t;

typedef struct path_beneath_attr {
    uint64_t access;
    int32_t parent_fd;
} __attribute__((packed)) path_beneath_attr_t;

// Bits of file system rights by ABI; the first has 13, then come REFER,
// TRUNCATE and IOCTL_DEV.
static uint64_t
fs_rights(int abi)
{
    unsigned bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;

    return (UINT64_C(1) << bits) - 1;
}

static size_t
attr_size(int abi)
{
    return sizeof(uint64_t) * (abi >= 6 ? 3 : abi >= 4 ? 2 : 1);
}

static errcode_t
let_files_be_read(int ruleset)
{
    path_beneath_attr_t rule = {.access = FS_READ_FILE | FS_READ_DIR,
        .parent_fd = open("/", O_PATH | O_CLOEXEC)};
    long rc = -1;

    if (rule.parent_fd != -1) {
        rc = syscall(
            SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
        close(rule.parent_fd);
    }
    return rc == 0 ? ERR_OK : ERR_IO;
}

errcode_t
fence_landlock(bool files, int *abi)
{
    long version = syscall(
        SYS_landlock_create_ruleset, NULL, (size_t)0, CREATE_RULESET_VERSION);
    errcode_t rc = ERR_OK;

    *abi = version > 0 ? (int)version : 0;
    if (*abi == 0) {
        return ERR_UNSUPPORTED;
    }
    const ruleset_attr_t attr = {.fs = fs_rights(*abi),
        .net = *abi >= 4 ? NET_ALL : 0,
        .scoped = *abi >= 6 ? SCOPE_ALL : 0};
    int ruleset =
        (int)syscall(SYS_landlock_create_ruleset, &attr, attr_size(*abi), 0u);
    if (ruleset == -1) {
        return ERR_IO;
    }
    if (files) {
        rc = let_files_be_read(ruleset);
    }
    if (rc == ERR_OK && syscall(SYS_landlock_restrict_self, ruleset, 0u) != 0) {
        rc = ERR_IO;
    }
    int error = errno;
    close(ruleset);
    errno = error;
    return rc;
}
