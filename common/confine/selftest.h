// SPDX-License-Identifier: Apache-2.0
// selftest: whether the fences of a daemon hold on this machine.
#ifndef LOGTALLY_COMMON_CONFINE_SELFTEST_H
#define LOGTALLY_COMMON_CONFINE_SELFTEST_H

#include "common/confine/confine.h"

#include <sys/types.h>

// What an attempt is made at. The confined process may write in `state`, read
// below `keys`, and bind `port`.
typedef struct confine_bait {
    char folder[64];
    char state[80], keys[80];
    char outside[80];    // a file beside them that anybody may read and write
    char key_file[96];   // below keys
    char state_file[96]; // below state
    uint16_t port;       // free when it was looked for
    pid_t other;         // a process
    bool programs;       // they may be started
} confine_bait_t;

typedef struct confine_attempt {
    const char *what;
    long (*run)(const confine_bait_t *bait); // -1 with errno: refused
    bool allowed;      // it has to work, or the fences are too narrow
    bool by_sanitizer; // works in such a build
    bool by_programs;  // works where programs may be started
    int abi;           // of Landlock that refuses it; 0: another fence does
} confine_attempt_t;
extern const confine_attempt_t confine_attempts[];
extern const size_t n_confine_attempts;

typedef enum {
    CONFINE_AS_IT_SHOULD,
    CONFINE_NOT_REFUSED,
    CONFINE_TOO_NARROW,
    CONFINE_KERNEL_CANNOT, // its Landlock knows nothing of it
    CONFINE_BROKEN,        // it could not be tried
} confine_end_t;

bool confine_bait_lay(confine_bait_t *bait, bool programs);
void confine_bait_take_up(confine_bait_t *bait);
// In a child that is confined.
confine_end_t confine_try(const confine_attempt_t *attempt,
    const confine_bait_t *bait, confine_report_t *report);

// Tries everything, prints what came of it; an exit code, 0 when all is as it
// should be. `who` is named in what is printed.
int confine_selftest(const char *who, bool programs);

#endif
