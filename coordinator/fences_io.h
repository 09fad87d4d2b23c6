// SPDX-License-Identifier: Apache-2.0
#ifndef LOGTALLY_COORDINATOR_FENCES_IO_H
#define LOGTALLY_COORDINATOR_FENCES_IO_H

#include "coordinator/options.h"

// Confines the process as the settings want (NULL, as in tests: not). The
// state folder is there, its own key is read, and there is one thread.
MUST_CHECK errcode_t fences_put_up(
    const coordinator_options_t *options, buf_t *why);

#endif
