// SPDX-License-Identifier: Apache-2.0
// landlock: what the kernel's Landlock knows is refused, but for the rules
// that are added. Own numbers: Debian 12's headers know it as of Linux 6.1,
// and the kernel is asked what it has. Where it knows less, less is refused.
//
// A rule holds for the file or folder that has the path now, and all below.
#ifndef LOGTALLY_COMMON_CONFINE_LANDLOCK_H
#define LOGTALLY_COMMON_CONFINE_LANDLOCK_H

#include "common/base/errcode.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    LANDLOCK_READ = 1,  // files and folders
    LANDLOCK_WRITE = 2, // change, make and remove them; no devices, no links
    LANDLOCK_EXECUTE = 4,
};

typedef struct landlock {
    int fd; // -1: none
    int abi;
    bool bind; // ports that may be bound are ruled
} landlock_t;

typedef struct landlock_wish {
    bool bind;    // refuse to bind TCP ports (from ABI 4 on)
    bool connect; // refuse to connect
    bool sockets; // refuse abstract unix sockets of others (from ABI 6 on)
    bool signals; // refuse signals to others (from ABI 6 on)
} landlock_wish_t;

int landlock_abi(void); // 0: there is none
// Needs no_new_privs by the time it is enforced. ERR_UNSUPPORTED: no
// Landlock. ERR_IO with errno.
MUST_CHECK errcode_t landlock_open(
    const landlock_wish_t *wish, landlock_t *out);
// ERR_NOT_FOUND: there is no such path.
MUST_CHECK errcode_t landlock_path(
    landlock_t *self, const char *path, unsigned access);
MUST_CHECK errcode_t landlock_port(landlock_t *self, uint16_t port);
// For this thread, those that it starts, and its children; for ever.
MUST_CHECK errcode_t landlock_enforce(landlock_t *self);
void landlock_close(landlock_t *self); // keeps errno

#endif
