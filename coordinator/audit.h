// SPDX-License-Identifier: Apache-2.0
// audit: lines that say who did what, each bound to all before it.
//
//   HASH SEQ TIME EVENT key="value" ...
//
// HASH is BLAKE2b-256 of the hash before (32 bytes, zeros at first) and the
// rest of the line, in hex. A line changed, left out or put in is seen by
// whoever follows the chain; that the end was cut off, or all of it written
// anew, by whoever kept a hash of it elsewhere.
#ifndef LOGTALLY_COORDINATOR_AUDIT_H
#define LOGTALLY_COORDINATOR_AUDIT_H

#include "common/base/bytes.h"

#define AUDIT_HASH     32u
#define AUDIT_LINE_MAX 16384u // a longer one is not ours
#define AUDIT_VALUE    2048u  // bytes kept of a value

// Where the chain is; all zero: at its beginning.
typedef struct audit_chain {
    uint8_t hash[AUDIT_HASH];
    uint64_t n; // lines
} audit_chain_t;

typedef struct audit_pair {
    const char *key; // NULL ends
    const char *value;
} audit_pair_t;

// Appends the next line, with its newline.
void audit_put(audit_chain_t *self, int64_t wall_s, const char *event,
    const audit_pair_t *pairs, buf_t *out);
// A line without its newline. ERR_CORRUPT: not the next one of this chain,
// which stays where it was.
MUST_CHECK errcode_t audit_take(audit_chain_t *self, span_t line);
// All lines of a file's bytes. ERR_TRUNCATED: all is well but the last line
// has no end. *good gets the bytes that are in order.
MUST_CHECK errcode_t audit_take_all(
    audit_chain_t *self, span_t bytes, size_t *good);

#endif
