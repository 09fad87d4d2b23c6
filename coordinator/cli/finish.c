// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/finish.h"

#include "common/base/limits.h"
#include "common/result/output.h"
#include "coordinator/cli/job_text.h"
#include "coordinator/cli/pager_io.h"
#include "coordinator/cli/terminal.h"
#include "coordinator/cli/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Requests under way at once, so that a large result does not cost a round
// trip per chunk.
#define WINDOW 8u
// Times that a lost connection is waited for.
#define RESUMES 3u

static output_kind_t
default_kind(void)
{
    return terminal_is(STDOUT_FILENO) ? OUTPUT_TABLE : OUTPUT_TSV;
}

static bool
max_rejects(const finish_options_t *self, uint64_t *out)
{
    const char *text = self->max_rejects;

    if (text == NULL) {
        *out = UINT64_MAX;
        return true;
    }
    size_t len = strlen(text);
    *out = strtoull(text, NULL, 10);
    return len > 0 && len < 19 && strspn(text, "0123456789") == len;
}

bool
finish_options_valid(const finish_options_t *self)
{
    output_kind_t kind;
    uint64_t most;
    buf_t why = {0};

    if (!max_rejects(self, &most)) {
        complain_text(
            EXIT_USAGE, "--max-rejects wants a number of lines, 0 or more");
        return false;
    }

    if (self->tz != NULL && !zone_set(self->tz)) {
        buf_printf(&why,
            "--tz %.40s is no time zone of this machine; it can be local, UTC "
            "or a name such as Europe/Berlin",
            self->tz);
        complain(EXIT_USAGE, &why);
        buf_fini(&why);
        return false;
    }
    if (self->output == NULL ||
        output_kind_parse(self->output, &kind) == ERR_OK) {
        return true;
    }
    buf_printf(&why,
        "-o %.40s is no output; it can be table, tsv, csv, json, jsonl, md or "
        "html",
        self->output);
    complain(EXIT_USAGE, &why);
    buf_fini(&why);
    return false;
}

// ---- fetching

typedef struct fetch {
    client_t *client;
    uint64_t job;
    uint64_t asked; // offset behind the last request
    uint64_t total; // 0: not known yet
    buf_t bytes;
} fetch_t;

static bool
ask_chunk(fetch_t *self, uint64_t offset)
{
    buf_t frame = {0};

    frame_encode(&frame, PROTO_RESULT, 0, lt_ResultRequest_fields,
        &(lt_ResultRequest){.job = self->job, .offset = offset}, (span_t){0});
    bool sent = client_send(self->client, buf_span(&frame));
    buf_fini(&frame);
    return sent;
}

// The first chunk says how many there are; its size is that of the others.
static void
ask_more(fetch_t *self, size_t chunk)
{
    while (self->asked < self->total &&
           self->asked < self->bytes.len + WINDOW * chunk &&
           ask_chunk(self, self->asked)) {
        self->asked += chunk;
    }
}

static bool
chunk_fits(const fetch_t *self, const lt_ResultChunk *chunk, size_t len)
{
    return chunk->job == self->job && chunk->offset == self->bytes.len &&
           chunk->total > 0 && chunk->total <= LIMIT_RESULT && len > 0 &&
           len <= chunk->total - chunk->offset &&
           (self->total == 0 || self->total == chunk->total);
}

static int
take_chunk(fetch_t *self, buf_t *why)
{
    frame_t frame;
    lt_ResultChunk chunk;
    int code = client_next(self->client, PROTO_RESULT_CHUNK, &frame, why);

    if (code != EXIT_DONE) {
        return code;
    }
    errcode_t rc = frame_meta(&frame, lt_ResultChunk_fields, &chunk);
    if (rc == ERR_OK && chunk.offset < self->bytes.len) {
        return EXIT_DONE; // asked for twice
    }
    if (rc != ERR_OK || !chunk_fits(self, &chunk, frame.payload.len)) {
        return client_nonsense(self->client, &frame, why);
    }
    size_t len = frame.payload.len;
    self->total = chunk.total;
    buf_put_span(&self->bytes, frame.payload);
    self->asked = self->asked < self->bytes.len ? self->bytes.len : self->asked;
    ask_more(self, len);
    return EXIT_DONE;
}

// After a lost connection, from where it was.
static int
resume(fetch_t *self, buf_t *why)
{
    int code = client_reconnect(self->client, why);

    self->asked = 0;
    if (code == EXIT_DONE && !ask_chunk(self, self->bytes.len)) {
        code = client_explain(self->client, why);
    }
    return code;
}

static int
fetch_all(fetch_t *self, buf_t *why)
{
    unsigned resumed = 0;
    int code = EXIT_DONE;

    (void)ask_chunk(self, 0);
    do {
        buf_clear(why);
        code = take_chunk(self, why);
        if (code == EXIT_UNREACHABLE && resumed++ < RESUMES) {
            buf_clear(why);
            code = resume(self, why);
        }
    } while (code == EXIT_DONE &&
             (self->total == 0 || self->bytes.len < self->total));
    return code;
}

int
finish_fetch(client_t *client, uint64_t job, result_t **out, buf_t *why)
{
    fetch_t fetch = {.client = client, .job = job};
    int code = fetch_all(&fetch, why);

    *out = NULL;
    if (code == EXIT_UNREACHABLE) {
        buf_printf(why, "; the result is kept: `logtally result %llu`",
            (unsigned long long)job);
    }
    if (code == EXIT_DONE &&
        result_decode(buf_span(&fetch.bytes), out) != ERR_OK) {
        buf_printf(why,
            "the result of job %llu does not hold together (%zu bytes)",
            (unsigned long long)job, fetch.bytes.len);
        code = EXIT_FAILED;
    }
    buf_fini(&fetch.bytes);
    return code;
}

// ---- printing

static int
print_rows(result_t *result, const finish_options_t *options)
{
    output_options_t how = {.kind = default_kind(),
        .header = !options->no_header,
        .width = terminal_width(STDOUT_FILENO)};
    buf_t text = {0};

    if (options->output != NULL &&
        output_kind_parse(options->output, &how.kind) != ERR_OK) {
        return EXIT_USAGE;
    }
    for (result_t *r = result; r != NULL; r = r->next) {
        r->zone = zone_is_set() ? zone_offset : NULL;
    }
    output_result(result, &how, &text);
    bool shown = how.kind == OUTPUT_TABLE && pager_show(&text);
    int code = shown ? EXIT_DONE : print_out(&text);
    buf_fini(&text);
    return code;
}

static void
print_receipt(const result_t *result)
{
    buf_t text = {0};

    output_receipt(&result->receipt, &text);
    fwrite(text.p, 1, text.len, stderr);
    buf_fini(&text);
}

static void
explain(int code, bool rejects, const finish_options_t *options)
{
    if (rejects) {
        fprintf(stderr,
            "error: more than %s lines were rejected (--max-rejects)%s\n",
            options->max_rejects,
            options->allow_partial ? "" : ", so the rows are left out");
    } else if (code == EXIT_NO_FIT) {
        fputs("error: no line fits the format; -f names another\n", stderr);
    } else if (!options->allow_partial) {
        fputs("error: the result is incomplete, so its rows are left out; "
              "--allow-partial prints them\n",
            stderr);
    }
}

int
finish_print(result_t *result, const finish_options_t *options, int code)
{
    bool complete = result->receipt.complete;
    uint64_t most;
    bool rejects = max_rejects(options, &most) &&
                   totals_rejected(&result->receipt.totals) > most;
    bool whole = complete && !rejects && code != EXIT_NO_FIT;

    if (!complete && code == EXIT_DONE) {
        code = EXIT_PARTIAL;
    }
    code = rejects && code == EXIT_DONE ? EXIT_NO_FIT : code;
    if (whole || options->allow_partial) {
        int printed = print_rows(result, options);
        code = printed != EXIT_DONE ? printed : code;
    }
    if (!whole || !options->quiet) {
        print_receipt(result);
    }
    if (!whole) {
        explain(code, rejects, options);
    }
    return code;
}

bool
finish_wants_all(const result_t *result)
{
    if (result->receipt.totals.disorder == 0) {
        return false;
    }
    fputs("lines are more than two hours out of order; reading the files "
          "whole\n",
        stderr);
    return true;
}

int
finish_job(client_t *client, const lt_JobUpdate *end,
    const finish_options_t *options, bool *again, buf_t *why)
{
    int code = job_exit(end);
    result_t *result = NULL;

    if (end->state != lt_JobState_JOB_DONE &&
        end->state != lt_JobState_JOB_PARTIAL) {
        job_end(end, why);
        return code;
    }
    int fetched = finish_fetch(client, end->job, &result, why);
    if (fetched != EXIT_DONE) {
        return fetched;
    }
    if (again != NULL) {
        *again = finish_wants_all(result);
    }
    if (again == NULL || !*again) {
        code = finish_print(result, options, code);
    }
    result_destroy(&result);
    return code;
}
