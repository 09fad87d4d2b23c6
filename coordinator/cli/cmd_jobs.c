// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/cli.h"
#include "coordinator/cli/job_text.h"
#include "coordinator/cli/listing.h"

static const setting_t settings[] = {LISTING_SETTINGS};

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
    listing_out_t *out = ctx;
    lt_JobUpdate job;
    errcode_t rc = record_get(r, lt_JobUpdate_fields, &job);

    if (rc == ERR_OK) {
        add_row(out->table, &job);
        job_json(&job, &out->json);
    }
    return rc;
}

static const listing_t listing = {
    .ask = PROTO_JOBS,
    .answer = PROTO_JOB_LIST,
    .record = take_record,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .empty = "no jobs",
};

static int
print_jobs(void *options, const settings_list_t *operands, buf_t *why)
{
    (void)operands;
    return listing_print(&listing, options, why);
}

int
cmd_jobs(int argc, char **argv)
{
    listing_options_t o;

    return command_run(&command, argc, argv, &o, sizeof o, print_jobs);
}
