// SPDX-License-Identifier: Apache-2.0
// range: what is asked, checked and narrowed by --since and --until, which are
// sugar for a filter by time. The queries that a job gets say the instants;
// nobody else reads this clock.
#ifndef LOGTALLY_COORDINATOR_CLI_RANGE_H
#define LOGTALLY_COORDINATOR_CLI_RANGE_H

#include "common/base/dec.h"
#include "coordinator/cli/command.h"

typedef struct range_options {
    char *since; // as written, or NULL
    char *until;
    char *queries; // file of -q, or NULL
    char *where;   // parts of a query, or NULL
    char *by;
    int64_t top; // 0: not given
} range_options_t;

#define RANGE_SETTINGS(base)                                                   \
    {.name = "queries",                                                        \
        .letter = 'q',                                                         \
        .kind = SETTING_TEXT,                                                  \
        .offset = (base) + offsetof(range_options_t, queries),                 \
        .value = "FILE",                                                       \
        .help = "several queries over the same lines instead of QUERY, one a " \
                "line: NAME: QUERY",                                           \
        .command_line_only = true},                                            \
        {.name = "where",                                                      \
            .letter = 'w',                                                     \
            .kind = SETTING_TEXT,                                              \
            .offset = (base) + offsetof(range_options_t, where),               \
            .value = "FILTER",                                                 \
            .help = "instead of QUERY: count the lines that pass FILTER",      \
            .command_line_only = true},                                        \
        {.name = "by",                                                         \
            .letter = 'b',                                                     \
            .kind = SETTING_TEXT,                                              \
            .offset = (base) + offsetof(range_options_t, by),                  \
            .value = "KEYS",                                                   \
            .help = "instead of QUERY: count by KEYS",                         \
            .command_line_only = true},                                        \
        {.name = "top",                                                        \
            .letter = 'n',                                                     \
            .kind = SETTING_NUMBER,                                            \
            .offset = (base) + offsetof(range_options_t, top),                 \
            .min = 1,                                                          \
            .max = INT64_C(1) << 32,                                           \
            .value = "N",                                                      \
            .help = "with --by: the N most frequent alone",                    \
            .command_line_only = true},                                        \
        WHEN_SETTINGS(base)

// Those of the time alone.
#define WHEN_SETTINGS(base)                                                    \
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

// Checks a text of queries, as of lines in this format, and narrows them; *out
// ends in a NUL. EXIT_DONE, or EXIT_USAGE after the mistake was printed.
MUST_CHECK int range_query(const char *text, const char *format,
    const range_options_t *options, buf_t *out);

// The instant that is written behind an option, in the zone of --tz where none
// is written. EXIT_DONE, or EXIT_USAGE after the mistake was printed.
MUST_CHECK int range_instant(
    const char *option, const char *text, int64_t now, dec_t *out);

#endif
