// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/request.h"

#include "common/base/xalloc.h"
#include "common/wire/control.pb.h"
#include "common/wire/frame.h"
#include "coordinator/cli/asked_io.h"
#include "coordinator/cli/format_option.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// HOST:PATH with an absolute path: a worker has no current folder.
static int
check_source(const char *text)
{
    const char *colon = strchr(text, ':');
    buf_t why = {0};
    int code = EXIT_USAGE;

    if (colon == NULL || colon == text) {
        buf_printf(&why,
            "'%.200s' names no host; write HOST:%s, or count files of this "
            "machine with `logtally run`",
            text, text[0] == '/' ? text : "/PATH");
    } else if (colon[1] != '/') {
        buf_printf(&why, "'%.200s' needs a path from the root: %.*s:/PATH",
            text, (int)(colon - text), text);
    } else if (strlen(text) >= sizeof((lt_Source *)0)->text ||
               strlen(colon + 1) >= LIMIT_PATH) {
        buf_printf(&why, "the source '%.60s...' is too long", text);
    } else {
        code = EXIT_DONE;
    }
    complain(code, &why);
    buf_fini(&why);
    return code;
}

static int
put_sources(const settings_list_t *operands, buf_t *records)
{
    for (size_t i = 1; i < operands->n; i++) {
        lt_Source source = {0};
        int code = check_source(operands->items[i]);
        if (code != EXIT_DONE) {
            return code;
        }
        snprintf(source.text, sizeof source.text, "%s", operands->items[i]);
        record_put(records, lt_Source_fields, &source);
    }
    if (records->len > LIMIT_CONTROL - LIMIT_QUERY_TEXT - LIMIT_PATH) {
        return complain_text(
            EXIT_USAGE, "these are too many sources for one job; use globs");
    }
    return EXIT_DONE;
}

static void
put_submit(const char *query, size_t n_sources,
    const request_options_t *options, request_kind_t kind, const buf_t *sources,
    buf_t *frame)
{
    lt_Submit *submit = xcalloc(1, sizeof *submit); // 34 KB

    submit->version_min = submit->version_max = PROTOCOL_VERSION;
    randombytes_buf(submit->request, sizeof submit->request);
    snprintf(submit->query, sizeof submit->query, "%s", query);
    submit->validate = options->validate;
    snprintf(submit->format, sizeof submit->format, "%s", options->format);
    submit->n_sources = (uint32_t)n_sources;
    submit->deadline_ms = (uint64_t)options->deadline_ms;
    submit->shard_bytes = (uint64_t)options->shard_bytes;
    submit->follow = kind == REQUEST_FOLLOWED;
    submit->plan_only = kind == REQUEST_PLAN;
    frame_encode(
        frame, PROTO_SUBMIT, 0, lt_Submit_fields, submit, buf_span(sources));
    free(submit);
}

int
request_make(const settings_list_t *operands, request_options_t *options,
    request_kind_t kind, buf_t *frame)
{
    buf_t sources = {0}, query = {0};
    asked_t asked = {0};
    int code = asked_open(&options->range, operands, &asked);

    operands = &asked.operands;
    if (code == EXIT_DONE && operands->n < 2) {
        code = complain_text(EXIT_USAGE,
            "no source is named; HOST:PATH, @LABEL:PATH or shared:PATH");
    }
    if (code == EXIT_DONE) {
        code = format_option(&options->format);
    }
    if (code == EXIT_DONE) {
        code = range_query(
            operands->items[0], options->format, &options->range, &query);
    }
    if (code == EXIT_DONE) {
        code = put_sources(operands, &sources);
    }
    if (code == EXIT_DONE) {
        put_submit((const char *)query.p, operands->n - 1, options, kind,
            &sources, frame);
    }
    buf_fini(&sources);
    buf_fini(&query);
    asked_close(&asked);
    return code;
}
