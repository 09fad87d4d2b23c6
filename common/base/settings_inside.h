// SPDX-License-Identifier: Apache-2.0
// What the files of settings share among themselves.
#ifndef LOGTALLY_COMMON_BASE_SETTINGS_INSIDE_H
#define LOGTALLY_COMMON_BASE_SETTINGS_INSIDE_H

#include "common/base/settings.h"

// Digits with an optional fraction and a unit of the kind. A size without a
// unit is bytes, a duration without one must be 0.
bool setting_number_parse(setting_kind_t kind, span_t text, int64_t *out);
void setting_number_print(setting_kind_t kind, int64_t v, buf_t *out);
const char *setting_number_wanted(setting_kind_t kind); // "a whole number"

#endif
