// SPDX-License-Identifier: Apache-2.0
// keytext: what a key file says, from memory. The format is czmq's zcert:
//
//   metadata
//       name = "web1"
//       role = "worker"          several: "worker client"
//       host = "web1 web1-*"     patterns, of a worker
//       expires = "2027-01-31"   the last day, UTC, or with T18:00:00Z
//   curve
//       public-key = "..."       40 characters of Z85
//       secret-key = "..."       in a secret file only
//
// Other metadata and sections are skipped.
#ifndef LOGTALLY_CERTS_KEYTEXT_H
#define LOGTALLY_CERTS_KEYTEXT_H

#include "certs/allowlist.h"

typedef struct keytext {
    identity_t identity; // name is empty when the file has no valid one
    bool has_secret;
    uint8_t secret[KEY_LEN];
} keytext_t;

// *why gets "line N: what is wrong". The caller wipes *out.
MUST_CHECK errcode_t keytext_parse(span_t text, keytext_t *out, buf_t *why);

// Appends the text of a key file; secret NULL: of the public half.
void keytext_print(
    buf_t *out, const identity_t *identity, const uint8_t *secret);

// Letters, digits, '.', '_' and '-', not first a dot, at most KEY_NAME_MAX.
#define KEY_NAME_MAX 64
bool key_name_is_valid(span_t name);
// A name, or a pattern with '*', '?' and '[...]'.
bool host_pattern_is_valid(span_t pattern);

#endif
