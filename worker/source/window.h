// SPDX-License-Identifier: Apache-2.0
// window: a piece of a file, mapped to be looked at where reading would copy
// it. Others may write to the file meanwhile, so that a byte may be another
// one at the next look, and what has to hold is read.
//
// A file that is cut short has no bytes to map any more; a processor that
// touches them gets SIGBUS, which kills. Here the window is zeros from then
// on, and window_close says so. A process has one window, in one thread.
#ifndef LOGTALLY_WORKER_SOURCE_WINDOW_H
#define LOGTALLY_WORKER_SOURCE_WINDOW_H

#include "common/base/bytes.h"

// Bytes [at, at + len) of the file, lent until window_close. False: they
// cannot be mapped.
MUST_CHECK bool window_open(int fd, uint64_t at, size_t len, span_t *out);
// False: some bytes could not be had while the window was open.
MUST_CHECK bool window_close(void);

#endif
