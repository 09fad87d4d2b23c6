// SPDX-License-Identifier: Apache-2.0
// here: a job of this machine alone, from options to rows on standard output;
// what run and report have in common.
#ifndef LOGTALLY_COORDINATOR_CLI_HERE_H
#define LOGTALLY_COORDINATOR_CLI_HERE_H

#include "coordinator/cli/finish.h"
#include "coordinator/cli/live.h"

typedef struct here_options {
    char *format;
    int64_t jobs;
    int64_t shard_bytes;
    int64_t memory;
    bool validate;
    bool allow_weak;
    char *progress; // as written, or NULL
    bool live;
    const char *note; // for the receipt, or NULL
} here_options_t;

// Rows of settings for them, in a struct that has a here_options_t at `base`.
#define HERE_SETTINGS(base)                                                    \
    {.name = "format",                                                         \
        .letter = 'f',                                                         \
        .kind = SETTING_TEXT,                                                  \
        .offset = (base) + offsetof(here_options_t, format),                   \
        .fallback = "auto",                                                    \
        .value = "FORMAT",                                                     \
        .help = "a name of `logtally formats`, a log_format, or auto",         \
        .command_line_only = true},                                            \
        {.name = "jobs",                                                       \
            .letter = 'j',                                                     \
            .kind = SETTING_NUMBER,                                            \
            .offset = (base) + offsetof(here_options_t, jobs),                 \
            .min = 1,                                                          \
            .max = LIMIT_EXECUTORS,                                            \
            .value = "N",                                                      \
            .help = "executors at once; one per processor when left out",      \
            .command_line_only = true},                                        \
        {.name = "validate",                                                   \
            .kind = SETTING_FLAG,                                              \
            .offset = (base) + offsetof(here_options_t, validate),             \
            .help = "parse every line, also those the filter cannot pass",     \
            .command_line_only = true},                                        \
        PROGRESS_SETTING((base) + offsetof(here_options_t, progress)),         \
        LIVE_SETTING((base) + offsetof(here_options_t, live)),                 \
        {.name = "memory",                                                     \
            .kind = SETTING_SIZE,                                              \
            .offset = (base) + offsetof(here_options_t, memory),               \
            .fallback = "4GiB",                                                \
            .min = 1 << 20,                                                    \
            .max = INT64_C(1) << 42,                                           \
            .value = "SIZE",                                                   \
            .help = "most that a table of groups may take",                    \
            .command_line_only = true},                                        \
        {.name = "shard-size",                                                 \
            .kind = SETTING_SIZE,                                              \
            .offset = (base) + offsetof(here_options_t, shard_bytes),          \
            .min = 1,                                                          \
            .max = INT64_C(1) << 40,                                           \
            .value = "SIZE",                                                   \
            .help = "bytes counted at a time; chosen by itself when left out", \
            .command_line_only = true},                                        \
        {.name = "allow-weak-sandbox",                                         \
            .kind = SETTING_FLAG,                                              \
            .offset = (base) + offsetof(here_options_t, allow_weak),           \
            .help = "count also where this kernel lacks a fence around "       \
                    "executors",                                               \
            .command_line_only = true},                                        \
    {                                                                          \
        .name = "help", .letter = 'h', .kind = SETTING_FLAG,                   \
        .offset = offsetof(common_options_t, help),                            \
        .help = "print this and exit", .command_line_only = true               \
    }

// The files, counted; the rows are printed. An exit code.
MUST_CHECK int here_run(here_options_t *self, const finish_options_t *finish,
    const char *query, const settings_list_t *files, buf_t *why);
// What the queries mean, printed instead. An exit code.
MUST_CHECK int here_explain(const char *query);

#endif
