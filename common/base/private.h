// SPDX-License-Identifier: Apache-2.0
// private: keeps the memory of a process that holds secret keys to itself.
#ifndef LOGTALLY_COMMON_BASE_PRIVATE_H
#define LOGTALLY_COMMON_BASE_PRIVATE_H

#include "common/base/errcode.h"

// No core file, and no debugger of the same user. The first thing that main
// does. ERR_IO with errno where the kernel says no.
MUST_CHECK errcode_t private_process(void);
// What main calls: ends the process when the above cannot be had. Sanitizer
// builds only give up core files: their leak checker is a debugger.
void private_or_die(const char *program);

#endif
