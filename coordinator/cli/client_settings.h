// SPDX-License-Identifier: Apache-2.0
// client_settings: where the coordinator is and which key folder to use.
// What the command line left out comes from LOGTALLY_COORDINATOR,
// LOGTALLY_KEYS and LOGTALLY_PASSPHRASE_FILE (a path, never the passphrase
// itself: others can read an environment), then from the first configuration
// file there is:
// ~/.config/logtally/client.conf, /etc/logtally/client.conf.
#ifndef LOGTALLY_COORDINATOR_CLI_CLIENT_SETTINGS_H
#define LOGTALLY_COORDINATOR_CLI_CLIENT_SETTINGS_H

#include "coordinator/cli/command.h"

// Fills what is NULL in *common; the passphrase's file may stay so. ERR_CONFIG
// with a sentence in *why: a bad file, or nowhere named.
MUST_CHECK errcode_t client_settings_find(common_options_t *common, buf_t *why);

// The same, but what nothing names stays NULL: an error is a bad file.
MUST_CHECK errcode_t client_settings_look(common_options_t *common, buf_t *why);

// What the configuration file has as `format = NAME TEXT` for this name, for
// the caller to free; NULL when it has none. ERR_CONFIG: a bad file.
MUST_CHECK errcode_t client_settings_format(
    const char *name, char **out, buf_t *why);

#endif
