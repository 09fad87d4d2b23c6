// SPDX-License-Identifier: Apache-2.0
// metrics: numbers of a daemon in the text format of Prometheus. A family is
// told once (name, type, help), then its values, each with labels.
#ifndef LOGTALLY_COMMON_SERVICE_METRICS_H
#define LOGTALLY_COMMON_SERVICE_METRICS_H

#include "common/base/bytes.h"

typedef enum { METRIC_GAUGE, METRIC_COUNTER } metric_type_t;

// Names are [a-z_]+ of our own; those of counters end in _total.
void metrics_family(
    buf_t *out, const char *name, metric_type_t type, const char *help);
// label NULL: none. A label's value may be any text.
void metrics_value(buf_t *out, const char *name, const char *label,
    const char *label_value, uint64_t value);
// A family of one value without labels.
void metrics_one(buf_t *out, const char *name, metric_type_t type,
    const char *help, uint64_t value);

#endif
