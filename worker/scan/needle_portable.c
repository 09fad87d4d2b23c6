// SPDX-License-Identifier: Apache-2.0
#include "worker/scan/needle_kinds.h"

#include "worker/format/block_portable.h"

#define NEEDLE_NAME needle_find_portable
#define NEEDLE_TARGET

#include "worker/scan/needle_block.h"
