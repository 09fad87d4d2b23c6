// SPDX-License-Identifier: Apache-2.0
#include "common/tally/format_names.h"

const char *const format_names[FORMAT_COUNT] = {
    [FORMAT_COMBINED] = "combined",
    [FORMAT_COMMON] = "common",
    [FORMAT_VHOST_COMBINED] = "vhost_combined",
    [FORMAT_VHOST_COMMON] = "vhost_common",
};
