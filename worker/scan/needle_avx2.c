// SPDX-License-Identifier: Apache-2.0
#include "worker/scan/needle_kinds.h"

#if defined(__x86_64__)
#include "worker/format/block_avx2.h"

#define NEEDLE_NAME   needle_find_avx2
#define NEEDLE_TARGET __attribute__((target("avx2,bmi,popcnt")))

#include "worker/scan/needle_block.h"
#endif
