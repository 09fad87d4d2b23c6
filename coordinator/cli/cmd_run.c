// SPDX-License-Identifier: Apache-2.0
#include "common/base/log.h"
#include "common/query/queries.h"
#include "common/result/output.h"
#include "coordinator/cli/asked_io.h"
#include "coordinator/cli/cli.h"
#include "coordinator/cli/finish.h"
#include "coordinator/cli/format_option.h"
#include "coordinator/cli/local_io.h"
#include "coordinator/cli/names.h"
#include "coordinator/cli/progress.h"
#include "coordinator/cli/range.h"
#include "coordinator/cli/terminal.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct options {
    common_options_t common;
    finish_options_t finish;
    range_options_t range;
    char *format;
    int64_t jobs;
    int64_t shard_bytes;
    int64_t memory;
    bool explain;
    bool validate;
    char *progress;  // as written, or NULL
    progress_t show; // what that means
    bool allow_weak;
} options_t;

static const setting_t settings[] = {
    {.name = "format",
        .letter = 'f',
        .kind = SETTING_TEXT,
        .offset = offsetof(options_t, format),
        .fallback = "auto",
        .value = "FORMAT",
        .help = "a name of `logtally formats`, a log_format, or auto",
        .command_line_only = true},
    {.name = "jobs",
        .letter = 'j',
        .kind = SETTING_NUMBER,
        .offset = offsetof(options_t, jobs),
        .min = 1,
        .max = LIMIT_EXECUTORS,
        .value = "N",
        .help = "executors at once; one per processor when left out",
        .command_line_only = true},
    RANGE_SETTINGS(offsetof(options_t, range)),
    FINISH_SETTINGS(offsetof(options_t, finish)),
    {.name = "explain",
        .kind = SETTING_FLAG,
        .offset = offsetof(options_t, explain),
        .help = "print what the query means and read nothing",
        .command_line_only = true},
    {.name = "validate",
        .kind = SETTING_FLAG,
        .offset = offsetof(options_t, validate),
        .help = "parse every line, also those the filter cannot pass",
        .command_line_only = true},
    PROGRESS_SETTING(offsetof(options_t, progress)),
    {.name = "memory",
        .kind = SETTING_SIZE,
        .offset = offsetof(options_t, memory),
        .fallback = "4GiB",
        .min = 1 << 20,
        .max = INT64_C(1) << 42,
        .value = "SIZE",
        .help = "most that a table of groups may take",
        .command_line_only = true},
    {.name = "shard-size",
        .kind = SETTING_SIZE,
        .offset = offsetof(options_t, shard_bytes),
        .min = 1,
        .max = INT64_C(1) << 40,
        .value = "SIZE",
        .help = "bytes counted at a time; chosen by itself when left out",
        .command_line_only = true},
    {.name = "allow-weak-sandbox",
        .kind = SETTING_FLAG,
        .offset = offsetof(options_t, allow_weak),
        .help = "count also where this kernel lacks a fence around executors",
        .command_line_only = true},
    {.name = "help",
        .letter = 'h',
        .kind = SETTING_FLAG,
        .offset =
            offsetof(options_t, common) + offsetof(common_options_t, help),
        .help = "print this and exit",
        .command_line_only = true},
};

static const command_t command = {
    .name = "run",
    .operands = "QUERY FILE...|-",
    .about = "Counts logs here and now, with nothing set up.\n"
             "\n"
             "  logtally run 'count by status' /var/log/nginx/access.log*\n"
             "  logtally run '5xx | top 20 path' access.log.gz -o json\n"
             "  zcat old.gz | logtally run 'top ip' -\n"
             "  logtally run -q daily.ltq /var/log/nginx/access.log.1\n"
             "\n"
             "Exit codes: 0 complete, 1 failed, 2 wrong query or usage, 3 "
             "incomplete, 4 no\n"
             "line fits the format, 130 Ctrl-C.\n",
    .settings = settings,
    .n_settings = sizeof settings / sizeof *settings,
    .min_operands = 0,
    .max_operands = LIMIT_SOURCES + 1,
};

static int
explain(const char *text)
{
    query_error_t error;
    queries_t *queries;
    buf_t out = {0};
    int code = EXIT_FAILED; // it was checked

    if (queries_parse(text, &queries, &error) == ERR_OK) {
        for (size_t i = 0; i < queries->n; i++) {
            const named_query_t *q = &queries->list[i];
            if (q->name != NULL) {
                buf_printf(&out, "%s%s:\n", i > 0 ? "\n" : "", q->name);
            }
            query_explain(q->query, &out);
        }
        code = print_out(&out);
    }
    queries_destroy(&queries);
    buf_fini(&out);
    return code;
}

static void
show(void *ctx, const lt_JobUpdate *update)
{
    const options_t *o = ctx;

    progress_show(o->show, update);
}

static int
run(options_t *o, const char *query, const settings_list_t *operands,
    buf_t *why)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    local_options_t local = {.query = query,
        .format = o->format,
        .files = (const char *const *)operands->items + 1,
        .n_files = operands->n - 1,
        .executors = o->jobs > 0      ? (uint32_t)o->jobs
                     : processors > 0 ? (uint32_t)processors
                                      : 1,
        .shard_bytes = (uint64_t)o->shard_bytes,
        .validate = o->validate,
        .allow_weak_sandbox = o->allow_weak,
        .memory = (size_t)o->memory,
        .progress = o->show != PROGRESS_NONE ? show : NULL,
        .ctx = o};
    local_answer_t answer;

    log_set_level(LOG_ERROR); // events are for daemons
    if (local_run(&local, &answer, why) != ERR_OK) {
        return EXIT_FAILED;
    }
    terminal_erase();
    if (answer.result != NULL && !o->validate &&
        finish_wants_all(answer.result)) {
        result_destroy(&answer.result);
        o->validate = true;
        return run(o, query, operands, why);
    }
    int code = (int)answer.exit;
    if (answer.result != NULL) {
        code = finish_print(answer.result, &o->finish, code);
    } else {
        buf_put_str(why, answer.text);
    }
    result_destroy(&answer.result);
    return code;
}

// `auto` may find names in the first file.
static int
check_query(options_t *o, const settings_list_t *operands, buf_t *query)
{
    const char *text = operands->items[0];
    int code = format_option(&o->format);

    if (code != EXIT_DONE) {
        return code;
    }
    bool look = strcmp(o->format, "auto") == 0 && operands->n > 1;
    return range_query(text,
        look ? names_look(text, operands->items[1]) : o->format, &o->range,
        query);
}

static int
start(void *options, const settings_list_t *operands, buf_t *why)
{
    options_t *o = options;
    asked_t asked = {0};
    buf_t query = {0};
    int code = EXIT_USAGE;

    // The query is checked before anything is started.
    if (finish_options_valid(&o->finish) &&
        progress_parse(o->progress, o->finish.quiet, &o->show)) {
        code = asked_open(&o->range, operands, &asked);
        operands = &asked.operands;
    }
    if (code == EXIT_DONE) {
        code = check_query(o, operands, &query);
    }
    if (code == EXIT_DONE && o->explain) {
        code = explain((const char *)query.p);
    } else if (code == EXIT_DONE && operands->n < 2) {
        code = complain_text(
            EXIT_USAGE, "no file is named; FILE..., or - for standard input");
    } else if (code == EXIT_DONE) {
        code = run(o, (const char *)query.p, operands, why);
    }
    buf_fini(&query);
    asked_close(&asked);
    return code;
}

int
cmd_run(int argc, char **argv)
{
    options_t o;

    return command_run(&command, argc, argv, &o, sizeof o, start);
}
