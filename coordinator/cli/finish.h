// SPDX-License-Identifier: Apache-2.0
// finish: from the end of a job to rows on standard output; what submit,
// wait and result have in common.
#ifndef LOGTALLY_COORDINATOR_CLI_FINISH_H
#define LOGTALLY_COORDINATOR_CLI_FINISH_H

#include "common/result/result.h"
#include "coordinator/cli/client_io.h"

typedef struct finish_options {
    char *tz;     // as written after --tz, or NULL
    char *output; // as written after -o, or NULL
    bool no_header;
    bool allow_partial;
    bool quiet;        // no receipt for a complete result
    char *max_rejects; // a number as written, or NULL
} finish_options_t;

// Rows of settings for them, in a struct that has a finish_options_t at
// `base`.
#define FINISH_SETTINGS(base)                                                  \
    {.name = "tz",                                                             \
        .kind = SETTING_TEXT,                                                  \
        .offset = (base) + offsetof(finish_options_t, tz),                     \
        .value = "ZONE",                                                       \
        .help = "times are read and printed in this zone: Europe/Berlin, "     \
                "local; UTC when left out",                                    \
        .command_line_only = true},                                            \
        {.name = "output",                                                     \
            .letter = 'o',                                                     \
            .kind = SETTING_TEXT,                                              \
            .offset = (base) + offsetof(finish_options_t, output),             \
            .value = "KIND",                                                   \
            .help = "table (default on a terminal), tsv (default in a pipe), " \
                    "csv, json, jsonl, md, html",                              \
            .command_line_only = true},                                        \
        {.name = "no-header",                                                  \
            .kind = SETTING_FLAG,                                              \
            .offset = (base) + offsetof(finish_options_t, no_header),          \
            .help = "tsv and csv without their first line",                    \
            .command_line_only = true},                                        \
        {.name = "max-rejects",                                                \
            .kind = SETTING_TEXT,                                              \
            .offset = (base) + offsetof(finish_options_t, max_rejects),        \
            .value = "N",                                                      \
            .help = "with more rejected lines than N: exit code 4, no rows",   \
            .command_line_only = true},                                        \
        {.name = "allow-partial",                                              \
            .kind = SETTING_FLAG,                                              \
            .offset = (base) + offsetof(finish_options_t, allow_partial),      \
            .help = "print the rows of an incomplete result too (exit code "   \
                    "3 all the same)",                                         \
            .command_line_only = true},                                        \
    {                                                                          \
        .name = "quiet", .kind = SETTING_FLAG,                                 \
        .offset = (base) + offsetof(finish_options_t, quiet),                  \
        .help = "no progress, and no receipt of a complete result",            \
        .command_line_only = true                                              \
    }

// Is -o one of the kinds, --tz a zone, which is set then, and --max-rejects a
// number? To be asked before any work is done; complains.
bool finish_options_valid(const finish_options_t *self);

// Fetches the result of an ended job, chunk by chunk.
MUST_CHECK int finish_fetch(
    client_t *client, uint64_t job, result_t **out, buf_t *why);
// Rows to standard output, receipt to standard error. `code` is what the job
// ended with: it is returned, unless printing fails or something is missing.
// An incomplete result, and one that no line fits, keep their rows unless
// they were allowed.
int finish_print(result_t *result, const finish_options_t *options, int code);
// What follows the end of a job: fetch and print, or say why not. *again
// (NULL: nobody would) asks for the job once more, reading all of the files:
// lines were out of order where parts were left out by their times. Nothing is
// printed then, but that.
MUST_CHECK int finish_job(client_t *client, const lt_JobUpdate *end,
    const finish_options_t *options, bool *again, buf_t *why);
// Whether that is so of a result; says it.
bool finish_wants_all(const result_t *result);

#endif
