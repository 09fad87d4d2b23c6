// SPDX-License-Identifier: Apache-2.0
#include "common/service/metrics.h"

void
metrics_family(
    buf_t *out, const char *name, metric_type_t type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
        type == METRIC_COUNTER ? "counter" : "gauge");
}

static void
put_label(buf_t *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            buf_put_str(out, "\\n");
        } else {
            buf_put_str(out, *value == '"' || *value == '\\' ? "\\" : "");
            buf_put_u8(out, (uint8_t)*value);
        }
    }
}

void
metrics_value(buf_t *out, const char *name, const char *label,
    const char *label_value, uint64_t value)
{
    buf_put_str(out, name);
    if (label != NULL) {
        buf_printf(out, "{%s=\"", label);
        put_label(out, label_value);
        buf_put_str(out, "\"}");
    }
    buf_printf(out, " %llu\n", (unsigned long long)value);
}

void
metrics_one(buf_t *out, const char *name, metric_type_t type, const char *help,
    uint64_t value)
{
    metrics_family(out, name, type, help);
    metrics_value(out, name, NULL, NULL, value);
}
