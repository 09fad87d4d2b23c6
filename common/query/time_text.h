// SPDX-License-Identifier: Apache-2.0
// time_text: ISO 8601 as the language reads and writes it.
#ifndef LOGTALLY_COMMON_QUERY_TIME_TEXT_H
#define LOGTALLY_COMMON_QUERY_TIME_TEXT_H

#include "common/base/dec.h"

// Dates, with a time, with an offset; UTC without one. false: none of that.
bool time_parse(span_t s, dec_t *out);
// "2023-11-14T22:00:00Z", with a fraction where there is one.
void time_print(dec_t t, buf_t *out);
// By a clock that is so far ahead of UTC: 2023-11-15T07:13:20+09:00. The
// offset has seconds where a zone had them, before 1972.
void time_print_at(dec_t t, int64_t offset_s, buf_t *out);

#endif
