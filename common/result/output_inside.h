// SPDX-License-Identifier: Apache-2.0
// What the files of output share among themselves.
#ifndef LOGTALLY_COMMON_RESULT_OUTPUT_INSIDE_H
#define LOGTALLY_COMMON_RESULT_OUTPUT_INSIDE_H

#include "common/result/output.h"

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

#endif
