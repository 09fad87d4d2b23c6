// SPDX-License-Identifier: Apache-2.0
// What the files of the worker daemon share among themselves.
#ifndef LOGTALLY_WORKER_DAEMON_IO_H
#define LOGTALLY_WORKER_DAEMON_IO_H

#include "certs/zap_io.h"
#include "common/net/curve_socket.h"
#include "common/service/http_io.h"
#include "common/service/notify_io.h"
#include "common/wire/batch.h"
#include "worker/executor_io.h"
#include "worker/link_io.h"
#include "worker/lister_io.h"
#include "worker/supervisor.h"
#include "worker/supervisor_io.h"

#include <zmq.h>

typedef struct daemon {
    const worker_options_t *options;
    void *zmq_ctx;
    zap_t *zap;
    pins_t pins;     // of the coordinator, as the key folder has them now
    int64_t pins_ms; // when they are looked at again
    files_t *files;
    executors_t *executors;
    lister_t *lister;
    void *intake; // NULL: it dials, or is stopping
    uint16_t intake_port;
    link_t *control;
    link_t *sink;
    link_t *lane;       // has an address where it dials
    batch_t to_control; // what goes with the end of this round
    batch_t to_sink;
    supervisor_t *machine;
    zmq_pollitem_t *items;
    received_t in;
    int64_t sink_stuck_ms; // since when it takes nothing; 0: it does
    char refused[LIMIT_TEXT];
    int64_t refused_ms;
    bool stopping;
    bool stop_now;
    int64_t stop_ms; // when patience ends
    notify_t notify;
    http_io_t *http; // NULL: no metrics
    int64_t metrics_at_ms;
    int64_t health_at_ms; // when the machine is told next
} daemon_t;

// Does what the machine wants done, a bounded number of things. True when
// anything was done: deadlines may have changed, and more may be left.
bool daemon_carry_out(daemon_t *self);

// fences_io.c
// Confines the process as the options want; `program` is started in it. The
// roots are open, and there is one thread.
MUST_CHECK errcode_t daemon_put_up_fences(
    const daemon_t *self, const char *program, buf_t *why);

// pins_io.c
// What the intake lets in: every key that is taken for the coordinator's.
allowlist_t *daemon_allowed(const daemon_t *self);
// Looks whether the key folder names other keys of the coordinator than it
// did. Returns how long the loop may wait until the next look.
int64_t daemon_look_at_pins(daemon_t *self, int64_t now_ms);

// metrics_io.c
// Begins to serve metrics, where the options want that.
MUST_CHECK errcode_t daemon_metrics_open(daemon_t *self, buf_t *why);
// Tells them, at most once a second.
void daemon_metrics_tell(daemon_t *self, int64_t now_ms);
// How long the loop may wait until they are due.
int64_t daemon_metrics_wait_ms(const daemon_t *self, int64_t now_ms);

#endif
