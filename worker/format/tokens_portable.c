// SPDX-License-Identifier: Apache-2.0
#include "worker/format/tokens_kinds.h"

#include "worker/format/block_portable.h"

#include <string.h>

#define TOKENS_NAME tokens_find_portable
#define TOKENS_TARGET

#include "worker/format/tokens_plain.h"

#include "worker/format/tokens_put.h"

#include "worker/format/tokens_block.h"
