// SPDX-License-Identifier: Apache-2.0
// keys_list: the table of `logtally keys list`, of public data alone.
#ifndef LOGTALLY_COORDINATOR_CLI_KEYS_LIST_H
#define LOGTALLY_COORDINATOR_CLI_KEYS_LIST_H

#include <stdbool.h>

// Prints every key that can be read; false when one could not, which is told
// on standard error.
bool keys_list(const char *dir);

#endif
