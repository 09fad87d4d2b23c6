// SPDX-License-Identifier: Apache-2.0
// range: --since and --until, sugar that narrows the query by its time. The
// query that a job gets says the instants; nobody else reads this clock.
#ifndef LOGTALLY_COORDINATOR_CLI_RANGE_H
#define LOGTALLY_COORDINATOR_CLI_RANGE_H

#include "coordinator/cli/command.h"

typedef struct range_options {
    char *since; // as written, or NULL
    char *until;
} range_options_t;

#define RANGE_SETTINGS(base)                                                   \
    {.name = "since",                                                          \
        .kind = SETTING_TEXT,                                                  \
        .offset = (base) + offsetof(range_options_t, since),                   \
        .value = "WHEN",                                                       \
        .help = "only lines from then on: 2023-11-14, 2023-11-14T22:00, "      \
                "yesterday, '2h ago'",                                         \
        .command_line_only = true},                                            \
    {                                                                          \
        .name = "until", .kind = SETTING_TEXT,                                 \
        .offset = (base) + offsetof(range_options_t, until), .value = "WHEN",  \
        .help = "only lines before then", .command_line_only = true            \
    }

// Checks the query, as of lines in this format, and narrows it; *out ends in
// a NUL. EXIT_DONE, or
// EXIT_USAGE after the mistake was printed.
MUST_CHECK int range_query(const char *text, const char *format,
    const range_options_t *options, buf_t *out);

#endif
