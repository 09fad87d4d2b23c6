// SPDX-License-Identifier: Apache-2.0
// journal: what the coordinator must not forget, entry by entry. The machine
// puts entries and hears later that they are durable; journal_io keeps them
// in SQLite, tests in memory.
#ifndef LOGTALLY_COORDINATOR_JOURNAL_H
#define LOGTALLY_COORDINATOR_JOURNAL_H

#include "common/base/bytes.h"

// The numbers are on disk. An entry is known by job, kind and n; entries of a
// job are restored in the order of kind and n.
typedef enum {
    ENTRY_JOB = 1, // n = 0: what was asked
    ENTRY_FILES,   // n-th piece of the files of the plan
    ENTRY_SHARDS,  // n-th piece of its shards
    ENTRY_PLAN,    // n = 0: its numbers and places; the plan is whole
    ENTRY_CHANGE,  // n-th change of the plan: what is lost, what is split
    ENTRY_COMMIT,  // n = shard: the partial that was counted
    ENTRY_END,     // n = 0: how the job ended
    ENTRY_WORKER,  // n-th worker that was ever there; of "job" 0
    ENTRY_KINDS
} entry_kind_t;

typedef struct entry_key {
    uint64_t job;
    entry_kind_t kind;
    uint64_t n;
} entry_key_t;

typedef struct journal {
    // Takes the entry (*bytes is moved) and never waits. Entries become
    // durable in the order they were put, each whole or not at all. Returns
    // its number; numbers rise from 1. NULL: there is no journal, and nothing
    // waits for one.
    uint64_t (*put)(void *ctx, const entry_key_t *key, buf_t *bytes);
    // Forgets the job's entries: all, or those that an ended job needs no
    // longer (all but JOB and END). In order with what was put.
    void (*drop)(void *ctx, uint64_t job, bool all);
    uint64_t (*backlog)(void *ctx); // bytes put and not durable yet
    void *ctx;
} journal_t;

#endif
