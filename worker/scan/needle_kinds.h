// SPDX-License-Identifier: Apache-2.0
// The searches of needle.h, by processor.
#ifndef LOGTALLY_WORKER_SCAN_NEEDLE_KINDS_H
#define LOGTALLY_WORKER_SCAN_NEEDLE_KINDS_H

#include "worker/scan/needle.h"

#if defined(__x86_64__)
needle_find_t needle_find_avx512;
needle_find_t needle_find_avx2;
#endif
#if defined(__SSE2__)
needle_find_t needle_find_sse2;
#endif
needle_find_t needle_find_portable;

#endif
