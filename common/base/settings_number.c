// SPDX-License-Identifier: Apache-2.0
#include "common/base/dec.h"
#include "common/base/settings_inside.h"

static const struct unit {
    const char *name;
    setting_kind_t kind;
    int64_t value; // bytes; milliseconds
} units[] = {
    {"TiB", SETTING_SIZE, 1ll << 40},
    {"GiB", SETTING_SIZE, 1ll << 30},
    {"MiB", SETTING_SIZE, 1ll << 20},
    {"KiB", SETTING_SIZE, 1ll << 10},
    {"TB", SETTING_SIZE, 1000000000000},
    {"GB", SETTING_SIZE, 1000000000},
    {"MB", SETTING_SIZE, 1000000},
    {"KB", SETTING_SIZE, 1000},
    {"kB", SETTING_SIZE, 1000},
    {"B", SETTING_SIZE, 1},
    {"d", SETTING_DURATION, 86400000},
    {"h", SETTING_DURATION, 3600000},
    {"m", SETTING_DURATION, 60000},
    {"s", SETTING_DURATION, 1000},
    {"ms", SETTING_DURATION, 1},
};

#define N_UNITS (sizeof units / sizeof *units)

void
setting_number_print(setting_kind_t kind, int64_t v, buf_t *out)
{
    for (size_t i = 0; i < N_UNITS && v != 0; i++) {
        if (units[i].kind == kind && v % units[i].value == 0) {
            buf_printf(
                out, "%lld%s", (long long)(v / units[i].value), units[i].name);
            return;
        }
    }
    buf_printf(out, "%lld%s", (long long)v,
        kind == SETTING_SIZE && v != 0       ? "B"
        : kind == SETTING_DURATION && v != 0 ? "ms"
                                             : "");
}

bool
setting_number_parse(setting_kind_t kind, span_t text, int64_t *out)
{
    dec_t number;
    dec_t scaled;
    int64_t scale = kind == SETTING_DURATION ? 0 : 1;
    size_t digits = 0;

    while (digits < text.len &&
           (text.p[digits] == '-' || text.p[digits] == '.' ||
               (text.p[digits] >= '0' && text.p[digits] <= '9'))) {
        digits++;
    }
    span_t unit = {text.p + digits, text.len - digits};
    for (size_t i = 0; i < N_UNITS && unit.len > 0; i++) {
        if (units[i].kind == kind && span_is(unit, units[i].name)) {
            scale = units[i].value;
            unit.len = 0;
        }
    }
    if (unit.len > 0 ||
        dec_parse((span_t){text.p, digits}, &number) != ERR_OK ||
        (scale == 0 && number != 0) ||
        dec_mul(number, DEC_INT(scale == 0 ? 1 : scale), &scaled) != ERR_OK ||
        scaled % DEC_ONE != 0 || scaled / DEC_ONE > INT64_MAX ||
        scaled / DEC_ONE < INT64_MIN) {
        return false;
    }
    *out = (int64_t)(scaled / DEC_ONE);
    return true;
}

const char *
setting_number_wanted(setting_kind_t kind)
{
    return kind == SETTING_SIZE       ? "a size such as 64MiB"
           : kind == SETTING_DURATION ? "a duration such as 500ms, 10s or 2h"
                                      : "a whole number";
}
