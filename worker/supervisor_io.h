// SPDX-License-Identifier: Apache-2.0
// supervisor_io: the worker daemon: sockets, executors, listings and signals
// around the supervisor machine.
#ifndef LOGTALLY_WORKER_SUPERVISOR_IO_H
#define LOGTALLY_WORKER_SUPERVISOR_IO_H

#include "certs/keyfile.h"

#define CONTROL_PORT 7700 // when the address has none

typedef struct worker_options {
    const char *coordinator; // "tcp://HOST:PORT" or "HOST[:PORT]"
    const credentials_t *keys;
    const char *keys_dir; // where they are from, to see changes; or NULL
    const char *name;
    const char *const *roots;
    size_t n_roots;
    const char *const *labels;
    size_t n_labels;
    const char *listen;    // numeric address or "*"
    uint16_t intake_port;  // 0: any free one
    bool dials;            // for its shards: no intake, no port at all
    const char *advertise; // where the coordinator reaches the intake; NULL
    uint32_t executors;
    bool allow_weak_sandbox;
    uint32_t uid, gid;         // of executors where this is root; 0: nobody
    size_t memory;             // of group tables, per executor
    const char *program;       // logtally-executor, or NULL: beside this one
    int signal_fd;             // signalfd: the first asks for the end, the
                               // second insists
    int64_t drain_ms;          // how long work may be brought to its end
    const char *metrics;       // ADDRESS:PORT, or NULL: none are served
    const char *metrics_token; // file, or NULL
    const char *confine;       // the setting; NULL: not, as in tests
} worker_options_t;

// Runs until a signal comes: ERR_OK. Trouble with the coordinator is logged
// and tried again for ever; an error is only what keeps it from starting
// (*why gets a sentence; ERR_CONFIG: an option can never work). The calling
// thread must have those signals blocked.
MUST_CHECK errcode_t worker_run(const worker_options_t *options, buf_t *why);

#endif
