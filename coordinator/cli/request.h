// SPDX-License-Identifier: Apache-2.0
// request: a query and its sources from a command line to a SUBMIT frame.
// Mistakes are found here, before any connection is made.
#ifndef LOGTALLY_COORDINATOR_CLI_REQUEST_H
#define LOGTALLY_COORDINATOR_CLI_REQUEST_H

#include "common/base/limits.h"
#include "coordinator/cli/command.h"
#include "coordinator/cli/range.h"

typedef struct request_options {
    range_options_t range;
    char *format;
    int64_t deadline_ms; // 0: the coordinator's default
    int64_t shard_bytes; // 0: chosen by the coordinator
    char *verify;        // a share of the shards, as written, or NULL
    bool validate;
} request_options_t;

#define REQUEST_SETTINGS(base)                                                 \
    RANGE_SETTINGS((base) + offsetof(request_options_t, range)),               \
        {.name = "validate",                                                   \
            .kind = SETTING_FLAG,                                              \
            .offset = (base) + offsetof(request_options_t, validate),          \
            .help = "parse every line, also those the filter cannot pass",     \
            .command_line_only = true},                                        \
        {.name = "verify",                                                     \
            .kind = SETTING_TEXT,                                              \
            .offset = (base) + offsetof(request_options_t, verify),            \
            .value = "PERCENT",                                                \
            .help = "count that share twice, on two workers, and compare: 5%", \
            .command_line_only = true},                                        \
        {.name = "format",                                                     \
            .letter = 'f',                                                     \
            .kind = SETTING_TEXT,                                              \
            .offset = (base) + offsetof(request_options_t, format),            \
            .fallback = "auto",                                                \
            .value = "FORMAT",                                                 \
            .help = "a name of `logtally formats`, a log_format, or auto",     \
            .command_line_only = true},                                        \
        {.name = "deadline",                                                   \
            .kind = SETTING_DURATION,                                          \
            .offset = (base) + offsetof(request_options_t, deadline_ms),       \
            .min = 1,                                                          \
            .max = INT64_C(30) * 86400000,                                     \
            .value = "TIME",                                                   \
            .help = "when the job ends, done or not: 30s, 10m, 2h",            \
            .command_line_only = true},                                        \
    {                                                                          \
        .name = "shard-size", .kind = SETTING_SIZE,                            \
        .offset = (base) + offsetof(request_options_t, shard_bytes), .min = 1, \
        .max = INT64_C(1) << 40, .value = "SIZE",                              \
        .help = "bytes of log lent at a time; chosen by itself when left out", \
        .command_line_only = true                                              \
    }

typedef enum {
    REQUEST_FOLLOWED,
    REQUEST_DETACHED,
    REQUEST_PLAN,
} request_kind_t;

// operands: the query, then the sources. EXIT_DONE, or EXIT_USAGE after the
// mistake was printed. The format's name becomes what it stands for.
MUST_CHECK int request_make(const settings_list_t *operands,
    request_options_t *options, request_kind_t kind, buf_t *frame);

#endif
