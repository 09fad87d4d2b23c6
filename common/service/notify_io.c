// SPDX-License-Identifier: Apache-2.0
// libsystemd does the talking: the library is in the process anyway, since
// czmq links it, and knows every form of $NOTIFY_SOCKET.
#include "common/service/notify_io.h"

#include "common/base/log.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define PINGS       3 // in the time that the manager waits for one
#define EXTEND_MS   1000
#define STATUS_MS   1000
#define PATIENCE_MS 60000 // asked for while it starts

static void
tell(notify_t *self, const char *message)
{
    int rc = sd_notify(0, message);

    if (rc < 0 && !self->failed) {
        self->failed = true;
        log_event(LOG_WARN, "notify-failed", "error", strerror(-rc), NULL);
    }
}

void
notify_init(notify_t *self)
{
    uint64_t usec = 0;

    *self = (notify_t){0};
    if (sd_watchdog_enabled(0, &usec) > 0) {
        self->watchdog_ms = (int64_t)(usec / 1000);
    }
}

void
notify_starting(notify_t *self, const char *what, int64_t now_ms)
{
    char message[NOTIFY_STATUS + 64];

    if (now_ms < self->extend_at_ms) {
        return;
    }
    self->extend_at_ms = now_ms + EXTEND_MS;
    snprintf(message, sizeof message, "EXTEND_TIMEOUT_USEC=%lld\nSTATUS=%.*s",
        PATIENCE_MS * 1000LL, NOTIFY_STATUS - 1, what);
    tell(self, message);
}

void
notify_ready(notify_t *self)
{
    tell(self, "READY=1");
}

// A line feed would end the status and begin another assignment.
void
notify_status(notify_t *self, span_t text, int64_t now_ms)
{
    char message[NOTIFY_STATUS + 8];
    char status[NOTIFY_STATUS];

    snprintf(status, sizeof status, "%.*s",
        (int)(text.len < NOTIFY_STATUS ? text.len : NOTIFY_STATUS - 1),
        text.len > 0 ? (const char *)text.p : "");
    for (char *c = status; *c != '\0'; c++) {
        *c = *c >= 0x20 && *c < 0x7f ? *c : '?';
    }
    if (now_ms >= self->status_at_ms && strcmp(status, self->status) != 0) {
        self->status_at_ms = now_ms + STATUS_MS;
        memcpy(self->status, status, sizeof status);
        snprintf(message, sizeof message, "STATUS=%s", status);
        tell(self, message);
    }
}

void
notify_turned(notify_t *self, int64_t now_ms)
{
    if (self->watchdog_ms > 0 && now_ms >= self->ping_at_ms) {
        self->ping_at_ms = now_ms + self->watchdog_ms / PINGS;
        tell(self, "WATCHDOG=1");
    }
}

int64_t
notify_wait_ms(const notify_t *self, int64_t now_ms)
{
    if (self->watchdog_ms == 0) {
        return INT64_MAX;
    }
    return self->ping_at_ms > now_ms ? self->ping_at_ms - now_ms : 0;
}

void
notify_stopping(notify_t *self, int64_t patience_ms)
{
    char message[80];

    snprintf(message, sizeof message, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld",
        (long long)(patience_ms + PATIENCE_MS) * 1000);
    tell(self, message);
}
