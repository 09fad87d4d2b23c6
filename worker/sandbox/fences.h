// SPDX-License-Identifier: Apache-2.0
// fences: the parts of sandbox_enter, each on its own for the tests.
#ifndef LOGTALLY_WORKER_SANDBOX_FENCES_H
#define LOGTALLY_WORKER_SANDBOX_FENCES_H

#include "common/base/errcode.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// All ERR_IO with errno unless they say otherwise.

// Root becomes this user, without groups; nobody keeps a capability.
MUST_CHECK errcode_t fence_user(uid_t uid, gid_t gid);
// Refuses every access that the kernel's Landlock knows. *abi is 0 and the
// answer ERR_UNSUPPORTED where there is none. With `files` they can be read.
// Needs no_new_privs.
MUST_CHECK errcode_t fence_landlock(bool files, int *abi);
// Kills the process at every system call that counting does not need. With
// `files` it answers EPERM, and files can be opened for reading.
// Needs no_new_privs.
MUST_CHECK errcode_t fence_calls(bool files);

#endif
