// SPDX-License-Identifier: Apache-2.0
// logfmt: a line of key=value, and the values that are wanted of it.
//
// Words stand between bytes up to 0x20. A word is `key=value`, `key="value"`
// with backslashes that escape, `key=`, or, but for the first, a `key` alone,
// which is true. A key is not empty and has no `=` or `"`; a value without
// quotes has no `"`.
#ifndef LOGTALLY_WORKER_FORMAT_LOGFMT_H
#define LOGTALLY_WORKER_FORMAT_LOGFMT_H

#include "common/tally/totals.h"
#include "worker/format/json.h"

// As json_read; names are whole keys. On false *why is set.
bool logfmt_read(span_t line, const json_names_t *names, json_value_t *values,
    reject_t *why);

#endif
