// SPDX-License-Identifier: Apache-2.0
// zpl: a reader of ZPL text (ZeroMQ RFC 4), which configuration and key files
// are written in: lines `name = value`, four spaces of indent per level, a
// bare name opens a section, # begins a comment. czmq's zconfig reads it too
// but keeps no line numbers and leaves copies of secrets behind.
#ifndef LOGTALLY_COMMON_BASE_ZPL_H
#define LOGTALLY_COMMON_BASE_ZPL_H

#include "common/base/bytes.h"

typedef struct zpl {
    rd_t in;
    unsigned line; // of the item returned last, from 1
    unsigned depth;
    span_t name;
    span_t value; // without quotes; p == NULL for a section
} zpl_t;

void zpl_init(zpl_t *self, span_t text);
// ERR_OK, ERR_NOT_FOUND at the end, ERR_MALFORMED with `line` set.
MUST_CHECK errcode_t zpl_next(zpl_t *self);

#endif
