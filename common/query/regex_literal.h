// SPDX-License-Identifier: Apache-2.0
// regex_literal: what every text contains in which a regex is found.
#ifndef LOGTALLY_COMMON_QUERY_REGEX_LITERAL_H
#define LOGTALLY_COMMON_QUERY_REGEX_LITERAL_H

#include "common/base/bytes.h"

// Appends the longest run of bytes that each match of the pattern must have;
// nothing when none is known. The pattern is one that PCRE2 takes, without
// options.
void regex_literal(span_t pattern, buf_t *out);

#endif
