// SPDX-License-Identifier: Apache-2.0
// selftest: whether the fences hold on this machine.
#ifndef LOGTALLY_WORKER_SANDBOX_SELFTEST_H
#define LOGTALLY_WORKER_SANDBOX_SELFTEST_H

#include "worker/sandbox/attempts.h"
#include "worker/sandbox/sandbox.h"

typedef enum {
    ATTEMPT_KILLED,  // by the system call filter
    ATTEMPT_REFUSED, // with an errno
    ATTEMPT_WORKED,
    ATTEMPT_BROKEN, // it could not be tried
} attempt_end_t;

// Tries it in a child that is confined as an executor is. The strict filter
// kills; that of a sanitizer build answers EPERM.
attempt_end_t selftest_try(const attempt_t *attempt, const bait_t *bait,
    bool strict, sandbox_report_t *report);
bool bait_lay(bait_t *bait);
void bait_take_up(bait_t *bait);

// Tries everything, prints what came of it, and returns an exit code: 0 when
// all was refused and an executor would take orders here.
int selftest_run(bool allow_weak);

#endif
