// SPDX-License-Identifier: Apache-2.0
// log: one line per event on standard error: level, event id, key=value.
// Event ids never change ("worker-lost"). Values are quoted when they hold
// spaces; bytes that could harm a terminal are escaped.
#ifndef LOGTALLY_COMMON_BASE_LOG_H
#define LOGTALLY_COMMON_BASE_LOG_H

typedef enum { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR } log_level_t;

void log_set_level(log_level_t least);
// Where standard error is systemd's journal, lines begin with the priority
// that it files them under (sd-daemon(3)). Before there are threads.
void log_find_journal(void);
// Pairs of const char *, ended by NULL: log_event(LOG_WARN, "worker-lost",
// "name", name, "silent_ms", buf, NULL).
void log_event(log_level_t level, const char *event, ...)
    __attribute__((sentinel));

// For lines that a peer can cause: at most `per_second` pass, the rest are
// counted and told once the flood is over. One per call site, static.
typedef struct log_limit {
    int per_second;
    long second;
    int passed;
    unsigned long held_back;
} log_limit_t;
int log_allowed(log_limit_t *self, const char *event);

#endif
