// SPDX-License-Identifier: Apache-2.0
// format_names: the named formats of log lines, by the index that partials
// carry. formats/ describes them and worker/format reads lines by them; who
// reads a partial needs the names alone.
#ifndef LOGTALLY_COMMON_TALLY_FORMAT_NAMES_H
#define LOGTALLY_COMMON_TALLY_FORMAT_NAMES_H

// Generated: FORMAT_LIST(X) is X(COMBINED, "combined") and so on.
#include "common/tally/format_list.h"

#define FORMAT_ENUM(id, name) FORMAT_##id,
typedef enum {
    FORMAT_LIST(FORMAT_ENUM) FORMAT_COUNT,
    FORMAT_GIVEN = FORMAT_COUNT // one that has no name
} format_index_t;
#undef FORMAT_ENUM

extern const char *const format_names[FORMAT_COUNT];

#endif
