// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/cli.h"
#include "coordinator/cli/client_io.h"
#include "coordinator/cli/job_text.h"

#include <stddef.h>

typedef struct options {
    common_options_t common;
    bool json;
} options_t;

static const setting_t settings[] = {
    JSON_SETTING(options_t, "one JSON object"),
    COMMON_SETTINGS,
};

static const command_t command = {
    .name = "status",
    .operands = "JOB",
    .about = "Tells how a job gets on, or how it ended.\n",
    .settings = settings,
    .n_settings = sizeof settings / sizeof *settings,
    .min_operands = 1,
    .max_operands = 1,
};

static int
print_status(const options_t *o, const lt_JobUpdate *job)
{
    buf_t text = {0};

    if (o->json) {
        job_json(job, &text);
        buf_put_u8(&text, '\n');
    } else {
        job_details(job, &text);
    }
    int code = print_out(&text);
    buf_fini(&text);
    return code;
}

static int
status(void *options, const settings_list_t *operands, buf_t *why)
{
    options_t *o = options;
    client_t *client = NULL;
    lt_JobUpdate update;
    uint64_t job;

    if (!job_parse(operands->items[0], &job)) {
        return EXIT_USAGE;
    }
    int code = client_open(&o->common, &client, why);
    if (code == EXIT_DONE) {
        code = client_ask_job(client, PROTO_STATUS, job, &update, why);
    }
    client_close(&client);
    return code == EXIT_DONE ? print_status(o, &update) : code;
}

int
cmd_status(int argc, char **argv)
{
    options_t o;

    return command_run(&command, argc, argv, &o, sizeof o, status);
}
