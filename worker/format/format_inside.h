// SPDX-License-Identifier: Apache-2.0
// What a format is made of; for format.c, which reads a line part by part,
// and shape.c, which compiles the usual line.
#ifndef LOGTALLY_WORKER_FORMAT_FORMAT_INSIDE_H
#define LOGTALLY_WORKER_FORMAT_FORMAT_INSIDE_H

#include "worker/format/format.h"

typedef enum {
    PART_WORD,       // up to `stop` or the end of the line, at least one byte
    PART_VHOST_PORT, // a word cut at its last ':', both sides not empty
    PART_UNTIL,      // up to the next part's lead, at least one byte
    PART_TEXT,       // up to `stop`, which must come; may be empty
    PART_QUOTED,     // up to the next '"' that no backslash escapes
    PART_OPTIONAL,   // no part: the line may end here
    PART_REST,       // no field: the line may end here, or go on after a space
} part_kind_t;

typedef struct part {
    const char *lead; // bytes before the field, always these
    part_kind_t kind;
    field_t field;
    char stop;
    char inside; // the delimiter that usually stands once inside a TEXT; or 0
} part_t;

#define PARTS_MAX 12

struct format {
    part_t parts[PARTS_MAX];
    size_t n_parts;
    // Fields that an accepted line may lack; it sets all others.
    field_t optional[2];
    size_t n_optional;
    unsigned within; // bit per format whose lines include all of this one's
};

#endif
