// SPDX-License-Identifier: Apache-2.0
// json: a line that is one JSON object, and the values that are wanted of it.
// One pass, no tree; nothing is allocated. Everything is lent from the line.
//
// What RFC 8259 calls an object is accepted, down to LIMIT_JSON_DEPTH levels,
// with these leniencies, since values do not decide acceptance: bytes from
// 0x80 on are taken as they are, and escapes of half a surrogate pair and of
// U+0000 are fine.
#ifndef LOGTALLY_WORKER_FORMAT_JSON_H
#define LOGTALLY_WORKER_FORMAT_JSON_H

#include "common/base/bytes.h"
#include "common/base/limits.h"

typedef enum {
    JSON_ABSENT,
    JSON_TEXT, // raw: between the quotes, escapes as logged
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
    JSON_NESTED, // an object or an array; no raw
} json_kind_t;

typedef struct json_value {
    json_kind_t kind;
    bool escaped; // raw holds a backslash: see json_unescape
    span_t raw;
} json_value_t;

// Members by name, those of members with dots between, elements of arrays by
// their number from 0: "request.headers.Host.0". A member whose own name has
// dots is found as well.
#define JSON_NAMES_MAX 64

typedef struct json_names {
    span_t names[JSON_NAMES_MAX];
    size_t n;
} json_names_t;

// Whether the line is an object. values has names->n places, all set; of
// several values for a name it is the last one. On false they mean nothing.
bool json_read(span_t line, const json_names_t *names, json_value_t *values);

// The bytes that the raw text of an accepted string means; out has raw.len
// places. Half a surrogate pair becomes U+FFFD; a backslash before any other
// byte is dropped. Returns how many.
size_t json_unescape(span_t raw, uint8_t *out);

#endif
