// SPDX-License-Identifier: Apache-2.0
#include "common/tally/format_names.h"

#define FORMAT_NAME(id, name) [FORMAT_##id] = (name),
const char *const format_names[FORMAT_COUNT] = {FORMAT_LIST(FORMAT_NAME)};
