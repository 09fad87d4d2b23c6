// SPDX-License-Identifier: Apache-2.0
// calls: system calls that no daemon of ours has a use for, so that who takes
// one over has none of them.
#ifndef LOGTALLY_COMMON_CONFINE_CALLS_H
#define LOGTALLY_COMMON_CONFINE_CALLS_H

#include "common/base/errcode.h"

#include <stdbool.h>

// They fail with EPERM from now on. `programs`: processes may be started.
// Needs no_new_privs; for this thread, those it starts, and its children.
// ERR_IO with errno.
MUST_CHECK errcode_t calls_refuse(bool programs);

#endif
