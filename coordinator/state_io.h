// SPDX-License-Identifier: Apache-2.0
// state: the coordinator's folder on disk, for one daemon at a time.
//
//   DIR/lock             held (flock) while the daemon runs; holds its pid
//   DIR/epoch            of the last start; raised by every start
//   DIR/next_job         no job has had this id or one above it
//   DIR/ports            control_port=N, sink_port=N of the running daemon
//   DIR/audit.log        who did what, see audit.h
//   DIR/results/J.result encoded results, the newest `keep` of them
//
// Every file is written beside its place, synced, and renamed into it, so a
// crash leaves the old or the new one whole.
#ifndef LOGTALLY_COORDINATOR_STATE_IO_H
#define LOGTALLY_COORDINATOR_STATE_IO_H

#include "coordinator/coordinator.h"

typedef struct state state_t;

// Makes the folder where it is missing, gives it mode 0700, locks it. *why
// gets a sentence on error. ERR_BUSY: another daemon has it.
MUST_CHECK errcode_t state_open(
    const char *path, size_t keep, state_t **out, buf_t *why);
void state_close(state_t **self_p); // gives up the lock, removes `ports`

// Was there a coordinator before this one? Known once the epoch is raised.
bool state_was_used(const state_t *self);

// An epoch above that of every earlier start, on disk when this returns. It
// is not below `least` (the time of day, so that a lost folder does not
// bring an old epoch back).
MUST_CHECK errcode_t state_raise_epoch(
    state_t *self, uint64_t least, uint64_t *epoch, buf_t *why);
// Above every id that a job ever had.
uint64_t state_first_job(const state_t *self);
// Makes sure that no later start gives out an id up to `job`. Cheap: ids are
// set aside some at a time.
MUST_CHECK errcode_t state_reserve_job(state_t *self, uint64_t job);
// At a clean end: ids from `next` on are free after all.
void state_release_jobs(state_t *self, uint64_t next);
MUST_CHECK errcode_t state_write_ports(
    state_t *self, uint16_t control, uint16_t sink);
result_store_t state_results(state_t *self);
// Bytes that the folder's disk has left for this user; UINT64_MAX: unknown.
uint64_t state_room(const state_t *self);

#endif
