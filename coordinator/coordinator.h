// SPDX-License-Identifier: Apache-2.0
// coordinator: the whole coordinator as one pure machine. Messages and time
// go in, messages and effects come out. It opens no socket, reads no clock
// and no file; coordinator_io.c and the local run drive it, and so do tests.
#ifndef LOGTALLY_COORDINATOR_COORDINATOR_H
#define LOGTALLY_COORDINATOR_COORDINATOR_H

#include "certs/allowlist.h"
#include "common/base/bytes.h"
#include "common/base/log.h"
#include "coordinator/journal.h"

typedef struct coordinator coordinator_t;

// Where finished results are kept (encoded, result.h). Files in the daemon,
// memory in tests.
typedef struct result_store {
    errcode_t (*put)(void *ctx, uint64_t job, span_t bytes);
    errcode_t (*get)(void *ctx, uint64_t job, buf_t *out); // ERR_NOT_FOUND
    void *ctx;
    // Of a job that is forgotten; NULL: results stay.
    void (*remove)(void *ctx, uint64_t job);
} result_store_t;

typedef struct coordinator_config {
    uint64_t epoch;     // above every earlier one
    uint64_t first_job; // ids count up from here
    uint16_t sink_port;
    uint64_t staging_bytes; // budget of grants
    size_t merge_budget;    // bytes of group table per job
    size_t memory; // bytes of plans and groups of all jobs; 0: no bound
    // Threads for checking and merging a partial of many groups, the caller's
    // among them; 0 is 1. A call waits for them: nothing is left running.
    unsigned merge_threads;
    int64_t deadline_ms; // of a job that names none
    int64_t keep_ms;     // after which an ended job is forgotten; 0: never
    // After a restart: how long workers may take to register again. Jobs are
    // planned after that, so that no host is left out.
    int64_t settle_ms;
    result_store_t store;
    journal_t journal;   // .put NULL: none, as in a local run
    int64_t wall_ms;     // time of day less the machine's time
    uint64_t open_files; // that this process may have; 0: not told
    // Where workers dial for their shards, asked when one comes that does so:
    // the port, or 0 for nowhere. NULL is nowhere.
    uint16_t (*lane_port)(void *ctx);
    void *lane_ctx;
    // Local run: sources are plain paths (or "-") of this host, read by the
    // only worker. NULL in the daemon.
    const char *local_host;
} coordinator_config_t;

typedef enum {
    OUT_CONTROL,    // frame to control connection `peer`
    OUT_INTAKE,     // frame to the lane `peer`
    OUT_LANE_OPEN,  // lane `peer` to a worker with the key of id `name`:
                    // connect a PUSH to endpoint; where that is "", it dials
    OUT_LANE_HERE,  // it has: frames of lane `peer` go to `connection`
    OUT_LANE_CLOSE, // close lane `peer`
    OUT_RELOAD,     // read the allowed keys again, tell control peer `peer`
} out_kind_t;

typedef struct output {
    out_kind_t kind;
    uint64_t peer;
    uint64_t connection;  // of the lane socket
    buf_t frame;          // to be sent; of OUT_LANE_OPEN not one, but
    const char *endpoint; // these two, which lie in its bytes
    const char *name;
    uint64_t after; // the machine's own: entry that must be durable first
} output_t;

typedef enum { LINK_CONTROL, LINK_SINK, LINK_LANE } link_t;

typedef struct coordinator_stats {
    uint64_t messages;
    uint64_t messages_refused; // malformed, out of state, wrong role
    uint64_t refusals;         // REFUSED sent
    uint64_t leases;
    uint64_t leases_expired;
    uint64_t workers_lost;
    uint64_t commits;
    uint64_t duplicates;
    uint64_t stale;
    uint64_t partials_rejected;
    uint64_t staging_bytes; // granted now
    uint64_t jobs;
    uint64_t jobs_ended;
    uint64_t copies; // of shards that took too long
    uint64_t checks; // of shards that a second worker counted
    uint64_t checks_differ;
    uint64_t restored; // commits taken from the journal
    uint64_t adopted;  // leases of a coordinator before this one
    uint64_t next_job; // above every id in use
    uint64_t bytes;    // counted since the start; so are
    uint64_t lines;
    uint64_t rejected; // of them
} coordinator_stats_t;

coordinator_t *coordinator_new(
    const coordinator_config_t *config, int64_t now_ms);
void coordinator_destroy(coordinator_t **self_p);

// One frame from a peer that ZAP and the current allowlist vouch for.
// `peer`: the connection of control or lane (unused on the sink); `address`:
// where it dials from. Anything wrong with the frame is counted and dropped.
void coordinator_message(coordinator_t *self, link_t link, uint64_t peer,
    const identity_t *who, const char *address, span_t frame, int64_t now_ms);
// A frame could not be delivered: the control peer or lane is gone.
void coordinator_undelivered(
    coordinator_t *self, out_kind_t kind, uint64_t peer, int64_t now_ms);
// The connection of a lane is gone for some time: when nothing was heard of its
// worker since then, it is lost without waiting for more silence.
void coordinator_lane_down(coordinator_t *self, uint64_t lane, int64_t now_ms);
// The connection of a lane stands.
void coordinator_lane_up(coordinator_t *self, uint64_t lane, int64_t now_ms);
// The time of day less the machine's time, as it is now: the clocks of workers
// are compared with it. What the journal keeps goes by that of the start.
void coordinator_clock(coordinator_t *self, int64_t wall_ms);
// The key of that id is no longer allowed.
void coordinator_revoked(coordinator_t *self, const char *id, int64_t now_ms);

// What the journal holds, entry by entry in the order of job, kind and n,
// before the first message. ERR_CORRUPT: bytes or their place make no sense;
// the entry is passed over, and its job redoes the work or says that it
// cannot go on.
MUST_CHECK errcode_t coordinator_restore(
    coordinator_t *self, const entry_key_t *key, span_t bytes);
// An entry is there whose bytes are damaged.
void coordinator_restore_damaged(coordinator_t *self, const entry_key_t *key);
// That was the last entry: jobs go on.
void coordinator_restored(coordinator_t *self);
// The entries up to this number are durable.
void coordinator_journaled(
    coordinator_t *self, uint64_t number, int64_t now_ms);
// The journal cannot be written (why), or again (NULL). Meanwhile nothing is
// lent, and jobs say what they wait for.
void coordinator_journal_stuck(
    coordinator_t *self, const char *why, int64_t now_ms);

// Something that only the driver knows of, for who asks for events. id is a
// literal, as in the log; worker: its name, or NULL.
void coordinator_event(coordinator_t *self, log_level_t level, const char *id,
    const char *worker, const char *text, int64_t now_ms);

// Does what is due; returns ms until it wants to be called again.
int64_t coordinator_tick(coordinator_t *self, int64_t now_ms);
// The next thing to do, moved into *out (caller frees frame). false: nothing.
bool coordinator_next(coordinator_t *self, output_t *out);
const coordinator_stats_t *coordinator_stats(const coordinator_t *self);
// One line: workers, jobs, and what keeps them from going on.
void coordinator_status_text(const coordinator_t *self, buf_t *out);
// As one JSON object, for who looks at it in a browser: everything, or what is
// another than in the call before. Bounded: the newest 200 ended jobs, 512
// events, 900 seconds. wall_ms: the time of day.
void coordinator_overview(
    coordinator_t *self, bool all, int64_t wall_ms, buf_t *out);
// Of one job, and its rows while it runs: an encoded result, replaced where
// `made` is another than before. false: there is no such job.
typedef struct job_view {
    uint64_t made; // 0: never
    bool over;     // the result is in the store
    buf_t bytes;
} job_view_t;
bool coordinator_job_view(coordinator_t *self, uint64_t job, int64_t wall_ms,
    buf_t *out, job_view_t *rows);
// In the text format of Prometheus.
void coordinator_metrics(const coordinator_t *self, buf_t *out);

#endif
