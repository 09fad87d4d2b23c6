// SPDX-License-Identifier: Apache-2.0
// rights: the capabilities of a daemon that was started as root.
#ifndef LOGTALLY_COMMON_CONFINE_RIGHTS_H
#define LOGTALLY_COMMON_CONFINE_RIGHTS_H

#include "common/base/errcode.h"

#include <stdint.h>

#define RIGHT(capability) (UINT64_C(1) << (capability))

// Keeps those of `wanted` that the process has, in every set but those that
// are handed down; *kept gets them. For a process with one thread. ERR_IO
// with errno: some are left that should not be.
MUST_CHECK errcode_t rights_keep(uint64_t wanted, uint64_t *kept);

#endif
