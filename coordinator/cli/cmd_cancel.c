// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/cli.h"
#include "coordinator/cli/client_io.h"
#include "coordinator/cli/job_text.h"

#include <stdio.h>

static const setting_t settings[] = {COMMON_SETTINGS};

static const command_t command = {
    .name = "cancel",
    .operands = "JOB",
    .about = "Ends a job; its workers stop at once and nothing of it is kept. "
             "Jobs of others\nare for keys with the role admin.\n",
    .settings = settings,
    .n_settings = sizeof settings / sizeof *settings,
    .min_operands = 1,
    .max_operands = 1,
};

static int
cancel(void *options, const settings_list_t *operands, buf_t *why)
{
    client_t *client = NULL;
    lt_JobUpdate update;
    buf_t text = {0};
    uint64_t job;

    if (!job_parse(operands->items[0], &job)) {
        return EXIT_USAGE;
    }
    int code = client_open(options, &client, why);
    if (code == EXIT_DONE) {
        code = client_ask_job(client, PROTO_CANCEL_JOB, job, &update, why);
    }
    client_close(&client);
    if (code == EXIT_DONE) {
        job_end(&update, &text);
        fprintf(stderr, "%.*s\n", (int)text.len, (const char *)text.p);
    }
    buf_fini(&text);
    return code;
}

int
cmd_cancel(int argc, char **argv)
{
    common_options_t o;

    return command_run(&command, argc, argv, &o, sizeof o, cancel);
}
