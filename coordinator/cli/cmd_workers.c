// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/cli.h"
#include "coordinator/cli/listing.h"

static const setting_t settings[] = {LISTING_SETTINGS};

static const command_t command = {
    .name = "workers",
    .operands = "",
    .about = "Lists the workers: those that are up, and those that were lost "
             "since the\ncoordinator started.\n",
    .settings = settings,
    .n_settings = sizeof settings / sizeof *settings,
};

static const table_column_t columns[] = {
    {.head = "WORKER"},
    {.head = "STATE"},
    {.head = "CORES", .right = true},
    {.head = "SHARDS", .right = true},
    {.head = "HEARD", .right = true},
    {.head = "ADDRESS"},
    {.head = "TRANSPORT"},
    {.head = "SOFTWARE"},
    {.head = "SANDBOX"},
    {.head = "LABELS"},
};

static void
add_row(table_t *table, const lt_WorkerInfo *w)
{
    buf_t cell = {0};

    table_text(table, w->name);
    table_text(table, w->state);
    table_number(table, w->executors);
    table_number(table, w->held);
    text_duration(w->last_heard_ms, &cell);
    buf_put_str(&cell, " ago");
    table_buf(table, &cell);
    table_text(table, w->address);
    table_text(table, w->transport[0] == '\0' ? "-" : w->transport);
    table_text(table, w->software);
    table_text(table, w->sandbox[0] == '\0' ? "-" : w->sandbox);
    table_text(table, w->labels);
}

static void
add_json(buf_t *json, const lt_WorkerInfo *w)
{
    json_open(json, NULL, '{');
    json_text(json, "name", w->name);
    json_text(json, "state", w->state);
    json_number(json, "executors", w->executors);
    json_number(json, "held", w->held);
    json_number(json, "last_heard_ms", w->last_heard_ms);
    json_number(json, "bytes_a_second", w->bytes_a_second);
    json_number(json, "bytes_read", w->bytes_read);
    json_text(json, "address", w->address);
    json_text(json, "transport", w->transport);
    json_text(json, "software", w->software);
    json_text(json, "sandbox", w->sandbox);
    json_text(json, "labels", w->labels);
    json_text(json, "key", w->key);
    json_text(json, "intake", w->intake);
    if (w->clock_told) {
        json_signed(json, "clock_ms", w->clock_ms);
    }
    json_number(json, "open_files", w->open_files);
    json_text(json, "trouble", w->trouble);
    json_close(json, '}');
}

static errcode_t
take_record(void *ctx, rd_t *r)
{
    listing_out_t *out = ctx;
    lt_WorkerInfo w;
    errcode_t rc = record_get(r, lt_WorkerInfo_fields, &w);

    if (rc == ERR_OK) {
        add_row(out->table, &w);
        add_json(&out->json, &w);
    }
    return rc;
}

static const listing_t listing = {
    .ask = PROTO_WORKERS,
    .answer = PROTO_WORKER_LIST,
    .record = take_record,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .empty = "no worker has registered yet",
};

static int
print_workers(void *options, const settings_list_t *operands, buf_t *why)
{
    (void)operands;
    return listing_print(&listing, options, why);
}

int
cmd_workers(int argc, char **argv)
{
    listing_options_t o;

    return command_run(&command, argc, argv, &o, sizeof o, print_workers);
}
