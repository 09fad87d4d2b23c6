// SPDX-License-Identifier: Apache-2.0
// What reading.c shares with the readers: by_name.c (json, logfmt), table.c
// (csv, tsv, w3c) and wrapped.c (cri, docker).
#ifndef LOGTALLY_WORKER_FORMAT_READING_INSIDE_H
#define LOGTALLY_WORKER_FORMAT_READING_INSIDE_H

#include "worker/format/format_inside.h"
#include "worker/format/json.h"
#include "worker/format/reading.h"

#define TO_NOWHERE FIELD_COUNT

// Where a column's cell goes, as indices in line_fields_t.fields.
typedef struct table_column {
    uint8_t field; // TO_NOWHERE: no built-in one
    uint8_t rank;  // among the names of that field; the least counts
    uint8_t own;   // TO_NOWHERE: no own name
} header_column_t;

struct reading {
    const format_t *format;
    const query_t *query;
    uint32_t fields; // bit per field_t that is wanted
    // by_name: the names, what they are for, and what a line has for them.
    json_names_t wanted;
    uint8_t to[JSON_NAMES_MAX];
    bool needed[JSON_NAMES_MAX];
    json_value_t values[JSON_NAMES_MAX];
    buf_t scratch;    // texts of the line that do not stand in it
    reading_t *inner; // of what is wrapped, or NULL
    // table
    bool cleared; // since the header
    bool has_header;
    uint64_t header_at;
    header_column_t columns[LIMIT_TABLE_COLUMNS];
    size_t n_columns;
    size_t date; // column of a w3c date; n_columns: none
    size_t clock;
};

_Static_assert(FIELD_COUNT + 1 + LIMIT_FREE_NAMES <= UINT8_MAX, "a byte");

void by_name_prepare(reading_t *self);
bool json_match(
    const format_t *format, span_t line, line_fields_t *out, reject_t *why);
bool logfmt_match(
    const format_t *format, span_t line, line_fields_t *out, reject_t *why);

bool wrapped_match(
    const format_t *format, span_t line, line_fields_t *out, reject_t *why);

bool table_header(reading_t *self, span_t line, uint64_t offset);
bool table_match(
    const format_t *format, span_t line, line_fields_t *out, reject_t *why);

#endif
