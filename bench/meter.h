// SPDX-License-Identifier: Apache-2.0
// meter: processor time and instructions of a piece of work, user space only.
// Counts the whole process, so that threads of the work are in it.
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct meter {
    double seconds;        // of processor time
    uint64_t instructions; // 0 where the machine does not count them
} meter_t;

void meter_start(void);
meter_t meter_stop(void);

#endif
