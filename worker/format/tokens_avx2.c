// SPDX-License-Identifier: Apache-2.0
#include "worker/format/tokens_kinds.h"

#if defined(__x86_64__)
#include "worker/format/block_avx2.h"

#include <string.h>

#define TOKENS_NAME   tokens_find_avx2
#define TOKENS_TARGET __attribute__((target("avx2,bmi,pclmul,popcnt")))

static inline TOKENS_TARGET unsigned
first_one(uint64_t m)
{
    return (unsigned)_tzcnt_u64(m);
}

#include "worker/format/tokens_clmul.h"

#include "worker/format/tokens_put.h"

#include "worker/format/tokens_block.h"
#endif
