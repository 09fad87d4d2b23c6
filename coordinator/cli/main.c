// SPDX-License-Identifier: Apache-2.0
#include "common/base/private.h"
#include "coordinator/cli/cli.h"
#include "coordinator/cli/command.h"

#include <stdio.h>
#include <string.h>

typedef struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} subcommand_t;

static const subcommand_t subcommands[] = {
    {"run", cmd_run, "count files of this machine, here and now"},
    {"report", cmd_report, "say what is in access logs, in one pass"},
    {"submit", cmd_submit, "count logs on a cluster's hosts"},
    {"plan", cmd_plan, "show what submit would read"},
    {"jobs", cmd_jobs, "list jobs"},
    {"status", cmd_status, "show how a job gets on"},
    {"wait", cmd_wait, "wait for a job to end"},
    {"result", cmd_result, "print a job's result"},
    {"cancel", cmd_cancel, "end a job"},
    {"workers", cmd_workers, "list workers"},
    {"top", cmd_top, "show a cluster on a terminal: workers, jobs, events"},
    {"doctor", cmd_doctor, "say what is wrong here, and what mends it"},
    {"formats", cmd_formats, "list formats, and try them on a file"},
    {"keys", cmd_keys, "make, list and revoke keys"},
    {"audit", cmd_audit, "check the record of who did what"},
};
#define N_SUBCOMMANDS (sizeof subcommands / sizeof *subcommands)

static void
put_usage(buf_t *out)
{
    buf_put_str(out,
        "usage: logtally COMMAND [ARGUMENTS]\n"
        "\n"
        "Counts access logs where they lie and gives one exact answer.\n"
        "\n"
        "  logtally run 'count by status' /var/log/nginx/access.log*\n"
        "  logtally submit '5xx | top 20 path' "
        "'web*:/var/log/nginx/access.log*'\n"
        "\n"
        "Commands:\n");
    for (size_t i = 0; i < N_SUBCOMMANDS; i++) {
        buf_printf(
            out, "  %-8s  %s\n", subcommands[i].name, subcommands[i].help);
    }
    buf_put_str(out,
        "\n"
        "`logtally COMMAND --help` says more about a command, `logtally "
        "--version` which\n"
        "release this is.\n");
}

static int
usage(FILE *to, int code)
{
    buf_t text = {0};

    put_usage(&text);
    fwrite(text.p, 1, text.len, to);
    buf_fini(&text);
    return code;
}

static int
unknown(const char *word)
{
    const char *names[N_SUBCOMMANDS];

    for (size_t i = 0; i < N_SUBCOMMANDS; i++) {
        names[i] = subcommands[i].name;
    }
    const char *guess = nearest(word, names, N_SUBCOMMANDS);
    fprintf(stderr, "error: unknown command '%.60s'", word);
    if (guess != NULL) {
        fprintf(stderr, "; did you mean '%s'?\n", guess);
    } else {
        fputs("; `logtally --help` lists the commands\n", stderr);
    }
    return EXIT_USAGE;
}

static const subcommand_t *
find(const char *name)
{
    for (size_t i = 0; i < N_SUBCOMMANDS; i++) {
        if (strcmp(subcommands[i].name, name) == 0) {
            return &subcommands[i];
        }
    }
    return NULL;
}

static int
help_of(const char *name)
{
    char help[] = "--help";
    char word[32];
    const subcommand_t *found = find(name);

    if (found == NULL) {
        return unknown(name);
    }
    snprintf(word, sizeof word, "%s", name);
    char *argv[] = {word, help, NULL};
    return found->run(2, argv);
}

int
main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;

    private_or_die("logtally");
    if (word == NULL) {
        return usage(stderr, EXIT_USAGE);
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        puts("logtally " LOGTALLY_VERSION);
        return EXIT_DONE;
    }
    if (strcmp(word, "help") == 0 && argc > 2) {
        return help_of(argv[2]);
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
        strcmp(word, "help") == 0) {
        return usage(stdout, EXIT_DONE);
    }
    const subcommand_t *found = find(word);
    return found != NULL ? found->run(argc - 1, argv + 1) : unknown(word);
}
