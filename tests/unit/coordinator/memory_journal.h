// SPDX-License-Identifier: Apache-2.0
// A journal in memory, for machines that are killed and come back: what was
// not synced is lost with them.
#ifndef LOGTALLY_TESTS_UNIT_COORDINATOR_MEMORY_JOURNAL_H
#define LOGTALLY_TESTS_UNIT_COORDINATOR_MEMORY_JOURNAL_H

#include "tests/unit/coordinator/machine.h"

typedef struct memory_op {
    enum { MEMORY_PUT, MEMORY_DROP_WORK, MEMORY_DROP_ALL } what;
    entry_key_t key;
    buf_t bytes;
    bool damaged; // it is there, and its bytes make no sense
    bool refused; // by the coordinator that is there now
} memory_op_t;

typedef struct memory_journal {
    memory_op_t *ops;
    size_t n, cap;
    size_t n_durable;            // of the operations
    uint64_t put;                // entries
    int64_t keep_ms;             // of the coordinators to come, as are
    size_t merge_budget, memory; // where they are not 0
} memory_journal_t;

static inline uint64_t
memory_put(void *ctx, const entry_key_t *key, buf_t *bytes)
{
    memory_journal_t *j = ctx;

    j->ops = xgrow(j->ops, &j->cap, j->n + 1, sizeof *j->ops);
    j->ops[j->n++] =
        (memory_op_t){.what = MEMORY_PUT, .key = *key, .bytes = *bytes};
    *bytes = (buf_t){0};
    return ++j->put;
}

static inline void
memory_drop(void *ctx, uint64_t job, bool all)
{
    memory_journal_t *j = ctx;

    j->ops = xgrow(j->ops, &j->cap, j->n + 1, sizeof *j->ops);
    j->ops[j->n++] = (memory_op_t){
        .what = all ? MEMORY_DROP_ALL : MEMORY_DROP_WORK, .key = {.job = job}};
}

// The first of its kind, or NULL.
static inline memory_op_t *
memory_entry(memory_journal_t *j, entry_kind_t kind)
{
    for (size_t i = 0; i < j->n; i++) {
        if (j->ops[i].key.kind == kind) {
            return &j->ops[i];
        }
    }
    return NULL;
}

static inline uint64_t
memory_backlog(void *ctx)
{
    memory_journal_t *j = ctx;
    uint64_t bytes = 0;

    for (size_t i = j->n_durable; i < j->n; i++) {
        bytes += j->ops[i].bytes.len;
    }
    return bytes;
}

// All that was put is durable.
static inline void
memory_sync(machine_t *m)
{
    memory_journal_t *j = m->journal;

    if (j->n_durable < j->n) {
        j->n_durable = j->n;
        coordinator_journaled(m->c, j->put, m->now);
        memory_sync(m); // it may have put more
    }
}

static inline void
memory_sort(memory_op_t *ops, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t k = i; k > 0; k--) {
            const entry_key_t a = ops[k - 1].key, b = ops[k].key;
            if (a.job < b.job || (a.job == b.job && a.kind < b.kind) ||
                (a.job == b.job && a.kind == b.kind && a.n <= b.n)) {
                break;
            }
            memory_op_t t = ops[k];
            ops[k] = ops[k - 1];
            ops[k - 1] = t;
        }
    }
}

static inline bool
memory_replaces(const memory_op_t *by, const memory_op_t *old)
{
    if (by->key.job != old->key.job) {
        return false;
    }
    return by->what == MEMORY_DROP_ALL ||
           (by->what == MEMORY_DROP_WORK && old->key.kind != ENTRY_JOB &&
               old->key.kind != ENTRY_END) ||
           (by->what == MEMORY_PUT && by->key.kind == old->key.kind &&
               by->key.n == old->key.n);
}

// What a new coordinator finds: the entries that are left, in order.
static inline void
memory_crash(memory_journal_t *j)
{
    size_t kept = 0;

    for (size_t i = 0; i < j->n; i++) {
        memory_op_t op = j->ops[i];
        for (size_t k = 0; i < j->n_durable && k < kept;) {
            if (memory_replaces(&op, &j->ops[k])) {
                buf_fini(&j->ops[k].bytes);
                j->ops[k] = j->ops[--kept];
            } else {
                k++;
            }
        }
        if (i < j->n_durable && op.what == MEMORY_PUT) {
            j->ops[kept++] = op;
        } else {
            buf_fini(&op.bytes);
        }
    }
    memory_sort(j->ops, kept);
    j->n = j->n_durable = kept;
    j->put = 0;
}

static inline coordinator_config_t
memory_config(machine_t *m)
{
    coordinator_config_t config = machine_config(m);

    config.journal =
        (journal_t){memory_put, memory_drop, memory_backlog, m->journal};
    config.wall_ms = 1700000000000;
    config.keep_ms = m->journal->keep_ms;
    config.memory = m->journal->memory;
    if (m->journal->merge_budget > 0) {
        config.merge_budget = m->journal->merge_budget;
    }
    return config;
}

static inline void
memory_init(machine_t *m, memory_journal_t *j)
{
    *j = (memory_journal_t){0};
    *m = (machine_t){.journal = j, .sync = memory_sync};
    coordinator_config_t config = memory_config(m);
    machine_init_with(m, &config);
}

// The coordinator dies and another comes; its workers have not registered
// yet. Returns how many entries made no sense to it.
static inline size_t
memory_restart(machine_t *m)
{
    memory_journal_t *j = m->journal;
    coordinator_config_t config = memory_config(m);
    size_t refused = 0;

    void (*sync)(machine_t *) = m->sync;
    m->sync = NULL; // what is not durable is lost
    machine_forget(m);
    m->sync = sync;
    coordinator_destroy(&m->c);
    memory_crash(j);
    config.epoch = ++m->epoch;
    config.settle_ms = 6000;
    m->c = coordinator_new(&config, m->now);
    for (size_t i = 0; i < j->n; i++) {
        refused += coordinator_restore(m->c, &j->ops[i].key,
                       buf_span(&j->ops[i].bytes)) != ERR_OK;
    }
    coordinator_restored(m->c);
    machine_pump(m);
    return refused;
}

static inline void
memory_fini(machine_t *m)
{
    machine_fini(m);
    for (size_t i = 0; i < m->journal->n; i++) {
        buf_fini(&m->journal->ops[i].bytes);
    }
    free(m->journal->ops);
}

#endif
