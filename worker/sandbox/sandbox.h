// SPDX-License-Identifier: Apache-2.0
// sandbox: the fences around an executor. It reads lines that attackers
// wrote, so before it takes its first order it gives up everything but the
// descriptors it holds and memory. docs/architecture.md tells the fences.
//
// For a process with one thread. There is no way back.
#ifndef LOGTALLY_WORKER_SANDBOX_SANDBOX_H
#define LOGTALLY_WORKER_SANDBOX_SANDBOX_H

#include "worker/sandbox/level.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct sandbox_options {
    int last_fd; // those above it are closed; messages go over descriptor 3
    uint32_t max_fds;
    uint64_t memory;    // of data, bytes; 0: no limit
    uint64_t file_size; // of a memory file
    uid_t uid;          // who a root becomes
    gid_t gid;
    bool strict; // the filter of release builds, also in a sanitizer build
} sandbox_options_t;

// Puts up every fence that this kernel has. SANDBOX_FULL: all of them;
// SANDBOX_WEAK: the system call filter is in force, but text says what is
// missing; SANDBOX_NONE: there is no filter.
void sandbox_enter(const sandbox_options_t *options, sandbox_report_t *out);

// A sanitizer must read files to report what it found, so the filter of such
// a build lets it (and the level is weak).
bool sandbox_is_for_tests(void);

// The rule for taking orders: all fences, or less where somebody said so.
bool sandbox_is_enough(const sandbox_report_t *report, bool allow_weak);

#endif
