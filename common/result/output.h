// SPDX-License-Identifier: Apache-2.0
// output: a result as text for a person or a program. Bytes that could harm
// a terminal, a CSV reader or a page never get through unescaped.
#ifndef LOGTALLY_COMMON_RESULT_OUTPUT_H
#define LOGTALLY_COMMON_RESULT_OUTPUT_H

#include "common/result/result.h"

typedef enum {
    OUTPUT_TABLE,
    OUTPUT_TSV,
    OUTPUT_CSV,
    OUTPUT_JSON,
    OUTPUT_JSONL,
    OUTPUT_MD,
    OUTPUT_HTML,
    OUTPUT_KIND_COUNT
} output_kind_t;

// "table", "tsv", ...; ERR_NOT_FOUND for any other word.
MUST_CHECK errcode_t output_kind_parse(const char *name, output_kind_t *out);

typedef struct output_options {
    output_kind_t kind;
    bool header;  // first line of tsv and csv
    size_t width; // table: columns of the terminal, 0 for no limit
} output_options_t;

// With all that is behind it; each of several below its name.
void output_result(
    const result_t *result, const output_options_t *options, buf_t *out);
// The receipt for people, some lines for standard error: what was read, what
// was rejected and why, what is missing.
void output_receipt(const receipt_t *receipt, buf_t *out);
// A text made harmless for a terminal or a log line: control bytes, bidi
// controls and invalid UTF-8 as \xHH.
void output_safe_text(span_t text, buf_t *out);
// The rows of a result and of all behind it as JSON for a page that draws them
// by itself: each cell as a page has it, null where there is none, and what
// says which chart they have. With the receipt. At most `most` rows of each.
void output_rows(const result_t *result, size_t most, buf_t *out);
// What every page carries: its style, its script, and the library of its charts
// (empty: built without). Lent for good.
typedef enum { PART_STYLE, PART_SCRIPT, PART_CHARTS } output_part_t;
span_t output_part(output_part_t part);
// A number of that type: times as ISO 8601 in UTC, others as dec_format.
void output_number(type_t type, dec_t v, buf_t *out);

#endif
