// SPDX-License-Identifier: Apache-2.0
// The making of a pattern, byte by byte and field by field; for pattern.c,
// which reads what formats/*.format and nginx have, and given.c, which reads
// what Apache has.
#ifndef LOGTALLY_WORKER_FORMAT_PATTERN_INSIDE_H
#define LOGTALLY_WORKER_FORMAT_PATTERN_INSIDE_H

#include "worker/format/format_inside.h"

typedef struct builder {
    pattern_t *out;
    query_error_t *error;
    // Places in the text, of the part that comes next and of the parts.
    size_t begins[PARTS_MAX];
    size_t ends[PARTS_MAX];
    uint64_t automatic; // bit per part whose kind follows from its neighbours
    uint32_t seen;      // bit per field
    size_t lead;        // where the lead of the next part begins
} builder_t;

builder_t builder_init(pattern_t *out, query_error_t *error);
// False: *error is set. A place is of the text that is read.
bool builder_byte(builder_t *self, char c, size_t place);
// The kind counts unless it is `automatic`.
bool builder_part(
    builder_t *self, part_t part, bool automatic, size_t begin, size_t end);
bool builder_finish(builder_t *self, size_t end);
__attribute__((format(printf, 4, 5))) bool builder_fail(
    query_error_t *error, size_t begin, size_t end, const char *fmt, ...);

// What a variable of nginx, or a name of the language, stands for.
void pattern_name(pattern_t *pattern, span_t name, part_t *part);
// The text from `at` on, which stands in no other text.
bool pattern_read(builder_t *builder, span_t text);

#endif
