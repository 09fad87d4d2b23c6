// SPDX-License-Identifier: Apache-2.0
// sim: the machines of one coordinator and some workers, the objects of the
// daemons, in a world that is nothing but numbers: a network that loses,
// doubles, delays and swaps frames and is cut one way or both, processes that
// die, stand still and come back, files that change, executors that die, a
// journal that forgets what was not synced, clocks that are set. Everything
// comes from a seed, and a seed that fails fails again.
//
// A made-up file has one line per byte. The jobs count by file, so the true
// answer is the list of the files' sizes.
//
// world.c    making, stepping and freeing   network.c  frames under way
// workers.c  supervisors and executors      leader.c   coordinator, journal
// harm.c     what goes wrong, and when      check.c    what must be true
#ifndef LOGTALLY_TESTS_SIM_SIM_H
#define LOGTALLY_TESTS_SIM_SIM_H

#include "tests/unit/coordinator/memory_journal.h"
#include "worker/supervisor.h"

#define SIM_WORKERS   6u // at most
#define SIM_EXECUTORS 3u
#define SIM_FILES     12u
#define SIM_JOBS      3u
#define SIM_CALM_MS   20000 // after that nothing bad happens any more
#define SIM_END_MS    400000
#define SIM_IN_FLIGHT 8192u

typedef enum { TO_CONTROL, TO_SINK, TO_WORKER, TO_INTAKE } where_t;

typedef struct flight {
    where_t to;
    size_t worker;
    uint64_t peer; // the connection it travels on
    int64_t due;
    buf_t frame;
} flight_t;

typedef enum {
    FILE_SOUND,
    FILE_CHANGES, // at some time; counted until then
    FILE_POISON,  // every executor that reads it dies
    FILE_CORRUPT,
} fault_t;

typedef struct sim_file {
    char path[32];
    int owner; // worker, or -1: shared
    uint64_t size;
    fault_t fault;
    int64_t changes_at;
    unsigned crashes; // executors that may still die of bad luck
} sim_file_t;

typedef struct node {
    supervisor_t *s;
    supervisor_config_t config;
    char name[16];
    identity_t who;
    uint64_t peer;
    uint64_t lane;
    int64_t stands_until; // stopped: hears and says nothing
    int64_t deaf_until;   // nothing reaches it
    int64_t mute_until;   // nothing it says arrives
    int64_t down_until;   // 0: it runs
    unsigned slowness;    // times
    struct {
        bool busy;
        const shard_t *shard;
        errcode_t rc;
        uint32_t file;
        buf_t partial;
        int64_t due;
    } slots[SIM_EXECUTORS];
} node_t;

typedef struct sim_job {
    uint64_t id; // 0: the client was not told yet
    uint8_t request;
    int64_t submit_at;
    const char *sources[SIM_WORKERS + 1];
    char texts[SIM_WORKERS + 1][40];
    size_t n_sources;
    uint64_t shard_bytes;
    int64_t ask_at;
    int state; // lt_JobState as last heard; -1: none
    uint64_t restarts_seen;
    char text[256];
} sim_job_t;

typedef struct sim {
    machine_t m; // coordinator, its store, the time
    memory_journal_t journal;
    coordinator_config_t config;
    bool down; // the coordinator
    int64_t down_until;
    int64_t stuck_until; // its journal
    node_t nodes[SIM_WORKERS];
    size_t n_nodes;
    sim_file_t files[SIM_FILES];
    size_t n_files;
    sim_job_t jobs[SIM_JOBS];
    size_t n_jobs;
    flight_t *flying;
    size_t n_flying;
    uint64_t rng;
    uint64_t next_peer;
    uint64_t next_incarnation;
    unsigned harm; // of a thousand, per step
    unsigned restarts;
    char wrong[512]; // "" as long as all is well
} sim_t;

// world.c
sim_t *sim_new(uint64_t seed);
void sim_free(sim_t *s);
void sim_step(sim_t *s);
bool sim_is_over(const sim_t *s);
uint32_t roll(sim_t *s, uint32_t below);
bool one_in(sim_t *s, uint32_t n);
bool sim_is_calm(const sim_t *s);
// The first thing that is wrong is kept.
void sim_wrong(sim_t *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

// network.c
void net_send(sim_t *s, where_t to, size_t worker, uint64_t peer, span_t bytes);
void net_deliver(sim_t *s);
void net_drop_to_coordinator(sim_t *s); // it died
void net_drop_worker(sim_t *s, size_t worker);

// workers.c
void node_start(sim_t *s, size_t i);
void node_kill(sim_t *s, size_t i);
void node_step(sim_t *s, size_t i);
void node_free(node_t *n);

// leader.c
void leader_start(sim_t *s);
void leader_kill(sim_t *s);
void leader_step(sim_t *s);
void leader_take(sim_t *s, const flight_t *f);
void client_step(sim_t *s);

// harm.c
void harm_step(sim_t *s);

// check.c
void check_end(sim_t *s);
void check_put(sim_t *s, const entry_key_t *key);

#endif
