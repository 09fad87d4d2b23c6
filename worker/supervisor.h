// SPDX-License-Identifier: Apache-2.0
// supervisor: a worker's part of the protocol as a pure machine: register,
// heartbeat, queue of shards, hand-over to executors, partials kept until
// RESULT_ACK. No socket, clock, file or process in here; supervisor_io.c and
// the local run drive it.
#ifndef LOGTALLY_WORKER_SUPERVISOR_H
#define LOGTALLY_WORKER_SUPERVISOR_H

#include "common/base/bytes.h"
#include "common/base/limits.h"
#include "worker/shard.h"

typedef struct supervisor supervisor_t;

typedef struct supervisor_config {
    const char *name;
    const char *const *labels;
    size_t n_labels;
    uint32_t executors;
    uint64_t incarnation;
    uint16_t intake_port;
    const char *intake_address; // "" for the address it dials from
    bool dials;                 // for its shards: there is no intake
    const char *sandbox;        // of the executors; NULL: not told
    uint64_t open_files;        // that this process may have; 0: not told
} supervisor_config_t;

typedef enum {
    SUP_CONTROL,   // frame to the coordinator's control socket
    SUP_SINK,      // frame to its sink
    SUP_SINK_OPEN, // connect the sink PUSH to sink_port of the coordinator
    SUP_LANE, // frame to the lane that was dialled, dropped where it is not
    SUP_LANE_OPEN, // dial lane_port of the coordinator; a connection that is
                   // there may stay with `keep`. Answer supervisor_lane_up
    SUP_LIST,      // list files; answer with supervisor_listed
    SUP_START,     // give `shard` to executor `slot`, which may have others
                   // before it; the driver opens files
    SUP_KILL,      // end executor `slot` and start a fresh one
    SUP_RECONNECT, // drop the control connection and dial again
    SUP_REFUSED,   // the coordinator says no, or BYE: `text`, code `exit`
} sup_kind_t;

typedef struct sup_output {
    sup_kind_t kind;
    buf_t frame;
    uint16_t sink_port;
    uint16_t lane_port;
    bool keep;
    uint32_t slot;
    shard_t *shard; // lent until it is reported done or the slot killed
    uint64_t request;
    bool shared;
    uint64_t cuts_from;
    uint64_t guess_bytes;
    char pattern[LIMIT_PATH];
    char text[LIMIT_TEXT];
    uint32_t exit;
} sup_output_t;

supervisor_t *supervisor_new(const supervisor_config_t *config, int64_t now_ms);
void supervisor_destroy(supervisor_t **self_p);

// What comes over a lane that was dialled is as what comes to the intake.
typedef enum { SUP_LINK_CONTROL, SUP_LINK_INTAKE } sup_link_t;
void supervisor_message(
    supervisor_t *self, sup_link_t link, span_t frame, int64_t now_ms);
// The control connection came up (again): register.
void supervisor_connected(supervisor_t *self, int64_t now_ms);
// The lane came up (again), or is still up.
void supervisor_lane_up(supervisor_t *self, int64_t now_ms);
// A sink frame could not be queued: ERR_BUSY semantics, try again by tick.
void supervisor_sink_busy(supervisor_t *self, span_t frame, int64_t now_ms);

// The last word before the end: BYE; what is held may be lent to others.
void supervisor_bye(supervisor_t *self, const char *reason, int64_t now_ms);

// One batch of an answer to SUP_LIST. files: as in control.proto, lent.
struct listed_file;
void supervisor_listed(supervisor_t *self, uint64_t request,
    const struct listed_file *files, size_t n, bool last, errcode_t rc,
    const char *text, int64_t now_ms);

void supervisor_progress(
    supervisor_t *self, uint32_t slot, uint64_t bytes_done, int64_t now_ms);
// The first shard that this slot has is finished: rc ERR_OK and the partial
// (moved out of *partial), or an error with its sentence and file (UINT32_MAX:
// none). ERR_CRASHED: its executor is gone, and with it the orders behind this
// one.
void supervisor_done(supervisor_t *self, uint32_t slot, errcode_t rc,
    buf_t *partial, uint32_t file, const char *text, int64_t now_ms);
// A SUP_START that could not be carried out. ERR_BUSY: the executor takes no
// more beside what it has; any other error is the shard's.
void supervisor_not_started(supervisor_t *self, const shard_t *shard,
    errcode_t rc, uint32_t file, const char *text, int64_t now_ms);

// What the next heartbeats say: the time of day less the machine's time, and
// what is wrong with the roots, or "".
void supervisor_health(
    supervisor_t *self, int64_t wall_ms, const char *trouble);

int64_t supervisor_tick(supervisor_t *self, int64_t now_ms);
bool supervisor_next(supervisor_t *self, sup_output_t *out);
// Nothing queued, running or unacknowledged.
bool supervisor_is_idle(const supervisor_t *self);
// One line: is it registered, and what it holds.
void supervisor_status_text(const supervisor_t *self, buf_t *out);
// In the text format of Prometheus.
void supervisor_metrics(const supervisor_t *self, buf_t *out);

#endif
