// SPDX-License-Identifier: Apache-2.0
#include "worker/scan/needle_kinds.h"

#if defined(__SSE2__)
#include "worker/format/block_sse2.h"

#define NEEDLE_NAME needle_find_sse2
#define NEEDLE_TARGET

#include "worker/scan/needle_block.h"
#endif
