// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/here.h"

#include "common/base/log.h"
#include "common/query/queries.h"
#include "coordinator/cli/local_io.h"
#include "coordinator/cli/terminal.h"

#include <unistd.h>

typedef struct shown {
    progress_t progress;
    live_t *live; // or NULL
} shown_t;

static void
show(void *ctx, const lt_JobUpdate *update)
{
    shown_t *shown = ctx;

    if (shown->live != NULL) {
        live_show(shown->live, &shown->progress, update);
    } else {
        progress_show(&shown->progress, update);
    }
}

int
here_run(here_options_t *o, const finish_options_t *finish, const char *query,
    const settings_list_t *files, buf_t *why)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    live_t live = {0};
    shown_t shown = {.live = o->live ? &live : NULL};
    local_options_t local = {.query = query,
        .format = o->format,
        .files = (const char *const *)files->items,
        .n_files = files->n,
        .executors = o->jobs > 0      ? (uint32_t)o->jobs
                     : processors > 0 ? (uint32_t)processors
                                      : 1,
        .shard_bytes = (uint64_t)o->shard_bytes,
        .validate = o->validate,
        .allow_weak_sandbox = o->allow_weak,
        .memory = (size_t)o->memory,
        .live = shown.live,
        .ctx = &shown};
    local_answer_t answer;

    if ((o->live && !live_usable(o->progress)) ||
        !progress_parse(o->progress, finish->quiet, &shown.progress)) {
        return EXIT_USAGE;
    }
    bool shows = o->live || shown.progress.kind != PROGRESS_NONE;
    local.progress = shows ? show : NULL;
    log_set_level(LOG_ERROR); // events are for daemons
    errcode_t rc = local_run(&local, &answer, why);
    terminal_erase();
    live_fini(&live);
    if (rc != ERR_OK) {
        return EXIT_FAILED;
    }
    if (answer.result != NULL && !o->validate &&
        finish_wants_all(answer.result)) {
        result_destroy(&answer.result);
        o->validate = true;
        return here_run(o, finish, query, files, why);
    }
    int code = (int)answer.exit;
    if (answer.result != NULL) {
        if (o->note != NULL) {
            receipt_add_note(&answer.result->receipt, o->note);
        }
        code = finish_print(answer.result, finish, code);
    } else {
        buf_put_str(why, answer.text);
    }
    result_destroy(&answer.result);
    return code;
}

int
here_explain(const char *text)
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
