// SPDX-License-Identifier: Apache-2.0
// utf8: one character at a time, strictly, and which of them may be shown.
#ifndef LOGTALLY_COMMON_BASE_UTF8_H
#define LOGTALLY_COMMON_BASE_UTF8_H

#include "common/base/bytes.h"

// Length of the well-formed sequence at p (len > 0), 0 for none; *code gets
// the character.
size_t utf8_next(const uint8_t *p, size_t len, uint32_t *code);
bool utf8_is_valid(span_t text);
// Controls, and marks that turn or hide text.
bool utf8_is_harmful(uint32_t code);
// Characters, an invalid byte counting as one.
size_t utf8_count(span_t text);
// Harmful characters and bytes that are no UTF-8 as \xHH, byte by byte; those
// of `also` with a backslash before them.
void utf8_put_safe(span_t text, const char *also, buf_t *out);

#endif
