// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/cli.h"
#include "coordinator/cli/finish.h"
#include "coordinator/cli/follow.h"
#include "coordinator/cli/request.h"
#include "coordinator/cli/terminal.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct options {
    common_options_t common;
    finish_options_t finish;
    request_options_t request;
    bool detach;
    char *progress;  // as written, or NULL
    progress_t show; // what that means
    bool live;
} options_t;

static const setting_t settings[] = {
    REQUEST_SETTINGS(offsetof(options_t, request)),
    FINISH_SETTINGS(offsetof(options_t, finish)),
    {.name = "detach",
        .letter = 'd',
        .kind = SETTING_FLAG,
        .offset = offsetof(options_t, detach),
        .help = "print the job's number and leave it to itself",
        .command_line_only = true},
    PROGRESS_SETTING(offsetof(options_t, progress)),
    LIVE_SETTING(offsetof(options_t, live)),
    COMMON_SETTINGS,
};

static const command_t command = {
    .name = "submit",
    .operands = "QUERY SOURCE...",
    .about =
        "Counts logs on the hosts where they lie and prints the one answer.\n"
        "\n"
        "  logtally submit 'count by status' "
        "'web*:/var/log/nginx/access.log*'\n"
        "  logtally submit '5xx | top 20 path' @eu:/var/log/nginx/access.log\n"
        "  logtally submit 'top ip' 'shared:/mnt/logs/*.gz' -o json\n"
        "\n"
        "A SOURCE is HOST:PATH, @LABEL:PATH or shared:PATH (any worker may "
        "read it);\n"
        "HOST and PATH may hold * and ?, quoted so that the shell leaves them "
        "alone.\n"
        "Ctrl-C cancels the job on the cluster.\n"
        "\n"
        "Exit codes: 0 complete, 1 failed, 2 wrong query or usage, 3 "
        "incomplete, 4 no\n"
        "line fits the format, 5 no connection, 124 deadline, 130 Ctrl-C.\n",
    .settings = settings,
    .n_settings = sizeof settings / sizeof *settings,
    .min_operands = 1,
    .max_operands = LIMIT_SOURCES + 1,
};

static int
print_job(uint64_t job)
{
    buf_t text = {0};

    buf_printf(&text, "%llu\n", (unsigned long long)job);
    int code = print_out(&text);
    buf_fini(&text);
    return code;
}

static int
follow(
    client_t *client, const options_t *o, span_t frame, bool *again, buf_t *why)
{
    live_t live = {0};
    follow_t f = {
        .client = client,
        .live = o->live ? &live : NULL,
        .submit = frame,
        .detach = o->detach,
        .progress = o->detach ? (progress_t){0} : o->show,
        .cancel = true,
        .deadline_ms = o->request.deadline_ms,
    };
    int code = follow_job(&f, why);

    live_fini(&live);
    if (code != EXIT_DONE) {
        return code;
    }
    return o->detach ? print_job(f.job)
                     : finish_job(client, &f.last, &o->finish,
                           o->request.validate ? NULL : again, why);
}

// The job, and once more where the first time leaves a doubt.
static int
ask(client_t *client, options_t *o, const settings_list_t *operands,
    buf_t *frame, buf_t *why)
{
    bool again = false;
    int code = follow(client, o, buf_span(frame), &again, why);

    if (again) {
        o->request.validate = true;
        buf_clear(frame);
        code = request_make(operands, &o->request, REQUEST_FOLLOWED, frame);
        if (code == EXIT_DONE) {
            code = follow(client, o, buf_span(frame), &again, why);
        }
    }
    return code;
}

static bool
live_fits(const options_t *o)
{
    if (o->live && o->detach) {
        complain_text(EXIT_USAGE, "--detach leaves the job to itself, --live "
                                  "watches it: it can only be one of them");
        return false;
    }
    return !o->live || live_usable(o->progress);
}

static int
submit(void *options, const settings_list_t *operands, buf_t *why)
{
    options_t *o = options;
    client_t *client = NULL;
    buf_t frame = {0};
    int code = EXIT_USAGE;

    if (finish_options_valid(&o->finish) && live_fits(o) &&
        progress_parse(o->progress, o->finish.quiet, &o->show)) {
        code = request_make(operands, &o->request,
            o->detach ? REQUEST_DETACHED : REQUEST_FOLLOWED, &frame);
    }
    if (code == EXIT_DONE) {
        code = client_open(&o->common, &client, why);
    }
    if (code == EXIT_DONE) {
        code = ask(client, o, operands, &frame, why);
    }
    client_close(&client);
    buf_fini(&frame);
    return code;
}

int
cmd_submit(int argc, char **argv)
{
    options_t o;

    return command_run(&command, argc, argv, &o, sizeof o, submit);
}
