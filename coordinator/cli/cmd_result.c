// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/cli.h"
#include "coordinator/cli/finish.h"

#include <stddef.h>

typedef struct options {
    common_options_t common;
    finish_options_t finish;
} options_t;

static const setting_t settings[] = {
    FINISH_SETTINGS(offsetof(options_t, finish)),
    COMMON_SETTINGS,
};

static const command_t command = {
    .name = "result",
    .operands = "JOB",
    .about = "Prints the result of a job that has ended. Results are kept by "
             "the coordinator,\nalso over its restarts, until newer ones take "
             "their room.\n",
    .settings = settings,
    .n_settings = sizeof settings / sizeof *settings,
    .min_operands = 1,
    .max_operands = 1,
};

static int
print_result(void *options, const settings_list_t *operands, buf_t *why)
{
    options_t *o = options;
    client_t *client = NULL;
    result_t *result = NULL;
    uint64_t job;

    if (!finish_options_valid(&o->finish) ||
        !job_parse(operands->items[0], &job)) {
        return EXIT_USAGE;
    }
    int code = client_open(&o->common, &client, why);
    if (code == EXIT_DONE) {
        code = finish_fetch(client, job, &result, why);
    }
    client_close(&client);
    if (code == EXIT_DONE) {
        code = finish_print(result, &o->finish, EXIT_DONE);
    }
    result_destroy(&result);
    return code;
}

int
cmd_result(int argc, char **argv)
{
    options_t o;

    return command_run(&command, argc, argv, &o, sizeof o, print_result);
}
