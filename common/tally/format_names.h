// SPDX-License-Identifier: Apache-2.0
// format_names: the named formats of log lines, by the index that partials
// carry. worker/format describes them; who reads a partial needs the names
// alone.
#ifndef LOGTALLY_COMMON_TALLY_FORMAT_NAMES_H
#define LOGTALLY_COMMON_TALLY_FORMAT_NAMES_H

typedef enum {
    FORMAT_COMBINED,
    FORMAT_COMMON,
    FORMAT_VHOST_COMBINED,
    FORMAT_VHOST_COMMON,
    FORMAT_COUNT
} format_index_t;

extern const char *const format_names[FORMAT_COUNT];

#endif
