// SPDX-License-Identifier: Apache-2.0
// progress: how a job gets on, on standard error: a line that is drawn over
// and over, and is gone at the end, or objects for a program.
#ifndef LOGTALLY_COORDINATOR_CLI_PROGRESS_H
#define LOGTALLY_COORDINATOR_CLI_PROGRESS_H

#include "coordinator/cli/job_text.h"

typedef enum { PROGRESS_NONE, PROGRESS_BAR, PROGRESS_JSON } progress_t;

// The row of settings for it, where a char * has what was written.
#define PROGRESS_SETTING(place)                                                \
    {                                                                          \
        .name = "progress", .kind = SETTING_TEXT, .offset = (place),           \
        .value = "KIND",                                                       \
        .help = "bar (default on a terminal), json (objects on standard "      \
                "error), none",                                                \
        .command_line_only = true                                              \
    }

// text: as written after --progress, or NULL: a bar on a terminal, unless
// quiet. False, after complaining: it is no kind.
bool progress_parse(const char *text, bool quiet, progress_t *out);
// Shows it. The line stays until terminal_erase.
void progress_show(progress_t kind, const lt_JobUpdate *job);

// At most `width` columns, without its end; what finds no room is left out,
// the least important first: "[####......] 42%, 1.2 GB of 4.0 GB, 600 MB/s,
// 5 s left, 3 hosts busy (6 executors), 2 retried, 14 rejected".
void progress_line(const lt_JobUpdate *job, size_t width, buf_t *out);

#endif
