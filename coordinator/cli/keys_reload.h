// SPDX-License-Identifier: Apache-2.0
#ifndef LOGTALLY_COORDINATOR_CLI_KEYS_RELOAD_H
#define LOGTALLY_COORDINATOR_CLI_KEYS_RELOAD_H

// argv[0] is "reload".
int keys_reload(int argc, char **argv);

#endif
