// SPDX-License-Identifier: Apache-2.0
// What formats/*.format says, as formats/compile.py writes it down.
#ifndef LOGTALLY_WORKER_FORMAT_FORMAT_DATA_H
#define LOGTALLY_WORKER_FORMAT_FORMAT_DATA_H

#include "worker/format/format_inside.h"

typedef struct format_data {
    const char *about;
    const char *patterns[PATTERNS_MAX + 1]; // up to a NULL
    read_kind_t reads;
    // Names that every line has, with spaces between; of READ_W3C a text that
    // the directives of its files have.
    const char *needs;
    // "FIELD NAME ...", up to a NULL.
    const char *fields[FIELD_COUNT + 1];
    uint64_t within;
    uint64_t before;
    uint8_t times;
    dur_unit_t unit;
    bool named_only; // `auto` does not choose it
} format_data_t;

#endif
