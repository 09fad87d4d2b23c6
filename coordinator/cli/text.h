// SPDX-License-Identifier: Apache-2.0
// text: numbers as people read them, and aligned tables. Texts
// from a peer are made harmless on the way (output_safe_text).
#ifndef LOGTALLY_COORDINATOR_CLI_TEXT_H
#define LOGTALLY_COORDINATOR_CLI_TEXT_H

#include "common/base/bytes.h"
#include "common/base/json_put.h"

void text_bytes(uint64_t n, buf_t *out);     // "999 B", "1.5 KB", "123 MB"
void text_duration(uint64_t ms, buf_t *out); // "250 ms", "3.2 s", "2 min 5 s"
void text_plural(uint64_t n, const char *noun, buf_t *out); // "2 files"
void text_safe(const char *text, buf_t *out); // harmless, on one line
// Cuts what was put since `begin` to at most `width` columns, "..." at its
// end when something was cut.
void text_cut(buf_t *buf, size_t begin, size_t width);
size_t text_width(span_t text); // columns, one per character

// A table is filled cell by cell, row by row, and printed with its header.
typedef struct table_column {
    const char *head;
    bool right; // numbers
} table_column_t;
typedef struct table table_t;
table_t *table_new(const table_column_t *columns, size_t n);
void table_destroy(table_t **self_p);
void table_text(table_t *self, const char *text);
void table_number(table_t *self, uint64_t n);
void table_buf(table_t *self, buf_t *text); // takes and clears its bytes
size_t table_rows(const table_t *self);
// The last column is cut to fit `width` columns; 0: no limit.
void table_print(const table_t *self, size_t width, buf_t *out);

#endif
