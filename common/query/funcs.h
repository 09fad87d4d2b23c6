// SPDX-License-Identifier: Apache-2.0
// funcs: the functions of the language, by name and as plain C over bytes.
// What each yields is settled in docs/query-language.md, "Functions".
//
// Those that return a span lend from their argument; p == NULL is missing.
#ifndef LOGTALLY_COMMON_QUERY_FUNCS_H
#define LOGTALLY_COMMON_QUERY_FUNCS_H

#include "common/base/dec.h"

typedef enum {
    FUNC_LOWER,
    FUNC_LEN,
    FUNC_EXT,
    FUNC_SEGMENT,
    FUNC_URLHOST,
    FUNC_EXTRACT,
    FUNC_HOUR,
    FUNC_WEEKDAY,
    FUNC_IF,
} func_kind_t;

typedef struct func {
    const char *name; // NULL ends the table
    func_kind_t kind;
    unsigned n_args;
    const char *usage; // "segment(path, n)"
} func_t;
extern const func_t func_infos[];

const func_t *func_find(span_t name); // NULL: there is none

span_t func_ext(span_t path);
span_t func_segment(span_t path, uint64_t n); // n from 1
span_t func_urlhost(span_t url);              // as logged, case and all
int64_t func_hour(dec_t time);                // 0 to 23, UTC
int64_t func_weekday(dec_t time);             // 1 is Monday, 7 Sunday, UTC

bool func_has_upper(span_t s);
void func_lower(span_t s, uint8_t *out); // s.len bytes; ASCII only

#endif
