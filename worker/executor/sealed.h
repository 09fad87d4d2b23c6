// SPDX-License-Identifier: Apache-2.0
// sealed: bytes in a memory file that nobody can change any more, to hand to
// another process by its descriptor.
#ifndef LOGTALLY_WORKER_EXECUTOR_SEALED_H
#define LOGTALLY_WORKER_EXECUTOR_SEALED_H

#include "common/base/bytes.h"

// On success the caller owns *fd.
MUST_CHECK errcode_t sealed_new(span_t bytes, int *fd);
// Appends the contents. ERR_CORRUPT: not sealed, empty or over `max`.
MUST_CHECK errcode_t sealed_read(int fd, size_t max, buf_t *out);

#endif
