// SPDX-License-Identifier: Apache-2.0
// The text of Apache's LogFormat, to parts.
#ifndef LOGTALLY_WORKER_FORMAT_GIVEN_APACHE_H
#define LOGTALLY_WORKER_FORMAT_GIVEN_APACHE_H

#include "worker/format/pattern_inside.h"

bool apache_read(builder_t *builder, span_t text);

#endif
