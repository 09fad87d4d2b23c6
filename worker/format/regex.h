// SPDX-License-Identifier: Apache-2.0
// A format that is a regex with named groups. It is searched in the line, as
// everywhere in the language; a line without a match is rejected. Not
// thread-safe: a match needs memory that the format has.
#ifndef LOGTALLY_WORKER_FORMAT_REGEX_H
#define LOGTALLY_WORKER_FORMAT_REGEX_H

#include "worker/format/format_inside.h"

// `text` is a description from its "re:" on. Sets what the format has.
MUST_CHECK errcode_t regex_make(
    const char *text, format_t *self, query_error_t *error);
void regex_destroy(struct regex_format **self_p);
// See format_bind.
void regex_bind(struct regex_format *self, const query_t *query);
span_t regex_other_name(const struct regex_format *self, size_t i);

#endif
