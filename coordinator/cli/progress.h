// SPDX-License-Identifier: Apache-2.0
// progress: how a job gets on, on standard error: a line that is drawn over
// and over, and is gone at the end, or objects for a program.
#ifndef LOGTALLY_COORDINATOR_CLI_PROGRESS_H
#define LOGTALLY_COORDINATOR_CLI_PROGRESS_H

#include "coordinator/cli/job_text.h"
#include "coordinator/rate.h"

typedef enum { PROGRESS_NONE, PROGRESS_BAR, PROGRESS_JSON } progress_kind_t;

typedef struct progress {
    progress_kind_t kind;
    rate_t rate; // of the bytes that are read
} progress_t;

// The row of settings for it, where a char * has what was written.
#define PROGRESS_SETTING(place)                                                \
    {                                                                          \
        .name = "progress", .kind = SETTING_TEXT, .offset = (place),           \
        .value = "KIND",                                                       \
        .help = "auto (bar on a terminal, else none), bar, json (objects on "  \
                "standard error), none; default auto",                         \
        .command_line_only = true                                              \
    }

// text: as written after --progress, or NULL: a bar on a terminal, unless
// quiet. False, after complaining: it is no kind.
bool progress_parse(const char *text, bool quiet, progress_t *out);
// Shows it. The line stays until terminal_erase.
void progress_show(progress_t *self, const lt_JobUpdate *job);

// What came of it so far, for the rate; progress_show does it by itself.
void progress_take(progress_t *self, const lt_JobUpdate *job);

// At most `width` columns (0: any), without its end; what finds no room is
// left out whole: "[####......] 42%, 1.2 GB of 4.0 GB, 600 MB/s, 5 s left,
// 3 hosts busy (6 executors), 2 retried, 14 rejected". What is not known is
// not there; of standard input, whose size nobody knows, that is the share.
void progress_line(
    const progress_t *self, const lt_JobUpdate *job, size_t width, buf_t *out);
// The same numbers, one JSON object: that of `status --json`, and
// bytes_per_second and left_seconds as soon as they are known.
void progress_json(const progress_t *self, const lt_JobUpdate *job, buf_t *out);

#endif
