// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/cli.h"
#include "coordinator/cli/list.h"
#include "coordinator/cli/request.h"
#include "coordinator/cli/terminal.h"
#include "coordinator/cli/text.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Workers look at every file that a glob matches before there is an answer.
#define PLAN_MS 120000

typedef struct options {
    common_options_t common;
    request_options_t request;
    bool json;
} options_t;

static const setting_t settings[] = {
    REQUEST_SETTINGS(offsetof(options_t, request)),
    JSON_SETTING(options_t, "one JSON object"),
    COMMON_SETTINGS,
};

static const command_t command = {
    .name = "plan",
    .operands = "QUERY SOURCE...",
    .about = "Shows what `submit` would read, and reads nothing: the files "
             "that the sources\nmatch on their hosts, and the shards they are "
             "cut into.\n",
    .settings = settings,
    .n_settings = sizeof settings / sizeof *settings,
    .min_operands = 1,
    .max_operands = LIMIT_SOURCES + 1,
};

static const table_column_t columns[] = {
    {.head = "HOST"},
    {.head = "SIZE", .right = true},
    {.head = "SHARDS", .right = true},
    {.head = "PACKED"},
    {.head = "FILE"},
};

typedef struct plan {
    table_t *table;
    buf_t json;
    char host[LIMIT_NAME]; // of the record before
    uint64_t hosts;        // records come host by host
    uint64_t files;
    uint64_t bytes;
    uint64_t shards;
} plan_t;

static const char *
packed(lt_Compression compression)
{
    static const char *const names[] = {
        [lt_Compression_COMPRESSION_NONE] = "",
        [lt_Compression_COMPRESSION_GZIP] = "gzip",
        [lt_Compression_COMPRESSION_ZSTD] = "zstd",
        [lt_Compression_COMPRESSION_BZIP2] = "bzip2",
        [lt_Compression_COMPRESSION_XZ] = "xz",
    };
    size_t i = (size_t)compression;

    return i < sizeof names / sizeof *names ? names[i] : "?";
}

static void
add_row(table_t *table, const lt_PlanFile *file)
{
    buf_t cell = {0};

    table_text(table, file->host);
    text_bytes(file->bytes, &cell);
    table_buf(table, &cell);
    table_number(table, file->shards);
    table_text(table, packed(file->compression));
    table_text(table, file->path);
}

static void
add_json(buf_t *json, const lt_PlanFile *file)
{
    json_open(json, NULL, '{');
    json_text(json, "host", file->host);
    json_text(json, "path", file->path);
    json_number(json, "bytes", file->bytes);
    json_number(json, "shards", file->shards);
    json_text(json, "compression", packed(file->compression));
    json_close(json, '}');
}

static errcode_t
take_record(void *ctx, rd_t *r)
{
    plan_t *plan = ctx;
    lt_PlanFile file;
    errcode_t rc = record_get(r, lt_PlanFile_fields, &file);

    if (rc != ERR_OK) {
        return rc;
    }
    if (strcmp(file.host, plan->host) != 0) {
        snprintf(plan->host, sizeof plan->host, "%s", file.host);
        plan->hosts++;
    }
    add_row(plan->table, &file);
    add_json(&plan->json, &file);
    return ERR_OK;
}

static errcode_t
take_meta(void *ctx, const frame_t *frame, uint32_t *n, bool *last)
{
    plan_t *plan = ctx;
    lt_Plan meta;
    errcode_t rc = frame_meta(frame, lt_Plan_fields, &meta);

    if (rc == ERR_OK) {
        *n = meta.n;
        *last = meta.last;
        plan->files = meta.files;
        plan->bytes = meta.bytes;
        plan->shards = meta.shards;
    }
    return rc;
}

static void
put_totals(const plan_t *plan, buf_t *out)
{
    text_plural(plan->files, "file", out);
    buf_put_str(out, " on ");
    text_plural(plan->hosts, "host", out);
    buf_put_str(out, ", ");
    text_bytes(plan->bytes, out);
    buf_put_str(out, ", ");
    text_plural(plan->shards, "shard", out);
    buf_put_u8(out, '\n');
}

static void
close_json(plan_t *plan)
{
    json_close(&plan->json, ']');
    json_number(&plan->json, "files_total", plan->files);
    json_number(&plan->json, "bytes_total", plan->bytes);
    json_number(&plan->json, "shards_total", plan->shards);
    json_close(&plan->json, '}');
    buf_put_u8(&plan->json, '\n');
}

static int
print_plan(const options_t *o, plan_t *plan)
{
    buf_t text = {0};

    if (o->json) {
        close_json(plan);
        return print_out(&plan->json);
    }
    table_print(plan->table, terminal_width(STDOUT_FILENO), &text);
    put_totals(plan, &text);
    int code = print_out(&text);
    buf_fini(&text);
    return code;
}

static int
fetch_plan(options_t *o, span_t request, buf_t *why)
{
    plan_t plan = {.table = table_new(columns, 5)};
    list_t list = {.request = request,
        .answer = PROTO_PLAN,
        .meta = take_meta,
        .record = take_record,
        .ctx = &plan,
        .patience_ms =
            o->request.deadline_ms > 0 ? o->request.deadline_ms : PLAN_MS};

    json_open(&plan.json, NULL, '{');
    json_open(&plan.json, "files", '[');
    int code = list_fetch(&list, &o->common, why);
    if (code == EXIT_DONE) {
        code = print_plan(o, &plan);
    }
    table_destroy(&plan.table);
    buf_fini(&plan.json);
    return code;
}

static int
plan_of(void *options, const settings_list_t *operands, buf_t *why)
{
    options_t *o = options;
    buf_t request = {0};
    int code = request_make(operands, &o->request, REQUEST_PLAN, &request);

    if (code == EXIT_DONE) {
        code = fetch_plan(o, buf_span(&request), why);
    }
    buf_fini(&request);
    return code;
}

int
cmd_plan(int argc, char **argv)
{
    options_t o;

    return command_run(&command, argc, argv, &o, sizeof o, plan_of);
}
