// SPDX-License-Identifier: Apache-2.0
// level: how far an executor is confined, as it is told to the supervisor.
#ifndef LOGTALLY_WORKER_SANDBOX_LEVEL_H
#define LOGTALLY_WORKER_SANDBOX_LEVEL_H

#include <stdbool.h>

#define SANDBOX_TEXT 192u // with the end

typedef enum {
    SANDBOX_NONE,
    SANDBOX_WEAK,
    SANDBOX_FULL,
    SANDBOX_LEVELS
} sandbox_level_t;

typedef struct sandbox_report {
    sandbox_level_t level;
    int landlock;            // ABI of the kernel; 0: it has none
    bool by_build;           // weak only because of the kind of build
    char text[SANDBOX_TEXT]; // what is missing; "" with SANDBOX_FULL
} sandbox_report_t;

#endif
