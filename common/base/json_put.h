// SPDX-License-Identifier: Apache-2.0
// json_put: small JSON, for a buf_t. Texts from a peer are made harmless on
// the way (utf8_put_safe).
#ifndef LOGTALLY_COMMON_BASE_JSON_PUT_H
#define LOGTALLY_COMMON_BASE_JSON_PUT_H

#include "common/base/bytes.h"

// {"a":1,"b":"x"}: commas are put where they belong.
void json_open(buf_t *out, const char *key, char bracket);
void json_close(buf_t *out, char bracket);
void json_text(buf_t *out, const char *key, const char *value);
void json_number(buf_t *out, const char *key, uint64_t value);
void json_signed(buf_t *out, const char *key, int64_t value);
void json_flag(buf_t *out, const char *key, bool value);

#endif
