// SPDX-License-Identifier: Apache-2.0
#include "common/confine/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset // the same numbers everywhere
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif
#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH      1
#define RULE_NET_PORT          2

#define FS_EXECUTE             (1u << 0)
#define FS_WRITE_FILE          (1u << 1)
#define FS_READ_FILE           (1u << 2)
#define FS_READ_DIR            (1u << 3)
#define FS_REMOVE_DIR          (1u << 4)
#define FS_REMOVE_FILE         (1u << 5)
#define FS_MAKE_DIR            (1u << 7)
#define FS_MAKE_REG            (1u << 8)
#define FS_REFER               (1u << 13)
#define FS_TRUNCATE            (1u << 14)
#define FS_OF_A_FILE           (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE)
#define NET_BIND               1u
#define NET_CONNECT            2u
#define SCOPE_SOCKETS          1u
#define SCOPE_SIGNALS          2u

typedef struct ruleset_attr {
    uint64_t fs;
    uint64_t net;
    uint64_t scoped;
} ruleset_attr_t;

typedef struct path_beneath_attr {
    uint64_t access;
    int32_t parent_fd;
} __attribute__((packed)) path_beneath_attr_t;

typedef struct net_port_attr {
    uint64_t access;
    uint64_t port;
} net_port_attr_t;

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

int
landlock_abi(void)
{
    long version = syscall(
        SYS_landlock_create_ruleset, NULL, (size_t)0, CREATE_RULESET_VERSION);

    return version > 0 ? (int)version : 0;
}

errcode_t
landlock_open(const landlock_wish_t *wish, landlock_t *out)
{
    *out = (landlock_t){.fd = -1, .abi = landlock_abi()};
    if (out->abi == 0) {
        return ERR_UNSUPPORTED;
    }
    ruleset_attr_t attr = {.fs = fs_rights(out->abi)};
    if (out->abi >= 4) {
        attr.net =
            (wish->bind ? NET_BIND : 0) | (wish->connect ? NET_CONNECT : 0);
        out->bind = wish->bind;
    }
    if (out->abi >= 6) {
        attr.scoped = (wish->sockets ? SCOPE_SOCKETS : 0) |
                      (wish->signals ? SCOPE_SIGNALS : 0);
    }
    out->fd = (int)syscall(
        SYS_landlock_create_ruleset, &attr, attr_size(out->abi), 0u);
    return out->fd != -1 ? ERR_OK : ERR_IO;
}

// What the kernel knows of it, and what a file can have.
static uint64_t
rights_of(const landlock_t *self, unsigned access, bool folder)
{
    uint64_t rights = 0;

    if ((access & LANDLOCK_READ) != 0) {
        rights |= FS_READ_FILE | FS_READ_DIR;
    }
    if ((access & LANDLOCK_WRITE) != 0) {
        rights |= FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR |
                  FS_MAKE_REG | FS_REFER | FS_TRUNCATE;
    }
    if ((access & LANDLOCK_EXECUTE) != 0) {
        rights |= FS_EXECUTE;
    }
    return rights & fs_rights(self->abi) & (folder ? UINT64_MAX : FS_OF_A_FILE);
}

errcode_t
landlock_path(landlock_t *self, const char *path, unsigned access)
{
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);

    if (fd == -1) {
        return errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
    }
    long rc = fstat(fd, &st);
    if (rc == 0) {
        const path_beneath_attr_t rule = {
            .access = rights_of(self, access, S_ISDIR(st.st_mode)),
            .parent_fd = fd};
        rc = syscall(
            SYS_landlock_add_rule, self->fd, RULE_PATH_BENEATH, &rule, 0u);
    }
    int error = errno;
    close(fd);
    errno = error;
    return rc == 0 ? ERR_OK : ERR_IO;
}

errcode_t
landlock_port(landlock_t *self, uint16_t port)
{
    const net_port_attr_t rule = {.access = NET_BIND, .port = port};

    if (!self->bind) {
        return ERR_OK;
    }
    return syscall(SYS_landlock_add_rule, self->fd, RULE_NET_PORT, &rule, 0u) ==
                   0
               ? ERR_OK
               : ERR_IO;
}

errcode_t
landlock_enforce(landlock_t *self)
{
    return syscall(SYS_landlock_restrict_self, self->fd, 0u) == 0 ? ERR_OK
                                                                  : ERR_IO;
}

void
landlock_close(landlock_t *self)
{
    int error = errno;

    if (self->fd != -1) {
        close(self->fd);
        self->fd = -1;
    }
    errno = error;
}
