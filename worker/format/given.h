// SPDX-License-Identifier: Apache-2.0
// A format as a web server's configuration has it, with or without the
// directive and the quotes around it: nginx's log_format, Apache's LogFormat.
#ifndef LOGTALLY_WORKER_FORMAT_GIVEN_H
#define LOGTALLY_WORKER_FORMAT_GIVEN_H

#include "worker/format/format_inside.h"

typedef enum { GIVEN_NAME, GIVEN_REGEX, GIVEN_NGINX, GIVEN_APACHE } given_t;

given_t given_kind(const char *text);
// Into a zeroed *out; names are lent from text or from `kept`.
MUST_CHECK errcode_t given_make(const char *text, given_t kind, char *kept,
    pattern_t *out, query_error_t *error);

#endif
