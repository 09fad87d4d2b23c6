// SPDX-License-Identifier: Apache-2.0
#ifndef LOGTALLY_COORDINATOR_CLI_KEYS_PASSPHRASE_H
#define LOGTALLY_COORDINATOR_CLI_KEYS_PASSPHRASE_H

int keys_passphrase(int argc, char **argv);

#endif
