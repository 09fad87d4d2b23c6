// SPDX-License-Identifier: Apache-2.0
// z85: keys as text (ZeroMQ RFC 32). libzmq has the same two functions; ours
// need no zmq.h and say what they accept.
#ifndef LOGTALLY_CERTS_Z85_H
#define LOGTALLY_CERTS_Z85_H

#include "certs/allowlist.h"

#define KEY_TEXT_LEN 40

// len: a multiple of 4; out has room for len / 4 * 5 characters and the end.
void z85_encode(const uint8_t *p, size_t len, char *out);
// ERR_MALFORMED unless text is exactly len bytes.
MUST_CHECK errcode_t z85_decode(span_t text, uint8_t *out, size_t len);

void z85_encode_key(const uint8_t key[KEY_LEN], char out[KEY_TEXT_LEN + 1]);
// ERR_MALFORMED unless text is exactly one key.
MUST_CHECK errcode_t z85_decode_key(span_t text, uint8_t out[KEY_LEN]);

#endif
