// SPDX-License-Identifier: Apache-2.0
// What a format is made of: pattern.c and given.c make it of a description,
// match.c reads a line part by part, shape.c compiles the usual line.
#ifndef LOGTALLY_WORKER_FORMAT_FORMAT_INSIDE_H
#define LOGTALLY_WORKER_FORMAT_FORMAT_INSIDE_H

#include "worker/format/format.h"
#include "worker/format/times.h"

typedef enum {
    PART_WORD,     // up to `stop` or the end of the line, at least one byte
    PART_PADDED,   // a word, perhaps with more spaces before it
    PART_CUT,      // a word cut at its last `cut`, both sides not empty
    PART_LIST,     // words up to `stop`, which goes on behind ", " and " : "
    PART_UNTIL,    // up to the next part's lead, at least one byte
    PART_TEXT,     // up to `stop`, which must come; may be empty
    PART_FIXED,    // `fixed` bytes
    PART_QUOTED,   // up to the next '"' that no backslash escapes
    PART_TAIL,     // up to the end of the line; may be empty
    PART_OPTIONAL, // no field: the line may end here
    PART_REST,     // no field: the line may end here, or go on after a space
    PART_END,      // no field: the line ends here
} part_kind_t;

typedef struct part {
    const char *lead; // bytes before the field, always these
    span_t name;      // as the description has it
    span_t like;      // its bytes that are no letter or digit stand so in the
                      // field's beginning; p == NULL: nothing is asked
    part_kind_t kind;
    field_t field;  // FIELD_COUNT: one that the language has no name for
    field_t second; // of PART_CUT
    uint16_t fixed;
    char stop;
    char cut;
    char inside; // the delimiter that usually stands once inside; or 0
} part_t;

#define PARTS_MAX    64
#define PATTERNS_MAX 6

typedef struct pattern {
    part_t parts[PARTS_MAX];
    size_t n_parts;
    // Leads, each with its NUL.
    char leads[LIMIT_FORMAT_NAME + PARTS_MAX + 8];
    size_t n_leads;
    uint8_t times;   // TIME_* bits; 0: as the format says
    dur_unit_t unit; // of its duration; DUR_NONE: as the format says
} pattern_t;

// Formats whose fields are found by names.
typedef enum {
    READ_PATTERN,
    READ_JSON,
    READ_LOGFMT,
    READ_CSV,
    READ_TSV,
    READ_W3C,
    READ_CRI,    // what a container runtime writes around `inner`
    READ_DOCKER, // the same
} read_kind_t;

// A name that a field has there. Of several the first that a line has counts.
typedef struct source_name {
    field_t field; // FIELD_COUNT: no field, but every line must have it
    span_t name;
} source_name_t;

#define SOURCE_NAMES_MAX 48

// Any other kind of reader sets `match` alone; it has no shape.
typedef bool format_match_t(
    const format_t *self, span_t line, line_fields_t *out, reject_t *why);

struct format {
    const char *name;
    const char *about;
    size_t index;
    format_match_t *match;
    pattern_t *patterns; // the first that fits a line is its own
    size_t n_patterns;
    // Fields that an accepted line may lack; it sets all others.
    field_t optional[FIELD_COUNT];
    size_t n_optional;
    uint32_t fields; // bit per field that some line has
    uint64_t within; // bit per format whose lines include all of this one's
    uint64_t before; // see format_before
    read_kind_t reads;
    const source_name_t *names; // unless READ_PATTERN
    size_t n_names;
    const format_t *inner; // of what is wrapped
    format_t *inner_owned; // the same where it is not a named one, or NULL
    const char *mark;      // of READ_W3C: in the directives of its files
    size_t n_own;          // see format_bind
    uint8_t times;         // TIME_* bits
    dur_unit_t unit;
    bool automatic;
    struct regex_format *regex; // of "re:..."
    char *text;                 // of a given one
};

// A pattern as formats/README.md has it, into *out, zeroed but for the times.
MUST_CHECK errcode_t pattern_make(
    const char *text, pattern_t *out, query_error_t *error);
// Sets what follows from the patterns.
void format_link(format_t *self);
// FIELD_OWN of the name, or FIELD_COUNT.
field_t format_own_field(const query_t *query, span_t name);
bool pattern_match(
    const format_t *self, span_t line, line_fields_t *out, reject_t *why);
// match.c
bool list_ends(const uint8_t *begin, const uint8_t *at, const uint8_t *end);

#endif
