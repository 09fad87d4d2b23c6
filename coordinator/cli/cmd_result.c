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
print_result(options_t *o, uint64_t job, buf_t *why)
{
    client_t *client = NULL;
    result_t *result = NULL;
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
    settings_list_t operands;
    uint64_t job;
    buf_t why = {0};
    int code = command_parse(&command, argc, argv, &o, sizeof o, &operands);

    if (code == COMMAND_GOES_ON) {
        bool valid = finish_options_valid(&o.finish) &&
                     job_parse(operands.items[0], &job);
        code = valid ? print_result(&o, job, &why) : EXIT_USAGE;
    }
    complain(code, &why);
    buf_fini(&why);
    command_done(&command, &o, &operands);
    return code;
}
