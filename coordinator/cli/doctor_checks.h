// SPDX-License-Identifier: Apache-2.0
// doctor_checks: facts to findings. Nothing in here looks at a file, a clock
// or a socket.
#ifndef LOGTALLY_COORDINATOR_CLI_DOCTOR_CHECKS_H
#define LOGTALLY_COORDINATOR_CLI_DOCTOR_CHECKS_H

#include "certs/allowlist.h"
#include "common/net/curve_socket.h"
#include "common/wire/control.pb.h"
#include "coordinator/cli/doctor.h"

#define DOCTOR_CLOCK_MS    5000 // more is a clock that is wrong
#define DOCTOR_EXPIRY_S    (14 * 86400)
#define DOCTOR_ROOM        (64ull << 20)
#define DOCTOR_FILES_BASE  256u // open files of a daemon by itself
#define DOCTOR_FILES_EACH  4u   // for each worker, or executor
#define DOCTOR_COORDINATOR "the coordinator's machine"

// A file was read: the error, and the sentence that says why.
typedef struct read_fact {
    const char *path;
    errcode_t rc;
    span_t why;
} read_fact_t;
void doctor_check_config(
    doctor_t *self, const char *program, const read_fact_t *file);
void doctor_check_key(doctor_t *self, const read_fact_t *file);
// Own key, or one of the allowed: its last day. `dir`: the key folder, or
// NULL where there is none; then the cure is for the coordinator's machine.
void doctor_check_expiry(
    doctor_t *self, const identity_t *key, int64_t wall_s, const char *dir);

typedef struct dial_fact {
    const char *endpoint;
    const char *key; // own, by name
    const char *fingerprint;
    dial_state_t state;
    bool is_zeromq; // who listens there greets as ZeroMQ does
} dial_fact_t;
void doctor_check_dial(doctor_t *self, const dial_fact_t *dial);
void doctor_check_sink(doctor_t *self, const dial_fact_t *dial);

// ---- what the coordinator says

typedef struct view {
    lt_Records of; // the coordinator itself
    lt_WorkerInfo *workers;
    size_t n, cap;
    int64_t wall_ms;  // here, in the middle of the question
    int64_t slack_ms; // half of what it took
} view_t;
void doctor_check_coordinator(doctor_t *self, const view_t *view);
void doctor_check_workers(doctor_t *self, const view_t *view);
// This host's own worker, of a list that holds no other's.
void doctor_check_registered(
    doctor_t *self, const view_t *view, const char *name, const char *start);
// Allowed keys of workers that nobody uses.
void doctor_check_keys_used(
    doctor_t *self, const view_t *view, const allowlist_t *allowed);

// ---- this machine

typedef struct state_facts {
    const char *path;
    int error;          // errno of making a file there, or 0
    uint64_t room;      // bytes left
    bool running;       // a daemon holds its lock
    bool owned;         // by who looks
    const char *user;   // who looks
    const char *broken; // a file that should hold a number, or NULL
} state_facts_t;
void doctor_check_state(
    doctor_t *self, const state_facts_t *state, const char *start);

// A port that a daemon of ours would bind; error: errno of doing it.
typedef struct port_fact {
    const char *what; // "control-port", as in the settings
    const char *address;
    uint16_t port;
    int error;
} port_fact_t;
void doctor_check_port(doctor_t *self, const port_fact_t *port);

typedef struct root_fact {
    const char *path;
    int error; // errno of listing it, or 0
    bool link; // itself
} root_fact_t;
void doctor_check_root(doctor_t *self, const root_fact_t *root);

// How an executor that was started here is confined: "full", "weak: why";
// rc and why where none could be.
void doctor_check_sandbox(
    doctor_t *self, errcode_t rc, span_t why, const char *level);

#endif
