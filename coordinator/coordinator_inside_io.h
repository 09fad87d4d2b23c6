// SPDX-License-Identifier: Apache-2.0
// What the files of coordinator_io share among themselves.
#ifndef LOGTALLY_COORDINATOR_COORDINATOR_INSIDE_IO_H
#define LOGTALLY_COORDINATOR_COORDINATOR_INSIDE_IO_H

#include "certs/keyfile.h"
#include "certs/zap_io.h"
#include "common/net/curve_socket.h"
#include "common/service/http_io.h"
#include "common/service/notify_io.h"
#include "coordinator/audit_io.h"
#include "coordinator/coordinator_io.h"
#include "coordinator/dashboard/dashboard_io.h"
#include "coordinator/journal_io.h"
#include "coordinator/lanes_io.h"
#include "coordinator/outbox.h"
#include "coordinator/roster.h"
#include "coordinator/state_io.h"

#include <zmq.h>

#define WATCHED 64u // jobs and keys whose reading of rows was told last

// Who asked for the rows of a running job.
typedef struct watched {
    char name[LIMIT_NAME];
    uint64_t job;
} watched_t;

struct coordinator_io {
    coordinator_t *machine;
    state_t *state;
    audit_io_t *audit;
    zap_stats_t audited; // what of it is in the audit file
    journal_io_t *journal;
    uint64_t journaled; // entries that the machine knows to be durable
    buf_t stuck;        // why the journal cannot be written, or empty
    keypair_t own;
    void *zmq_ctx;
    zap_t *zap;
    void *control;
    void *sink;
    lanes_t *lanes;
    outbox_t *outbox;
    roster_t *roster;
    int signals;
    uint16_t control_port;
    uint16_t sink_port;
    char *listen; // address and port of the lane socket, bound when a worker
    uint16_t lane_port; // wants that
    zmq_pollitem_t *items;
    size_t cap_items;
    received_t in;
    int64_t refresh_at_ms;
    int64_t reserve_at_ms; // job ids could not be set aside: try again
    int key_changes;       // inotify on the folder of allowed keys, or -1
    int64_t seen_ms;       // when the clock was read last
    int64_t away_ms;       // time that this process was stopped or busy in all
    uint64_t unknown;      // messages without a name, or of one not allowed
    coordinator_stats_t told;
    watched_t watched[WATCHED]; // a ring
    size_t n_watched;
    notify_t notify;
    http_io_t *http;        // NULL: no metrics
    dashboard_t *dashboard; // NULL: none
    bool dashboard_metrics; // it serves them as well
    result_store_t results;
    int64_t dashboard_at_ms; // when it is told again
    int64_t dashboard_told_ms;
    bool ending;
    bool failed;
};

// lane_port_io.c
// Where workers may dial for their shards, from now on; 0: nowhere. `ctx` is
// the coordinator_io_t.
uint16_t coordinator_io_lane_port(void *ctx);

// dashboard_tell_io.c
MUST_CHECK errcode_t dashboard_io_open(
    coordinator_io_t *self, const coordinator_options_t *options, buf_t *why);
// Whether it serves the metrics as well, which are at the same address.
bool dashboard_has_metrics(const coordinator_options_t *options);
// Readable when somebody has come to look; there always is one to poll.
int dashboard_io_fd(const coordinator_io_t *self);
void dashboard_io_ready(coordinator_io_t *self);
void dashboard_io_tell(coordinator_io_t *self, int64_t now_ms);

// metrics_io.c
// Begins to serve metrics, where the options want that.
MUST_CHECK errcode_t metrics_io_open(
    coordinator_io_t *self, const coordinator_options_t *options, buf_t *why);
void metrics_io_tell(coordinator_io_t *self);

#endif
