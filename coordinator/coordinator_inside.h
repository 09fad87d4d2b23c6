// SPDX-License-Identifier: Apache-2.0
// What the files of the coordinator machine share among themselves.
//
// workers.c  who is there            client.c   what the CLI asks
// source.c   "web*:/var/log/x*"      planner.c  files to shards
// watch.c    what an operator watches
// straggle.c shards that take too long   verify.c  counted twice, compared
// lend.c     who counts what         leases.c   what was lent
// sink.c     partials to commits
// change.c   plans that change       cuts.c     where archives may be cut
// whole.c    archives in several ranges, counted whole or not at all
// job.c      the life of a job       coordinator.c  messages in and out
// record.c   what the journal gets   restore.c  what it gives back
// standing.c rows of a running job  overview.c  all of it as JSON
#ifndef LOGTALLY_COORDINATOR_COORDINATOR_INSIDE_H
#define LOGTALLY_COORDINATOR_COORDINATOR_INSIDE_H

#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/query/shared.h"
#include "common/result/result.h"
#include "common/tally/partial.h"
#include "common/wire/control.pb.h"
#include "common/wire/frame.h"
#include "coordinator/coordinator.h"
#include "coordinator/events.h"
#include "coordinator/flow.h"
#include "coordinator/plan_inside.h"
#include "coordinator/rate.h"

#define LIST_MS      60000 // silence after which a listing is given up
#define GRACE_MS     4000  // a worker may be back on another connection
#define UPDATE_MS    100   // least time between two updates to a follower
#define PAUSE_MS     200   // of a lane that took no frame, or a full worker
#define SUPERSEDED   8u    // earlier incarnations of a name that are known
#define MISSING_MAX  1000u // sentences kept about what is missing
#define ALL_SHARDS   UINT64_MAX
#define NO_SHARD     UINT64_MAX
#define RECORDS_MAX  (LIMIT_CONTROL - 16384u) // of one frame of a list
#define OFFERS_AHEAD 8u // unmerged partials per executor before it must wait

typedef struct job job_t;
typedef struct lease lease_t;
struct change; // entries.h

typedef enum {
    NOWHERE, // has no room
    IN_LINE,
    RESTS // has room, and there was nothing for it
} stand_t;

typedef struct worker {
    char name[LIMIT_NAME];   // the host it speaks for
    char key[LIMIT_NAME];    // name of its key
    char key_id[LIMIT_NAME]; // which key of that name (identity_id)
    char address[64];
    bool dials; // its lane; endpoint is "" then
    char endpoint[LIMIT_ENDPOINT];
    char software[64];
    char sandbox[256];
    char trouble[256]; // its own word, with each heartbeat
    uint64_t open_files;
    bool clock_told;
    int64_t clock_ms; // its clock less ours
    char labels[LIMIT_LABELS][LIMIT_NAME];
    size_t n_labels;
    uint64_t incarnation;
    uint64_t superseded[SUPERSEDED]; // earlier incarnations, a ring; or 0
    size_t n_superseded;
    uint64_t peer; // control connection
    uint64_t lane; // 0: closed
    bool intake_up;
    int64_t intake_since; // of that, or of the dial
    uint32_t executors;
    bool up;
    bool expected;   // was up when the coordinator before this one went
    bool forgotten;  // gone for long, or for good: nobody waits for it
    uint64_t record; // its entry in the journal, from 1; 0: none
    int64_t heard;
    int64_t pause_until;
    stand_t stands;
    struct worker *prev, *next; // where it stands
    place_t *open;              // of its host, with shards to lend
    lease_t *leases;            // active ones
    lease_t *granted;           // that have room for their partials
    size_t n_counting;          // active and not yet offered
    size_t n_active;
    uint64_t credit_counting; // what they take of its room
    uint64_t credit_active;
    uint64_t bytes_read; // of its shards, since the coordinator started
    rate_t rate;         // of these
    uint64_t shown;      // hash of its row in the overview
    UT_hash_handle by_name;
    UT_hash_handle by_incarnation;
} worker_t;

// A shard lent once. It outlives its time as a record of who was lent what,
// since a late partial is as good as a punctual one.
struct lease {
    struct lease_key {
        uint64_t shard;
        uint64_t attempt;
    } key;
    job_t *job;
    worker_t *worker;
    uint64_t incarnation;
    bool active;
    bool adopted;  // what it brings was lent by a coordinator before
    bool is_check; // of a shard that is committed: to be compared with it
    bool offered;
    bool asks; // for room, in the line of all
    bool granted;
    uint64_t bytes; // of the offered partial
    uint8_t hash[32];
    buf_t staged;
    uint32_t credit;
    int64_t lent_at;
    int64_t mentioned;
    uint64_t bytes_done;
    uint64_t bytes_seen;  // of the most that it said: counted as read
    bool running;         // an executor was at it when the worker last said so
    lease_t *prev, *next; // of the worker's active ones
    lease_t *prev_room, *next_room; // of those that have room, or ask for it
    UT_hash_handle hh;              // of the job's
};

struct job {
    uint64_t id;
    uint64_t epoch;      // in which it was submitted
    bool restored;       // goes on from a journal
    bool started;        // its shards were queued
    bool ruined;         // its entries in the journal are not whole, or
    bool ruined_by_size; // take more memory than there is now
    struct {             // the last of its entries
        unsigned kind;
        uint64_t n;
    } read;
    bool leftovers;       // they hold more than an ended job needs
    uint64_t recorded_by; // entry after which it may be spoken of
    uint64_t planned_by;  // entry after which its shards may be lent
    uint64_t ended_by;    // entry after which it has ended
    uint64_t n_changes;   // of its plan
    uint64_t changed_by;  // entry of the last
    uint32_t *split;      // shards that wait until it is durable
    size_t n_split, cap_split;
    char owner[LIMIT_NAME];
    uint8_t request[16];
    queries_t *queries;
    uint32_t rules;   // by which they share tables, see shared.h
    shared_t *shared; // what is counted
    char *canonical;
    char *format;
    lt_JobState state;
    bool plan_only;
    bool validate;
    uint64_t shard_bytes;
    int64_t submitted, deadline, ended;
    int64_t plan_at;   // when workers have had time to register; 0: planned
    int64_t told;      // last update to followers
    int64_t finish_at; // the result could not be kept: try again; 0: no
    bool news;
    bool taken_told, end_told; // as events
    bool end_shown;
    uint64_t shown; // hash of its row in the overview
    uint64_t *followers;
    size_t n_followers, cap_followers;
    job_source_t *sources;
    size_t n_sources;
    listing_t *listings;
    size_t n_listings, cap_listings;
    place_t *places;
    size_t n_places, cap_places;
    plan_file_t *files;
    size_t n_files, cap_files;
    size_t n_streams;        // of them: of unknown size, standard input
    uint64_t bytes_streamed; // of these, counted
    plan_range_t *ranges;
    size_t n_ranges, cap_ranges;
    plan_shard_t *shards;
    size_t n_shards, cap_shards;
    size_t n_done;         // committed, lost or void
    size_t n_void;         // nobody is told of these
    size_t n_guessed;      // files that may each need one shard more
    uint64_t turn;         // when it was served last
    tallies_t **tallies;   // of each table
    budget_t plan;         // of files, ranges and shards
    budget_t merge_budget; // of tables
    budget_t kept;         // of partials in `whole`
    totals_t totals;       // without files
    lease_t *leases;
    uint32_t verify_ppm; // share of its shards, in millionths
    check_t *checks;     // by shard
    check_t *waiting;    // of them
    uint64_t n_checks_open;
    uint64_t n_checked[CHECK_STATES];
    char unchecked[LIMIT_TEXT]; // why the last of CHECK_GIVEN_UP
    uint64_t bytes, bytes_done, retried;
    uint64_t hosts;
    uint64_t n_counted, counted_bytes; // shards committed by their first lease
    int64_t counted_ms;                // or a copy, and what they took
    receipt_t heard_of; // missing and notes, until there is a result
    size_t more_missing;
    uint64_t result_bytes;
    uint64_t rejected;
    struct standing *standing; // its rows as they stood when asked, or NULL
    int64_t rows_asked;        // when somebody asked for them last; 0: never
    errcode_t error;
    uint32_t exit;
    char text[LIMIT_TEXT];
    UT_hash_handle hh;
};

struct coordinator {
    coordinator_config_t config;
    pool_t *pool;    // for merging
    budget_t memory; // of all jobs
    coordinator_stats_t stats;
    int64_t now;
    int64_t settled; // workers of the coordinator before have registered
    uint64_t next_job;
    uint64_t next_lane;
    uint64_t next_request;
    uint64_t turn;
    int64_t sweep_at;  // for grants that nobody uses
    int64_t expire_at; // no lease does before
    int64_t straggle_at;
    int64_t standing_at;   // until then no rows of running jobs are made
    int64_t standing_made; // the last ones; 0: what they took is known
    worker_t *workers;     // by name
    worker_t *incarnations;
    job_t *jobs;
    output_t *out;
    size_t out_head, n_out, cap_out;
    output_t *held; // wait for the journal
    size_t n_held, cap_held;
    size_t n_expected;      // workers
    uint64_t n_recorded;    // workers in the journal
    uint64_t put;           // number of the last entry
    uint64_t durable;       // up to this one
    char stuck[LIMIT_TEXT]; // why the journal cannot be written, or ""
    events_t *events;
    uint64_t bytes_read;               // by all workers, and
    flow_t flow;                       // when
    uint64_t events_shown, flow_shown; // in the overview
    struct told *told;                 // keys whose version was refused
    size_t n_up;                       // workers that are there
    worker_t *line;                    // workers that may take something
    lease_t *asking;                   // leases that wait for room
    worker_t *resting;                 // workers for whom there was nothing
    size_t n_resting;
    place_t *open;                 // of what all can read, with shards to lend
    struct shard_text *shard_text; // leases.c
    size_t n_waiting;              // checks
    bool fresh;               // there is something that those who rest may take
    struct refusal *refusals; // keys whose worker was refused
    int64_t wall_ms;          // now, of config.wall_ms
    bool wants_grant;
    struct {
        uint64_t job;
        buf_t bytes;
    } fetched; // the result that was read last
};

// What a handler gets.
typedef struct incoming {
    uint64_t peer;
    const identity_t *who;
    const char *address;
    const frame_t *frame;
} incoming_t;

// coordinator.c
void send_frame(coordinator_t *self, out_kind_t kind, uint64_t peer,
    proto_type_t type, const pb_msgdesc_t *fields, const void *meta,
    span_t payload);
void send_refused(coordinator_t *self, uint64_t peer, errcode_t rc,
    unsigned exit, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
// The same, once the journal entry `after` is durable.
void send_frame_after(coordinator_t *self, uint64_t after, uint64_t peer,
    proto_type_t type, const pb_msgdesc_t *fields, const void *meta);
void open_lane(coordinator_t *self, worker_t *worker);
// The worker dialled its lane, which is open.
void lane_is_here(
    coordinator_t *self, const worker_t *worker, uint64_t connection);
void close_lane(coordinator_t *self, worker_t *worker);

// versions.c
void refuse_version(
    coordinator_t *self, const incoming_t *in, unsigned min, unsigned max);
// Whether a worker's are ours; it is refused otherwise.
bool versions_agree(
    coordinator_t *self, const incoming_t *in, const lt_Register *meta);
void versions_free(coordinator_t *self);

// workers.c
bool on_register(coordinator_t *self, const incoming_t *in);
bool on_heartbeat(coordinator_t *self, const incoming_t *in);
bool on_bye(coordinator_t *self, const incoming_t *in);
bool on_lane(coordinator_t *self, const incoming_t *in);
// NULL for an incarnation that is not here or speaks with another key.
worker_t *worker_speaking(
    coordinator_t *self, const incoming_t *in, uint64_t incarnation);
void worker_lost(coordinator_t *self, worker_t *worker, const char *why);
// Of this name; one that was never heard of is known from now on.
worker_t *worker_named(coordinator_t *self, const char *name);
bool host_name_is_sound(const char *name);
// Nobody waits for it any more, until it registers again.
void worker_forget(coordinator_t *self, worker_t *worker);
bool worker_has_label(const worker_t *worker, const char *label);
void workers_tick(coordinator_t *self);

// source.c
MUST_CHECK errcode_t source_parse(
    const char *text, bool local, job_source_t *out, buf_t *why);
bool source_wants(const job_source_t *source, const worker_t *worker);
// A file that a worker named: is it what was asked for?
bool source_allows(const job_source_t *source, const char *path);

// planner.c
void plan_start(coordinator_t *self, job_t *job);
// Can anybody read the source, now or before?
bool plan_has_reader(coordinator_t *self, const job_source_t *source);
void plan_worker_lost(coordinator_t *self, job_t *job, const worker_t *worker);
// The worker is there (again): what it was asked is asked anew.
void plan_worker_up(coordinator_t *self, worker_t *worker);
// The deadline passed: what was not listed is missing.
void plan_give_up(coordinator_t *self, job_t *job);
// The worker that planning waits for, or NULL.
const worker_t *plan_waits_for(const job_t *job);
void plan_tick(coordinator_t *self, job_t *job);
bool on_files(coordinator_t *self, const incoming_t *in);

// cuts.c
// Whether there may be one more; a file that was cut at guesses has room for
// the one that it may need.
bool plan_has_room(const job_t *job);
// Of the files from `first` on, which a message brought; ERR_MALFORMED where
// cuts do not rise, or are not inside their archive.
MUST_CHECK errcode_t cuts_take(
    job_t *job, size_t first, uint32_t n_cuts, rd_t *r);
// Where a range ends that begins at `at`: the first cut that is `piece` or more
// behind it, else the end of the file.
uint64_t cuts_next(const plan_file_t *file, uint64_t at, uint64_t piece);
// Archives of more than so many bytes are worth being cut.
uint64_t cuts_least(const job_t *job);
void plan_file_fini(plan_file_t *file);

// whole.c
// An archive that is in several shards, each of which has nothing else. It is
// counted when all of them are there: one that is damaged is a file that is
// missing, as if it had been read from end to end.
bool whole_is(const plan_file_t *file);
// Keeps a sound partial, with its totals (taken), or with the last one counts
// all. ERR_TOO_LARGE of the job's budget; ERR_BUSY where that has no room for
// the parts of a file that was cut at guesses, which may be read as one.
MUST_CHECK errcode_t whole_add(
    job_t *job, uint32_t shard, span_t partial, totals_t *got);
// Its shards are void from now on, and a new one, the last of all, has the
// whole file. Returns its number.
uint32_t whole_make(coordinator_t *self, job_t *job, uint32_t file);
// One of its shards is lost, and so are all.
void whole_lose(coordinator_t *self, job_t *job, uint32_t file);
void whole_free(job_t *job, plan_file_t *file);

// budgets.c
void budgets_init(coordinator_t *self);
void budgets_job(coordinator_t *self, job_t *job);
// Whether the job was refused memory that others have, since it began to ask,
// and the sentence that says so.
void budgets_ask(job_t *job);
bool budgets_shut_out(const job_t *job);
extern const char budgets_sentence[];
// A shard, and its number where it waits.
#define BUDGETS_SHARD_BYTES (sizeof(plan_shard_t) + sizeof(uint32_t))
// Before there is one more. false: there is no memory for it.
MUST_CHECK bool budgets_take_file(job_t *job, const char *path);
MUST_CHECK bool budgets_take_range(job_t *job, bool in_shard);
// Some of the plan may have gone.
void budgets_weigh_plan(job_t *job);
// Of a job that keeps no work.
void budgets_free(job_t *job);

// cut.c
// Fills ranges and shards; ERR_TOO_LARGE over LIMIT_JOB_SHARDS, or without
// memory.
MUST_CHECK errcode_t plan_cut(coordinator_t *self, job_t *job);

// lend.c
// The shard waits for a worker from now on.
void queue_shard(coordinator_t *self, job_t *job, uint32_t shard);
// Before the state of a shard that may be pending becomes another.
void shard_not_pending(coordinator_t *self, job_t *job, uint32_t shard);
void places_free(coordinator_t *self, job_t *job);
// The worker may have room, or its host something to count.
void lend_to(coordinator_t *self, worker_t *worker);
// Whoever has room gets what there is for it.
void leases_give(coordinator_t *self);

// leases.c
// The shard of an active lease goes back to its queue.
void lease_lapse(coordinator_t *self, lease_t *lease, bool counts);
// A worker that was thought lost goes on with what it has, as long as nobody
// else was lent the shard.
void lease_revive(coordinator_t *self, lease_t *lease);
void lease_offered(coordinator_t *self, lease_t *lease);
void leases_worker_lost(coordinator_t *self, worker_t *worker);
void lease_remove(coordinator_t *self, lease_t *lease);
void leases_remove_of(coordinator_t *self, job_t *job, uint64_t shard);
void lease_free_staging(coordinator_t *self, lease_t *lease);
// There is no room for its partial now; there is.
void lease_asks(coordinator_t *self, lease_t *lease);
void lease_has_room(coordinator_t *self, lease_t *lease);
// After a restart nobody knows who was lent what: a worker that holds a shard
// of a job that goes on, lent by an earlier coordinator of the same job, has
// a lease again. NULL: it has none.
lease_t *lease_adopt(coordinator_t *self, worker_t *worker, uint64_t job,
    uint64_t shard, uint32_t attempt, uint64_t epoch);
lease_t *lease_find(coordinator_t *self, const worker_t *worker, uint64_t job,
    uint64_t shard, uint32_t attempt);
void lease_held(coordinator_t *self, worker_t *worker, const lt_Held *held);
void leases_tick(coordinator_t *self);
void leases_free(coordinator_t *self);
void lease_lend(coordinator_t *self, worker_t *w, job_t *job, uint32_t shard);
void lease_lend_check(
    coordinator_t *self, worker_t *w, job_t *job, uint32_t shard);

// watch.c
// worker and job may be NULL.
void event_tell(coordinator_t *self, log_level_t level, const char *id,
    const job_t *job, const char *worker, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
// What of its life is durable now and was not told yet.
void event_tell_job(coordinator_t *self, job_t *job);
// So much of the shard has its worker read.
void watch_progress(coordinator_t *self, lease_t *l, uint64_t bytes);
uint64_t worker_rate(const worker_t *w); // bytes a second
void watch_tick(coordinator_t *self);
bool on_events(coordinator_t *self, const incoming_t *in);

// straggle.c
void stragglers_tick(coordinator_t *self);
void send_cancel(
    coordinator_t *self, worker_t *worker, uint64_t job, uint64_t shard);

// sink.c
bool on_offer(coordinator_t *self, const incoming_t *in);
bool on_partial(coordinator_t *self, const incoming_t *in);
bool on_shard_failed(coordinator_t *self, const incoming_t *in);
void take_offer(coordinator_t *self, worker_t *worker, const lt_Offer *offer);
void grant_waiting(coordinator_t *self);
// Counts a partial of the shard: ERR_CORRUPT when it does not hold together
// (nothing is counted), ERR_TOO_LARGE when the job's budget is too small.
MUST_CHECK errcode_t sink_merge(
    coordinator_t *self, job_t *job, uint64_t shard, span_t partial);
// What was read, into the job and its files.
void sink_count(job_t *job, totals_t *got);

// verify.c
// Which shards of a new plan are to be checked: about verify_ppm, at least one.
void verify_choose(job_t *job);
// The shard was committed now, or before a restart.
void verify_counted(coordinator_t *self, job_t *job, uint32_t shard,
    const worker_t *by, span_t partial);
void verify_restored(
    coordinator_t *self, job_t *job, uint32_t shard, span_t partial);
// Gives the worker something to check; false: there is nothing for it.
bool verify_lend(coordinator_t *self, worker_t *w);
void verify_lapsed(coordinator_t *self, const lease_t *lease);
// A check came to nothing; the lease is gone after it, and after the next two.
void verify_failed(coordinator_t *self, lease_t *lease, const char *why);
// The second worker says that it cannot be counted at all: "found ...".
void verify_answered(coordinator_t *self, lease_t *lease, const char *how);
// What it counted is staged and sound.
void verify_compare(coordinator_t *self, lease_t *lease);
void verify_tick(coordinator_t *self, job_t *job);
void verify_give_up(coordinator_t *self, job_t *job);
// From the journal; ERR_MALFORMED.
MUST_CHECK errcode_t verify_again(
    coordinator_t *self, job_t *job, const struct change *change);
// The shard is void: what was counted of it is not compared any more.
void verify_void(coordinator_t *self, job_t *job, uint32_t shard);
void verify_note(const job_t *job, receipt_t *receipt);
void verify_free(coordinator_t *self, job_t *job);

// change.c
// A shard, or one file of it, cannot be counted.
void change_lose(
    coordinator_t *self, job_t *job, uint32_t shard, const char *why);
void change_drop(coordinator_t *self, job_t *job, uint32_t shard, uint32_t file,
    const char *why);
// Each range of the shard becomes a shard of its own.
void change_split(coordinator_t *self, job_t *job, uint32_t shard);
// A file that was cut at guesses is read from end to end by one shard.
void change_whole(
    coordinator_t *self, job_t *job, uint32_t file, const char *why);
// New shards may be lent once the journal has them.
void change_durable(coordinator_t *self, job_t *job);
// The same from the journal; ERR_MALFORMED where it does not fit the plan.
MUST_CHECK errcode_t change_again(
    coordinator_t *self, job_t *job, const struct change *change);

// record.c
void record_job(coordinator_t *self, job_t *job);
void record_plan(coordinator_t *self, job_t *job);
void record_worker(coordinator_t *self, worker_t *worker);
void record_change(
    coordinator_t *self, job_t *job, const struct change *change);
void record_commit(
    coordinator_t *self, const job_t *job, uint64_t shard, buf_t *partial);
void record_end(coordinator_t *self, job_t *job);
void record_drop_work(coordinator_t *self, const job_t *job);
void record_forget(coordinator_t *self, const job_t *job);
uint64_t record_backlog(const coordinator_t *self);

// job.c
job_t *job_new(coordinator_t *self, const char *owner);
job_t *job_add(coordinator_t *self, uint64_t id);
void job_destroy(coordinator_t *self, job_t *job);
job_t *job_find(coordinator_t *self, uint64_t id);
bool job_is_over(const job_t *job);
// As others are told.
size_t job_shards(const job_t *job);
size_t job_shards_done(const job_t *job);
const char *job_state_text(lt_JobState state); // "done"
void job_free_work(coordinator_t *self, job_t *job);
void job_run(coordinator_t *self, job_t *job); // the plan is made
// Makes what counting needs; ERR_TOO_LARGE over the budget.
MUST_CHECK errcode_t job_prepare(coordinator_t *self, job_t *job);
// Shards may be lent from now on.
void job_start(coordinator_t *self, job_t *job);
void job_missing(job_t *job, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void job_fail(coordinator_t *self, job_t *job, errcode_t rc, unsigned exit,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void job_check_done(coordinator_t *self, job_t *job);

// answer.c
// Before results are made of the tables, and again when more was merged.
void answer_list_tables(const job_t *job);
// Makes the results of a job whose shards are done, with their receipt, and
// gives them to the store. *size is what they take.
MUST_CHECK errcode_t answer_keep(
    coordinator_t *self, job_t *job, uint64_t *size);
void job_cancel(coordinator_t *self, job_t *job);
// Named as missing; the shard is not counted any more.

void job_lose(coordinator_t *self, job_t *job, uint32_t shard, const char *why);
void job_file_lost(
    coordinator_t *self, job_t *job, uint32_t file, const char *why);
void jobs_tick(coordinator_t *self);

// client.c
bool on_submit(coordinator_t *self, const incoming_t *in);
bool on_job_request(coordinator_t *self, const incoming_t *in);
bool on_result(coordinator_t *self, const incoming_t *in);
bool on_jobs(coordinator_t *self, const incoming_t *in);
bool on_reload_keys(coordinator_t *self, const incoming_t *in);
void send_plan(coordinator_t *self, job_t *job);
// A frame of a list; empties *records and meta->n.
void send_records(coordinator_t *self, uint64_t peer, proto_type_t type,
    lt_Records *meta, buf_t *records, bool last);

// worker_list.c
bool on_workers(coordinator_t *self, const incoming_t *in);

// refusals.c
// The worker of that key was told no; remembered for those who ask why it is
// not there, until it is taken.
void refusal_note(coordinator_t *self, const incoming_t *in, const char *text);
void refusal_forget(coordinator_t *self, const char *key);
// Those of the last REFUSAL_MS. `key`: of this key alone; NULL: all.
void refusals_each(coordinator_t *self, const char *key,
    void (*each)(void *ctx, const char *key, const char *address,
        int64_t ago_ms, const char *text),
    void *ctx);
void refusals_free(coordinator_t *self);

// The job that a client may ask about; NULL: it was refused.
job_t *job_asked(coordinator_t *self, const incoming_t *in, uint64_t id);

// standing.c
bool on_rows(coordinator_t *self, const incoming_t *in);
void standing_free(job_t *job);
// The rows of the job as they stand, made anew where that is due, lent until
// the next call. Returns a number that is another for others; 0: none.
uint64_t standing_look(
    coordinator_t *self, job_t *job, lt_RowsNow *meta, span_t *payload);
void standing_tick(coordinator_t *self);

// updates.c
void fill_update(
    const coordinator_t *self, const job_t *job, lt_JobUpdate *out);
void send_update(coordinator_t *self, uint64_t peer, job_t *job);
bool update_is_due(const coordinator_t *self, const job_t *job);
void update_followers(coordinator_t *self, job_t *job);

#endif
