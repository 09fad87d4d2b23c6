// SPDX-License-Identifier: Apache-2.0
// The kinds of lanes.h, by processor.
#ifndef LOGTALLY_WORKER_FORMAT_LANES_KINDS_H
#define LOGTALLY_WORKER_FORMAT_LANES_KINDS_H

#include "worker/format/lanes.h"

#if defined(__x86_64__)
extern const lanes_kind_t lanes_avx512;
extern const lanes_kind_t lanes_avx2;
#endif

#endif
