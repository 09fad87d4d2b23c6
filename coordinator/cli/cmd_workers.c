// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/cli.h"
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
    {.head = "SOFTWARE"},
    {.head = "SANDBOX"},
    {.head = "LABELS"},
};

typedef struct workers {
    table_t *table;
    buf_t json;
} workers_t;

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
    json_text(json, "address", w->address);
    json_text(json, "software", w->software);
    json_text(json, "sandbox", w->sandbox);
    json_text(json, "labels", w->labels);
    json_close(json, '}');
}

static errcode_t
take_record(void *ctx, rd_t *r)
{
    workers_t *workers = ctx;
    lt_WorkerInfo w;
    errcode_t rc = record_get(r, lt_WorkerInfo_fields, &w);

    if (rc == ERR_OK) {
        add_row(workers->table, &w);
        add_json(&workers->json, &w);
    }
    return rc;
}

static errcode_t
take_meta(void *ctx, const frame_t *frame, uint32_t *n, bool *last)
{
    lt_Workers meta;
    errcode_t rc = frame_meta(frame, lt_Workers_fields, &meta);

    (void)ctx;
    if (rc == ERR_OK) {
        *n = meta.n;
        *last = meta.last;
    }
    return rc;
}

static int
print_workers(const options_t *o, workers_t *workers)
{
    buf_t text = {0};

    if (o->json) {
        json_close(&workers->json, ']');
        buf_put_u8(&workers->json, '\n');
        return print_out(&workers->json);
    }
    if (table_rows(workers->table) == 0) {
        fputs("no worker has registered yet\n", stderr);
        return EXIT_DONE;
    }
    table_print(workers->table, terminal_width(STDOUT_FILENO), &text);
    int code = print_out(&text);
    buf_fini(&text);
    return code;
}

static int
workers_of(options_t *o, buf_t *why)
{
    workers_t workers = {
        .table = table_new(columns, sizeof columns / sizeof *columns)};
    list_t list = {.ask = PROTO_WORKERS,
        .answer = PROTO_WORKER_LIST,
        .meta = take_meta,
        .record = take_record,
        .ctx = &workers};

    json_open(&workers.json, NULL, '[');
    int code = list_fetch(&list, &o->common, why);
    if (code == EXIT_DONE) {
        code = print_workers(o, &workers);
    }
    table_destroy(&workers.table);
    buf_fini(&workers.json);
    return code;
}

int
cmd_workers(int argc, char **argv)
{
    options_t o;
    settings_list_t operands;
    buf_t why = {0};
    int code = command_parse(&command, argc, argv, &o, sizeof o, &operands);

    if (code == COMMAND_GOES_ON) {
        code = workers_of(&o, &why);
    }
    complain(code, &why);
    buf_fini(&why);
    command_done(&command, &o, &operands);
    return code;
}
