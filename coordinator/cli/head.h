// SPDX-License-Identifier: Apache-2.0
// head: the beginning of a file, unpacked, for a look at its format.
#ifndef LOGTALLY_COORDINATOR_CLI_HEAD_H
#define LOGTALLY_COORDINATOR_CLI_HEAD_H

#include "common/base/bytes.h"

// Enough for `auto`. ERR_IO: errno says why. "-" is standard input.
MUST_CHECK errcode_t head_read(const char *path, buf_t *head, bool *at_end);

#endif
