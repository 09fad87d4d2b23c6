// SPDX-License-Identifier: Apache-2.0
// A line is put together first and written by one call, so that lines of
// several threads and processes do not mix.
#include "common/base/log.h"

#include "common/base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static log_level_t least_level = LOG_INFO;
static bool to_journal;

void
log_set_level(log_level_t least)
{
    least_level = least;
}

// A program that was started from a unit may have had its standard error
// turned elsewhere since.
void
log_find_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char here[64];
    struct stat st;

    to_journal = false;
    if (stream != NULL && fstat(STDERR_FILENO, &st) == 0) {
        snprintf(here, sizeof here, "%ju:%ju", (uintmax_t)st.st_dev,
            (uintmax_t)st.st_ino);
        to_journal = strcmp(stream, here) == 0;
    }
}

static const char *
priority(log_level_t level)
{
    static const char *const names[] = {"<7>", "<6>", "<4>", "<3>"};

    return to_journal ? names[level] : "";
}

static const char *
level_name(log_level_t level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};

    return names[level];
}

// Bytes from outside may be in a value: only printable ASCII goes through.
static void
put_value(buf_t *line, const char *value)
{
    bool quoted = *value == '\0' || strpbrk(value, " \"=") != NULL;

    buf_put_str(line, quoted ? "\"" : "");
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            buf_put_u8(line, '\\');
        }
        if (*c >= 0x20 && *c < 0x7f) {
            buf_put_u8(line, (uint8_t)*c);
        } else {
            buf_printf(line, "\\x%02x", (uint8_t)*c);
        }
    }
    buf_put_str(line, quoted ? "\"" : "");
}

void
log_event(log_level_t level, const char *event, ...)
{
    buf_t line = {0};
    va_list args;
    const char *key;

    if (level < least_level) {
        return;
    }
    buf_printf(&line, "%s%s %s", priority(level), level_name(level), event);
    va_start(args, event);
    while ((key = va_arg(args, const char *)) != NULL) {
        const char *value = va_arg(args, const char *);
        buf_printf(&line, " %s=", key);
        put_value(&line, value != NULL ? value : "");
    }
    va_end(args);
    buf_put_u8(&line, '\n');
    // A log that cannot be written must not stop the work.
    ssize_t n = write(STDERR_FILENO, line.p, line.len);
    (void)n;
    buf_fini(&line);
}

int
log_allowed(log_limit_t *self, const char *event)
{
    struct timespec t;
    char held_back[32];

    clock_gettime(CLOCK_MONOTONIC, &t);
    if (t.tv_sec != self->second) {
        snprintf(held_back, sizeof held_back, "%lu", self->held_back);
        if (self->held_back > 0) {
            log_event(LOG_WARN, "lines-held-back", "event", event, "count",
                held_back, NULL);
        }
        self->second = t.tv_sec;
        self->passed = 0;
        self->held_back = 0;
    }
    if (self->passed >= self->per_second) {
        self->held_back++;
        return 0;
    }
    self->passed++;
    return 1;
}
