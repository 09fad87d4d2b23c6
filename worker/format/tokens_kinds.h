// SPDX-License-Identifier: Apache-2.0
// The searches of tokens.h, by processor.
#ifndef LOGTALLY_WORKER_FORMAT_TOKENS_KINDS_H
#define LOGTALLY_WORKER_FORMAT_TOKENS_KINDS_H

#include "worker/format/tokens.h"

#if defined(__x86_64__)
tokens_find_t tokens_find_avx512;
tokens_find_t tokens_find_avx2;
#endif
#if defined(__SSE2__)
tokens_find_t tokens_find_sse2;
#endif
tokens_find_t tokens_find_portable;

#endif
