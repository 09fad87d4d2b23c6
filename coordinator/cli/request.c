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

// "5%", "5", "0.25%" to millionths. 0: that is none of these.
static uint32_t
percent(const char *text)
{
    uint64_t whole = 0, part = 0;
    uint32_t unit = 10000; // millionths in a percent
    const char *p = text;

    for (; *p >= '0' && *p <= '9' && whole <= 100; p++) {
        whole = whole * 10 + (uint64_t)(*p - '0');
    }
    if (p != text && *p == '.') {
        for (p++; *p >= '0' && *p <= '9' && unit > 1; p++) {
            unit /= 10;
            part += (uint64_t)(*p - '0') * unit;
        }
    }
    bool ends = p != text && (*p == '\0' || strcmp(p, "%") == 0);
    uint64_t ppm = whole * 10000 + part;
    return ends && ppm <= 1000000 ? (uint32_t)ppm : 0;
}

static int
check_verify(const settings_list_t *operands, const char *verify)
{
    bool shared = false;

    if (verify == NULL) {
        return EXIT_DONE;
    }
    if (percent(verify) == 0) {
        return complain_text(EXIT_USAGE,
            "--verify is a share of the shards above 0% and up to 100%: 5%");
    }
    for (size_t i = 1; i < operands->n; i++) {
        shared = shared || strncmp(operands->items[i], "shared:", 7) == 0;
    }
    return shared ? EXIT_DONE
                  : complain_text(EXIT_USAGE,
                        "--verify needs a source that several workers can "
                        "read: shared:/PATH");
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
    submit->verify_ppm = options->verify != NULL ? percent(options->verify) : 0;
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
        code = check_verify(operands, options->verify);
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
