// SPDX-License-Identifier: Apache-2.0
// What the files of output share among themselves.
#ifndef LOGTALLY_COMMON_RESULT_OUTPUT_INSIDE_H
#define LOGTALLY_COMMON_RESULT_OUTPUT_INSIDE_H

#include "common/result/output.h"
#include "common/result/shape.h"

const cell_t *cell_at(const result_t *result, size_t row, size_t column);
// A cell that is a number, a time by the result's zone.
void put_number(const result_t *result, size_t row, size_t column, buf_t *out);
// A cell for any kind but JSON; texts by `put_text`.
void put_cell(const result_t *result, size_t row, size_t column,
    void (*put_text)(span_t, buf_t *), buf_t *out);
bool goes_right(type_t type); // a number whose digits should line up

void output_delimited(
    const result_t *result, bool csv, bool header, buf_t *out);
void output_table(const result_t *result, size_t width, buf_t *out);
void output_markdown(const result_t *result, buf_t *out);
void output_json(const result_t *result, buf_t *out);
void output_jsonl(const result_t *result, buf_t *out);
void output_html(const result_t *result, buf_t *out);

// Pieces of sentences about a receipt: 1234567 as 1,234,567; a number and what
// it counts; 1234567 as 1.2 MB.
void put_grouped(uint64_t v, buf_t *out);
void put_counted(uint64_t n, const char *one, const char *many, buf_t *out);
void put_bytes(uint64_t bytes, buf_t *out);

// A text made harmless, for between tags and for attributes in quotes.
void html_text(span_t text, buf_t *out);
// The same as a string of JSON inside a script element.
void html_json(span_t text, buf_t *out);
void html_table(const result_t *result, size_t n_keys, buf_t *out);
// A cell of the first row, before it is escaped.
void html_figure(const result_t *result, size_t column, buf_t *out);
// Groups of three digits where it is a number and no key.
void html_cell_text(
    const result_t *result, size_t row, size_t column, bool key, buf_t *out);
// What says which chart a result has, as JSON.
void html_shape(const result_t *r, const shape_t *shape, buf_t *out);
void json_receipt(const result_t *result, buf_t *out);
void html_receipt(const result_t *result, buf_t *out);

#endif
