// SPDX-License-Identifier: Apache-2.0
// attempts: what an executor may not do, one function each.
#ifndef LOGTALLY_WORKER_SANDBOX_ATTEMPTS_H
#define LOGTALLY_WORKER_SANDBOX_ATTEMPTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// What would let itself be done to, were it not for the fences.
typedef struct bait {
    char folder[64]; // anybody may write into it
    char file[80];   // in it
    int tcp;         // a socket, not connected
    uint16_t port;   // where somebody listens on 127.0.0.1
    pid_t other;     // a process
} bait_t;

typedef struct attempt {
    const char *what;
    long (*run)(const bait_t *bait); // -1 with errno: refused
} attempt_t;

extern const attempt_t attempts[];
extern const size_t n_attempts;

#endif
