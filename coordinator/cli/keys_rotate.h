// SPDX-License-Identifier: Apache-2.0
#ifndef LOGTALLY_COORDINATOR_CLI_KEYS_ROTATE_H
#define LOGTALLY_COORDINATOR_CLI_KEYS_ROTATE_H

#include "certs/keyrotate_io.h"

int keys_rotate(int argc, char **argv);

// How far the rotation of the coordinator's key is, and what comes next;
// nothing where there is none.
void keys_rotate_tell(const char *dir);

#endif
