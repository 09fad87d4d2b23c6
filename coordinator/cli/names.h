// SPDX-License-Identifier: Apache-2.0
// names: queries over fields that are not built in. Whether there are any is
// for the format to say.
#ifndef LOGTALLY_COORDINATOR_CLI_NAMES_H
#define LOGTALLY_COORDINATOR_CLI_NAMES_H

#include "common/query/query.h"

// query_parse for lines of this format (what -f says; "auto" has no names of
// its own).
MUST_CHECK errcode_t names_parse(
    const char *text, const char *format, query_t **out, query_error_t *error);

// "auto", or the name of the format that `auto` takes for this file where the
// query has names that only a format can have. Lent for ever.
const char *names_look(const char *text, const char *file);

#endif
