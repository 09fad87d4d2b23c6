// SPDX-License-Identifier: Apache-2.0
// cell: one value of the language, and its key encoding.
//
// A cell lends its text. The encoding of a tuple of cells is the group key:
// equal tuples have equal bytes and the other way round. It serves the group
// table, partials, results and the fingerprint.
//
//   missing  0x00
//   integer  0x01 zigzag(value / 1e9)          when nine decimals are zero
//   decimal  0x02 zigzag(value)                 otherwise
//   text     0x03 varint(len) bytes
//
// A decoder refuses a decimal that should have been an integer.
#ifndef LOGTALLY_COMMON_QUERY_CELL_H
#define LOGTALLY_COMMON_QUERY_CELL_H

#include "common/base/dec.h"

typedef enum {
    CELL_MISSING,
    CELL_NUMBER, // every type that is a dec_t
    CELL_TEXT,
} cell_kind_t;

// The first byte of an encoded cell.
enum {
    CELL_TAG_MISSING = 0,
    CELL_TAG_INTEGER = 1,
    CELL_TAG_DECIMAL = 2,
    CELL_TAG_TEXT = 3,
};

typedef struct cell {
    cell_kind_t kind;
    dec_t number;
    span_t text;
} cell_t;

// What a column or expression holds. All but TEXT and IP are numbers.
typedef enum {
    TYPE_TEXT,
    TYPE_IP, // text; only buckets and CIDR sets ask for an address
    TYPE_INTEGER,
    TYPE_DECIMAL,
    TYPE_DURATION, // seconds
    TYPE_SIZE,     // bytes
    TYPE_TIME,     // seconds since 1970-01-01T00:00:00Z
    TYPE_COUNT_    // number of types
} type_t;

const char *type_name(type_t type); // "text", "ip", "integer", ...
bool type_is_number(type_t type);   // false for text and ip

void cell_encode(const cell_t *self, buf_t *out);
// The same of a text that is in no cell, and of none.
void cell_encode_text(span_t text, buf_t *out);
void cell_encode_missing(buf_t *out);
MUST_CHECK errcode_t cell_decode(rd_t *r, cell_t *out); // lends from r
// Ascending order of the language: missing, numbers by value, text by bytes.
int cell_cmp(const cell_t *a, const cell_t *b);

#endif
