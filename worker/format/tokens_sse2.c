// SPDX-License-Identifier: Apache-2.0
#include "worker/format/tokens_kinds.h"

#if defined(__SSE2__)
#include "worker/format/block_sse2.h"

#include <string.h>

#define TOKENS_NAME tokens_find_sse2
#define TOKENS_TARGET

#include "worker/format/tokens_plain.h"

#include "worker/format/tokens_put.h"

#include "worker/format/tokens_block.h"
#endif
