// SPDX-License-Identifier: Apache-2.0
// live: the rows of a running job as they stand, drawn over and over on the
// whole terminal (standard error), and gone at the end. What is shown always
// says that it is not final, and how much of the bytes it covers.
#ifndef LOGTALLY_COORDINATOR_CLI_LIVE_H
#define LOGTALLY_COORDINATOR_CLI_LIVE_H

#include "common/result/result.h"
#include "common/wire/frame.h"
#include "coordinator/cli/progress.h"

typedef struct live {
    lt_RowsNow meta;  // of the last answer
    result_t *result; // its rows, or NULL
    bool heard;       // there was an answer
    int64_t asked_ms; // an answer is waited for since then; 0: none
    int64_t ask_at_ms;
    buf_t drawn; // the screen as it is
} live_t;

#define LIVE_SETTING(place)                                                    \
    {                                                                          \
        .name = "live", .kind = SETTING_FLAG, .offset = (place),               \
        .help = "show the rows as they stand while the job runs, on a "        \
                "terminal",                                                    \
        .command_line_only = true                                              \
    }

// Can --live be done here? Complains. progress: as written after --progress,
// or NULL.
bool live_usable(const char *progress);

void live_fini(live_t *self);
// Is it time to ask for rows (ROWS with the job's number)? Then it is asked.
bool live_asks(live_t *self, const lt_JobUpdate *job, int64_t now_ms);
// The connection was lost: no answer will come.
void live_lost(live_t *self);
// A ROWS_NOW; one that makes no sense changes nothing.
void live_take(live_t *self, const frame_t *frame, int64_t now_ms);

// The screen as lines, `height` at most and each `width` at most. What does
// not fit is counted in the last line.
void live_screen(const live_t *self, const progress_t *progress,
    const lt_JobUpdate *job, size_t width, size_t height, buf_t *out);
// Draws it, where it is another than what is there. It stays until
// terminal_erase.
void live_show(live_t *self, progress_t *progress, const lt_JobUpdate *job);

// The pieces that `top` shows as well: what the rows cover, without its end,
// and the rows in at most `room` lines.
void live_cover(const live_t *self, buf_t *out);
void live_rows(const live_t *self, size_t width, size_t room, buf_t *out);

#endif
