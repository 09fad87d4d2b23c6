// SPDX-License-Identifier: Apache-2.0
// command: what the subcommands that talk to a coordinator share: their
// options, their help, and how they say what went wrong.
#ifndef LOGTALLY_COORDINATOR_CLI_COMMAND_H
#define LOGTALLY_COORDINATOR_CLI_COMMAND_H

#include "common/base/settings.h"

// First member of every command's options.
typedef struct common_options {
    char *coordinator;
    char *keys;
    char *passphrase_file;
    const struct credentials *given; // lent, instead of those in `keys`
    bool help;
} common_options_t;

#define COMMON_SETTINGS                                                        \
    {.name = "coordinator",                                                    \
        .kind = SETTING_TEXT,                                                  \
        .offset = offsetof(common_options_t, coordinator),                     \
        .value = "ADDR",                                                       \
        .help = "where the coordinator is, tcp://HOST:7700",                   \
        .command_line_only = true},                                            \
        {.name = "keys",                                                       \
            .kind = SETTING_TEXT,                                              \
            .offset = offsetof(common_options_t, keys),                        \
            .value = "FOLDER",                                                 \
            .help = "folder with this client's keys",                          \
            .command_line_only = true},                                        \
        {.name = "passphrase-file",                                            \
            .kind = SETTING_TEXT,                                              \
            .offset = offsetof(common_options_t, passphrase_file),             \
            .value = "FILE",                                                   \
            .help = "its first line unseals the key; else the terminal is "    \
                    "asked",                                                   \
            .command_line_only = true},                                        \
    {                                                                          \
        .name = "help", .letter = 'h', .kind = SETTING_FLAG,                   \
        .offset = offsetof(common_options_t, help),                            \
        .help = "print this and exit", .command_line_only = true               \
    }

#define JSON_SETTING(options, what)                                            \
    {                                                                          \
        .name = "json", .kind = SETTING_FLAG,                                  \
        .offset = offsetof(options, json), .help = (what),                     \
        .command_line_only = true                                              \
    }

typedef struct command {
    const char *name;
    const char *operands; // "QUERY SOURCE..."
    const char *about;    // some lines for --help
    const setting_t *settings;
    size_t n_settings;
    size_t min_operands;
    size_t max_operands;
} command_t;

// No exit code: there is none yet.
#define COMMAND_GOES_ON (-1)

// All of a command: parses, runs, says what went wrong, frees. *options is
// zeroed here; its first member is a common_options_t. `run` returns an exit
// code, and puts into *why what it has not printed itself.
typedef int command_run_t(
    void *options, const settings_list_t *operands, buf_t *why);
int command_run(const command_t *command, int argc, char **argv, void *options,
    size_t size, command_run_t *run);

// "error: ..." on standard error; returns code. Nothing when text is empty.
int complain(int code, const buf_t *text);
int complain_text(int code, const char *text);

// Standard output, all of it; EXIT_FAILED with a message when that failed.
int print_out(const buf_t *text);

// "17" to 17; else a complaint and false.
bool job_parse(const char *text, uint64_t *out);

// The candidate that `word` may have been meant for, or NULL.
const char *nearest(const char *word, const char *const *candidates, size_t n);

#endif
