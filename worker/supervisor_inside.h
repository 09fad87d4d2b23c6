// SPDX-License-Identifier: Apache-2.0
// supervisor_inside: what the supervisor's own files share. Nobody else
// includes this.
#ifndef LOGTALLY_WORKER_SUPERVISOR_INSIDE_H
#define LOGTALLY_WORKER_SUPERVISOR_INSIDE_H

#include "worker/supervisor.h"

#define SUP_LISTS_MAX     64u
#define SUP_OFFERS_MAX    1500u // offers named in one heartbeat
#define SUP_ACK_MS        5000  // sent and not acknowledged: offer again
#define SUP_SINK_PAUSE_MS 20    // after a full sink queue
#define SUP_STOOD_MS      5000  // between two ticks: we were stopped
#define SUP_FAIL_TRIES    5u    // a failure nobody acknowledges is dropped
#define SUP_ALL_SHARDS    UINT64_MAX

typedef enum {
    ITEM_QUEUED,
    ITEM_RUNNING,
    ITEM_OFFERED,
    ITEM_FAILED
} item_state_t;

typedef struct item {
    shard_t *shard;
    uint64_t epoch; // of the coordinator that lent it
    item_state_t state;
    uint32_t slot;
    struct item *behind; // in the line of the slot
    uint32_t credit;
    uint64_t bytes_done;
    int64_t alive_ms; // when its executor was last heard
    uint64_t seq;     // order of arrival
    uint64_t turn;    // last time a shard of this job was started
    buf_t partial;
    uint8_t hash[32];
    bool granted;
    uint64_t sent;  // bytes of the partial given to the sink
    int64_t due_ms; // when to send or offer again
    uint32_t tries; // of a failure
    errcode_t rc;
    uint32_t file;
    char *text;
} item_t;

// What an executor was given: it counts the first. Small shards are given
// ahead, so that it need not wait for us between them.
typedef struct line {
    item_t *first;
    uint32_t credit;
    bool is_full; // until it is empty
} line_t;

struct supervisor {
    supervisor_config_t config;
    int64_t now;
    bool connected;
    bool registered;
    uint64_t epoch;
    int64_t heartbeat_ms;
    int64_t next_beat;
    int64_t last_ack;
    int64_t ticked; // the last tick, to see a process that stood still
    uint64_t beat_seq;
    bool wall_told;
    int64_t wall_ms; // time of day less ours
    char trouble[256];
    int64_t sink_pause;
    uint64_t seq;
    uint64_t turn;
    item_t **items;
    size_t n_items, cap_items;
    line_t *lines; // of the slots
    struct {
        uint64_t request;
        uint64_t job;
    } lists[SUP_LISTS_MAX];
    size_t n_lists;
    sup_output_t **out;
    size_t n_out, cap_out;
    uint64_t n_counted, n_failed, n_killed; // since the start
};

// supervisor_lines.c
// Gives the executors what they have room for.
void sup_start_free(supervisor_t *self);
// Out of its line. Where its executor has it already, that is ended, and what
// was behind waits again.
void sup_leave_line(supervisor_t *self, item_t *item);
// The same for one that its executor did not get; the line takes no more until
// it is empty.
void sup_not_given(supervisor_t *self, item_t *item);
// The executor of the slot is gone: its line waits again.
void sup_break_line(supervisor_t *self, uint32_t slot);
// The shard that the slot's reports are of, or NULL.
item_t *sup_reporting(supervisor_t *self, uint32_t slot);
// It is done: the next in line is the first.
void sup_advance_line(supervisor_t *self, uint32_t slot);

sup_output_t *sup_push(supervisor_t *self, sup_kind_t kind);
item_t *sup_find(supervisor_t *self, uint64_t job, uint64_t shard);
void sup_drop(supervisor_t *self, item_t *item);
void sup_drop_all(supervisor_t *self);
void sup_offer(supervisor_t *self, item_t *item);
void sup_accept(supervisor_t *self, shard_t *shard);
void sup_cancel(supervisor_t *self, uint64_t job, uint64_t shard);
void sup_fail(supervisor_t *self, item_t *item, errcode_t rc, uint32_t file,
    const char *text);
void sup_watch_running(supervisor_t *self);
void sup_work_due(supervisor_t *self);
bool sup_next_chunk(supervisor_t *self, sup_output_t *out);

#endif
