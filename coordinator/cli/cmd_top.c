// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/cli.h"
#include "coordinator/cli/top_io.h"

#include <stddef.h>

typedef struct options {
    common_options_t common;
    int64_t interval_ms;
    bool once;
} options_t;

static const setting_t settings[] = {
    {.name = "interval",
        .letter = 'i',
        .kind = SETTING_DURATION,
        .offset = offsetof(options_t, interval_ms),
        .fallback = "1s",
        .min = 200,
        .max = 3600 * 1000,
        .value = "TIME",
        .help = "ask so often; default 1s",
        .command_line_only = true},
    {.name = "once",
        .kind = SETTING_FLAG,
        .offset = offsetof(options_t, once),
        .help = "print one screen as text and end; its size is that of "
                "$COLUMNS and $LINES, of the terminal, or 80 by 24",
        .command_line_only = true},
    COMMON_SETTINGS,
};

static const command_t command = {
    .name = "top",
    .operands = "",
    .about = "Shows a cluster on a terminal: workers, jobs and what happened "
             "lately. A job can\nbe opened, to see its rows as they stand, and "
             "cancelled; ? lists the keys.\n",
    .settings = settings,
    .n_settings = sizeof settings / sizeof *settings,
};

static int
show(void *options, const settings_list_t *operands, buf_t *why)
{
    options_t *o = options;
    client_t *client = NULL;

    (void)operands;
    if (!o->once && !top_io_usable()) {
        return EXIT_USAGE;
    }
    int code = client_open(&o->common, &client, why);
    if (code == EXIT_DONE) {
        code = o->once ? top_io_once(client, why)
                       : top_io_run(client, o->interval_ms, why);
    }
    client_close(&client);
    return code;
}

int
cmd_top(int argc, char **argv)
{
    options_t o;

    return command_run(&command, argc, argv, &o, sizeof o, show);
}
