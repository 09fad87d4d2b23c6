// SPDX-License-Identifier: Apache-2.0
// sim: the machines of one coordinator and some workers, the objects of the
// daemons, in a world that is nothing but numbers: a network that loses,
// doubles, delays and swaps frames and is cut one way or both, processes that
// die, stand still and come back, or are there twice, files that change,
// executors that die, a journal that forgets what was not synced, is damaged
// or lost, clocks that are set. Everything comes from a seed, and a seed that
// fails fails again.
//
// A made-up file has one line per byte. The jobs count by file, so the true
// answer is the list of the files' sizes.
//
// world.c     making, stepping and freeing
// network.c   frames under way
// workers.c   supervisors
// executors.c what they count
// leader.c    coordinator, journal
// clients.c   jobs, and who waits
// harm.c      what goes wrong, and when
// watch.c     every message's promise
// check.c     what is true at the end
// events.c    what happened so far
// worst.c     which worlds were hard
#ifndef LOGTALLY_TESTS_SIM_SIM_H
#define LOGTALLY_TESTS_SIM_SIM_H

#include "tests/unit/coordinator/memory_journal.h"
#include "worker/supervisor.h"

#define SIM_EXECUTORS 3u
#define SIM_JOBS      3u
#define SIM_SOURCES   8u
#define SIM_STEP_MS   50
#define SIM_CALM_MS   20000 // after that nothing bad happens any more
#define SIM_END_MS    400000

// What can happen to a world; main.c counts it, and a large run in which one
// of these never came has tested less than it says.
#define SIM_EVENTS(X)                                                          \
    X(FRAME_LOST, "frames lost")                                               \
    X(FRAME_DOUBLED, "frames doubled")                                         \
    X(FRAME_SPOILED, "chunks with a wrong bit")                                \
    X(FRAME_SURVIVED, "frames of a time before")                               \
    X(CHUNKS, "partials in pieces")                                            \
    X(UNDELIVERED, "frames that did not go out")                               \
    X(SINK_BUSY, "full sink queues")                                           \
    X(LINK_CUT, "links cut")                                                   \
    X(LANE_DOWN, "lanes down")                                                 \
    X(DIALLED, "lanes that a worker dialled")                                  \
    X(EARLY, "shards for a lane that is not dialled yet")                      \
    X(KILLED, "workers killed")                                                \
    X(STOOD, "workers stopped")                                                \
    X(DRAINED, "workers that said goodbye")                                    \
    X(TWICE, "second processes of a name")                                     \
    X(REVOKED, "keys revoked")                                                 \
    X(CRASHED, "executors that died")                                          \
    X(FAILED, "executors that failed")                                         \
    X(HUNG, "executors that hung")                                             \
    X(AHEAD, "shards given ahead")                                             \
    X(NO_ROOM, "executors that took no more")                                  \
    X(CHEATED, "partials with a range left out")                               \
    X(POISON, "reads of poison")                                               \
    X(LIE, "reads up to a wrong cut, or from one")                             \
    X(BAD_FILE, "reads of corrupt, changed, vanished files")                   \
    X(LEADER_KILLED, "coordinators killed")                                    \
    X(JOURNAL_STUCK, "journals stuck")                                         \
    X(UNSYNCED_LOST, "entries lost unsynced")                                  \
    X(ENTRY_DAMAGED, "entries damaged")                                        \
    X(FOLDER_LOST, "state folders lost")                                       \
    X(RESULT_STUCK, "results that could not be written")                       \
    X(CLOCK_SET, "clocks set")                                                 \
    X(CANCELLED, "jobs cancelled")                                             \
    X(DEADLINE, "jobs past their deadline")                                    \
    X(PARTIAL, "jobs with something missing")                                  \
    X(ENDED, "jobs that ended")                                                \
    X(COMMITS, "commits")                                                      \
    X(RESTORED, "commits restored")                                            \
    X(ADOPTED, "leases adopted")                                               \
    X(EXPIRED, "leases expired")                                               \
    X(COPIES, "copies of late shards")                                         \
    X(CHECKS, "shards that a second worker was to count, too")                 \
    X(DUPLICATES, "partials that came second")                                 \
    X(STALE, "stale messages")                                                 \
    X(REJECTED, "partials rejected")                                           \
    X(CROWDS, "worlds of 200 workers and more")

typedef enum {
#define X(name, text) SIM_##name,
    SIM_EVENTS(X)
#undef X
        SIM_EVENT_COUNT
} sim_event_t;
extern const char *const sim_event_texts[SIM_EVENT_COUNT];

typedef enum { TO_CONTROL, TO_SINK, TO_LANE, TO_WORKER, TO_INTAKE } where_t;

typedef struct flight {
    where_t to;
    size_t node;
    uint64_t peer; // the connection it travels on
    int64_t due;
    buf_t frame;
} flight_t;

typedef enum {
    FILE_SOUND,
    FILE_CHANGES,  // at some time; counted until then
    FILE_VANISHES, // likewise
    FILE_POISON,   // every executor that reads it dies
    FILE_CORRUPT,
} fault_t;

typedef struct sim_file {
    char path[32];
    int host; // -1: shared
    uint64_t size;
    fault_t fault;
    int64_t until; // sound
    uint64_t step; // of an archive, which can be cut each so many bytes; or 0
    bool guessed;  // these places are
    uint64_t lie;  // one of them at which it cannot be cut; or 0
    uint64_t bad;  // the byte of an archive that the fault is at
} sim_file_t;

// What an executor was given: it counts the first.
typedef struct order {
    errcode_t rc;
    uint32_t file;
    buf_t partial;
    int64_t takes;
    int64_t due; // of the first alone
    struct order *next;
} order_t;

// A process. Its host's files can be read by another of the same name.
typedef struct node {
    supervisor_t *s;
    supervisor_config_t config;
    size_t host;
    char name[16];
    identity_t who;
    uint64_t peer;
    uint64_t lane;        // that it has; frames for one that dials go there
    int64_t lane_down_at; // 0: the coordinator's socket noticed nothing
    int64_t dial_at;      // after a refusal; 0: not
    int64_t stands_until; // stopped: hears and says nothing
    int64_t deaf_until;   // nothing reaches it
    int64_t mute_until;   // nothing it says arrives
    int64_t ends_at;      // it said goodbye; 0: not
    int64_t down_until;   // 0: it runs
    unsigned slowness;    // times
    order_t *lines[SIM_EXECUTORS];
} node_t;

typedef struct sim_job {
    uint64_t id; // 0: the client was not told yet
    uint8_t request;
    int64_t submit_at;
    char sources[SIM_SOURCES][40];
    size_t n_sources;
    uint64_t shard_bytes;
    uint64_t deadline_ms; // 0: none that matters
    uint32_t verify_ppm;
    int64_t cancel_at; // 0: never
    int64_t ask_at;
    int state;    // lt_JobState as last heard; -1: none
    bool spoiled; // its plan was damaged in the journal
    char text[256];
} sim_job_t;

typedef struct sim {
    machine_t m; // coordinator, its store, the time
    memory_journal_t journal;
    coordinator_config_t config;
    bool down; // the coordinator
    int64_t down_until;
    int64_t stuck_until; // its journal
    node_t *nodes;       // one for each host, then second processes
    size_t n_nodes, n_hosts;
    size_t *peers; // node of each peer above SIM_PEER
    size_t n_peers, cap_peers;
    size_t *lanes; // node of each lane
    size_t n_lanes, cap_lanes;
    sim_file_t *files;
    size_t n_files, cap_files;
    sim_job_t jobs[SIM_JOBS];
    size_t n_jobs;
    uint8_t requests;
    flight_t *flying;
    size_t n_flying, cap_flying;
    uint64_t rng;
    uint64_t next_incarnation;
    uint64_t largest_partial;
    unsigned harm;     // of a thousand, per step
    unsigned bad_luck; // attempts that may still fail for no lasting reason
    unsigned restarts;
    uint64_t events[SIM_EVENT_COUNT];
    char wrong[512]; // "" as long as all is well
} sim_t;

#define ADMIN_PEER 7u
#define SIM_PEER   1000u
#define NO_NODE    SIZE_MAX

// world.c
sim_t *sim_new(uint64_t seed);
void sim_free(sim_t *s);
void sim_step(sim_t *s);
bool sim_is_over(const sim_t *s);
uint32_t roll(sim_t *s, uint32_t below);
bool one_in(sim_t *s, uint32_t n);
bool sim_is_calm(const sim_t *s);
// One line of the log that SIM_LOG asks for.
void sim_trace(const sim_t *s, const char *what, size_t node, span_t bytes);
// The first thing that is wrong is kept.
void sim_wrong(sim_t *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

// network.c
void net_send(sim_t *s, where_t to, size_t node, uint64_t peer, span_t bytes);
void net_send_chunk(sim_t *s, size_t node, span_t bytes);
void net_deliver(sim_t *s);
void net_leader_died(sim_t *s);
void net_node_died(sim_t *s, size_t node);

// workers.c
void node_start(sim_t *s, size_t i);
void node_kill(sim_t *s, size_t i);
void node_bye(sim_t *s, size_t i);
void node_step(sim_t *s, size_t i);
void node_free(node_t *n);

// executors.c
void line_give(sim_t *s, size_t i, uint32_t slot, const shard_t *shard);
void line_end(node_t *n, uint32_t slot); // its executor is gone
void lines_finish(sim_t *s, size_t i);

// leader.c
void leader_start(sim_t *s);
void leader_kill(sim_t *s);
void leader_step(sim_t *s);
void leader_say(sim_t *s); // all that the machine wants to
void leader_take(sim_t *s, const flight_t *f);

// clients.c
void clients_step(sim_t *s);
void client_hear(sim_t *s, size_t i, span_t bytes);
void clients_forgotten(sim_t *s); // by a coordinator whose folder was lost

// harm.c
void harm_step(sim_t *s);

// watch.c
void watch_output(sim_t *s, const output_t *out);
void watch_room(sim_t *s);
// A shard that is committed is never committed again.
void watch_put(sim_t *s, const entry_key_t *key);
void watch_workers(sim_t *s); // asks; the answer is watched

// check.c
void check_job(sim_t *s, const sim_job_t *j); // its client heard that it ended
void check_end(sim_t *s);

// worst.c: what happened in the world of a seed goes to the file `out`, which
// several processes append to; false if it cannot be written.
bool worst_note(int out, const sim_t *s, uint64_t seed);
// The `most` hardest of those in the file, a line "worst SEED" for each.
void worst_print(int in, size_t most);

#endif
