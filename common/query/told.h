// SPDX-License-Identifier: Apache-2.0
// told: what the keys of a group tell, so that nobody has to look at its
// lines: the time by hours tells the day, a path its suffix.
#ifndef LOGTALLY_COMMON_QUERY_TOLD_H
#define LOGTALLY_COMMON_QUERY_TOLD_H

#include "common/query/query.h"

// Whether filter or key are the same for all lines of any group by the keys of
// `by`, and what they are when its keys stand where the fields do (told_field).
bool told_filter(const filter_t *filter, const query_t *by);
bool told_key(const query_key_t *key, const query_t *by);
// Whether looking at it can be an error: a regex has limits, a number has 128
// bits.
bool filter_may_fail(const filter_t *filter);
// The key of `by` that stands for a field of something that is told.
size_t told_field(field_t field, const query_t *by);

#endif
