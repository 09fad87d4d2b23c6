// SPDX-License-Identifier: Apache-2.0
// format_option: what -f says, before it is sent anywhere. A name may stand
// for a format that the client's configuration file has:
//
//   format = NAME TEXT
//
// as often as wanted, with TEXT as -f takes it.
#ifndef LOGTALLY_COORDINATOR_CLI_FORMAT_OPTION_H
#define LOGTALLY_COORDINATOR_CLI_FORMAT_OPTION_H

#include "common/base/bytes.h"

// Puts what *text stands for in its place. EXIT_DONE, or EXIT_USAGE after the
// mistake was printed.
MUST_CHECK int format_option(char **text);

#endif
