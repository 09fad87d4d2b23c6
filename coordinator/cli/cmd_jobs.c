// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/cli.h"
#include "coordinator/cli/client_io.h"
#include "coordinator/cli/job_text.h"
#include "coordinator/cli/list.h"
#include "coordinator/cli/terminal.h"
#include "coordinator/cli/text.h"

#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

typedef struct options {
    common_options_t common;
    bool json;
} options_t;

static const setting_t settings[] = {
    {.name = "json",
        .kind = SETTING_FLAG,
        .offset = offsetof(options_t, json),
        .help = "a JSON array of objects",
        .command_line_only = true},
    COMMON_SETTINGS,
};

static const command_t command = {
    .name = "jobs",
    .operands = "",
    .about = "Lists the jobs that the coordinator knows.\n",
    .settings = settings,
    .n_settings = sizeof settings / sizeof *settings,
};

static const table_column_t columns[] = {
    {.head = "JOB", .right = true},
    {.head = "STATE"},
    {.head = "AGE", .right = true},
    {.head = "OWNER"},
    {.head = "DONE", .right = true},
    {.head = "SIZE", .right = true},
    {.head = "QUERY"},
};

typedef struct jobs {
    table_t *table;
    buf_t json;
} jobs_t;

static void
add_row(table_t *table, const lt_JobUpdate *job)
{
    buf_t cell = {0};

    table_number(table, job->job);
    table_text(table, job_state_name(job->state));
    text_duration(job->age_ms, &cell);
    table_buf(table, &cell);
    table_text(table, job->owner);
    buf_printf(&cell, "%u%%", job_percent(job));
    table_buf(table, &cell);
    text_bytes(job->bytes, &cell);
    table_buf(table, &cell);
    table_text(table, job->query);
}

static errcode_t
take_record(void *ctx, rd_t *r)
{
    jobs_t *jobs = ctx;
    lt_JobUpdate job;
    errcode_t rc = record_get(r, lt_JobUpdate_fields, &job);

    if (rc == ERR_OK) {
        add_row(jobs->table, &job);
        job_json(&job, &jobs->json);
    }
    return rc;
}

static errcode_t
take_meta(void *ctx, const frame_t *frame, uint32_t *n, bool *last)
{
    lt_Jobs meta;
    errcode_t rc = frame_meta(frame, lt_Jobs_fields, &meta);

    (void)ctx;
    if (rc == ERR_OK) {
        *n = meta.n;
        *last = meta.last;
    }
    return rc;
}

static int
print_jobs(const options_t *o, jobs_t *jobs)
{
    buf_t text = {0};

    if (o->json) {
        json_close(&jobs->json, ']');
        buf_put_u8(&jobs->json, '\n');
        return print_out(&jobs->json);
    }
    if (table_rows(jobs->table) == 0) {
        fputs("no jobs\n", stderr);
        return EXIT_DONE;
    }
    table_print(jobs->table, terminal_width(STDOUT_FILENO), &text);
    int code = print_out(&text);
    buf_fini(&text);
    return code;
}

static int
jobs_of(options_t *o, buf_t *why)
{
    jobs_t jobs = {.table = table_new(columns, 7)};
    list_t list = {.ask = PROTO_JOBS,
        .answer = PROTO_JOB_LIST,
        .meta = take_meta,
        .record = take_record,
        .ctx = &jobs};

    json_open(&jobs.json, NULL, '[');
    int code = list_fetch(&list, &o->common, why);
    if (code == EXIT_DONE) {
        code = print_jobs(o, &jobs);
    }
    table_destroy(&jobs.table);
    buf_fini(&jobs.json);
    return code;
}

int
cmd_jobs(int argc, char **argv)
{
    options_t o;
    settings_list_t operands;
    buf_t why = {0};
    int code = command_parse(&command, argc, argv, &o, sizeof o, &operands);

    if (code == COMMAND_GOES_ON) {
        code = jobs_of(&o, &why);
    }
    complain(code, &why);
    buf_fini(&why);
    command_done(&command, &o, &operands);
    return code;
}
