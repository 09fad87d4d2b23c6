// SPDX-License-Identifier: Apache-2.0
// notify: what a daemon tells the service manager that started it, by the
// protocol of sd_notify(3): that it is ready, that it still turns, what it
// is at, that it ends. Where nobody asked to be told (no $NOTIFY_SOCKET)
// nothing is sent. For the one thread of a daemon's loop; never fails, since
// work goes on without it.
#ifndef LOGTALLY_COMMON_SERVICE_NOTIFY_IO_H
#define LOGTALLY_COMMON_SERVICE_NOTIFY_IO_H

#include "common/base/bytes.h"

#define NOTIFY_STATUS 256 // bytes of a status, its end among them

typedef struct notify {
    int64_t watchdog_ms; // killed after so long a silence; 0: never
    int64_t ping_at_ms;
    int64_t extend_at_ms;
    int64_t status_at_ms;
    char status[NOTIFY_STATUS]; // told last
    bool failed;                // that was logged
} notify_t;

void notify_init(notify_t *self);

// Before it is ready, from inside of long work: that goes on, and patience
// begins anew. At most one message a second.
void notify_starting(notify_t *self, const char *what, int64_t now_ms);
void notify_ready(notify_t *self);
// What `systemctl status` shows: a text other than the last, and at most one
// a second.
void notify_status(notify_t *self, span_t text, int64_t now_ms);
// The loop has gone round: waited, read, worked. Nobody else may call this,
// or a loop that stands still looks alive.
void notify_turned(notify_t *self, int64_t now_ms);
// How long the loop may wait at most until it must have gone round.
int64_t notify_wait_ms(const notify_t *self, int64_t now_ms);
// It ends, which may take that long.
void notify_stopping(notify_t *self, int64_t patience_ms);

#endif
