// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/cli.h"
#include "coordinator/cli/follow.h"
#include "coordinator/cli/job_text.h"
#include "coordinator/cli/terminal.h"

#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

typedef struct options {
    common_options_t common;
    int64_t timeout_ms;
    bool quiet;
    char *progress; // as written, or NULL
    bool live;
} options_t;

static const setting_t settings[] = {
    {.name = "timeout",
        .kind = SETTING_DURATION,
        .offset = offsetof(options_t, timeout_ms),
        .min = 1,
        .max = INT64_C(30) * 86400000,
        .value = "TIME",
        .help = "stop waiting after this time, with exit code 124",
        .command_line_only = true},
    {.name = "quiet",
        .letter = 'q',
        .kind = SETTING_FLAG,
        .offset = offsetof(options_t, quiet),
        .help = "no progress and no last line",
        .command_line_only = true},
    PROGRESS_SETTING(offsetof(options_t, progress)),
    LIVE_SETTING(offsetof(options_t, live)),
    COMMON_SETTINGS,
};

static const command_t command = {
    .name = "wait",
    .operands = "JOB",
    .about = "Waits until a job has ended, and ends with the job's exit code "
             "(`logtally submit\n--help` lists them). Ctrl-C ends the waiting, "
             "not the job.\n",
    .settings = settings,
    .n_settings = sizeof settings / sizeof *settings,
    .min_operands = 1,
    .max_operands = 1,
};

static int
told(const options_t *o, const lt_JobUpdate *end)
{
    buf_t text = {0};

    if (!o->quiet) {
        job_end(end, &text);
        fprintf(stderr, "%.*s\n", (int)text.len, (const char *)text.p);
    }
    buf_fini(&text);
    return job_exit(end);
}

static int
wait_for(void *options, const settings_list_t *operands, buf_t *why)
{
    options_t *o = options;
    live_t live = {0};
    follow_t f = {
        .patience_ms = o->timeout_ms,
        .live = o->live ? &live : NULL,
    };

    if (!job_parse(operands->items[0], &f.job) ||
        (o->live && !live_usable(o->progress)) ||
        !progress_parse(o->progress, o->quiet, &f.progress)) {
        return EXIT_USAGE;
    }
    int code = client_open(&o->common, &f.client, why);
    if (code == EXIT_DONE) {
        code = follow_job(&f, why);
    }
    client_close(&f.client);
    live_fini(&live);
    return code == EXIT_DONE ? told(o, &f.last) : code;
}

int
cmd_wait(int argc, char **argv)
{
    options_t o;

    return command_run(&command, argc, argv, &o, sizeof o, wait_for);
}
