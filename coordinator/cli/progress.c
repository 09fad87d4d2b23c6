// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/progress.h"

#include "coordinator/cli/command.h"
#include "coordinator/cli/terminal.h"
#include "coordinator/cli/text.h"

#include <string.h>
#include <unistd.h>

#define BAR        20u // columns between its brackets
#define BAR_ROOM   60u // of a terminal that has one
#define PIECES_MAX 8u

bool
progress_parse(const char *text, bool quiet, progress_t *out)
{
    *out = (progress_t){.kind = PROGRESS_NONE};
    if (text == NULL || strcmp(text, "auto") == 0) {
        bool bar = !quiet && terminal_is(STDERR_FILENO);
        out->kind = bar ? PROGRESS_BAR : PROGRESS_NONE;
        return true;
    }
    out->kind = strcmp(text, "bar") == 0    ? PROGRESS_BAR
                : strcmp(text, "json") == 0 ? PROGRESS_JSON
                                            : PROGRESS_NONE;
    if (out->kind == PROGRESS_NONE && strcmp(text, "none") != 0) {
        complain_text(EXIT_USAGE, "--progress is auto, bar, json or none");
        return false;
    }
    return true;
}

// ---- the numbers

// Nothing is read while a job is planned: its time is not that of reading.
void
progress_take(progress_t *self, const lt_JobUpdate *job)
{
    if (job->state == lt_JobState_JOB_RUNNING) {
        rate_add(&self->rate, job->elapsed_ms, job->bytes_done);
    }
}

static bool
has_share(const lt_JobUpdate *job)
{
    return job->streams == 0 && job->bytes > 0;
}

// As if it went on as it did in the last seconds, rounded up; 0: nobody can
// say.
static uint64_t
seconds_left(const progress_t *self, const lt_JobUpdate *job)
{
    uint64_t rate = rate_get(&self->rate);
    bool known = rate > 0 && has_share(job) && job->bytes_done < job->bytes &&
                 job->state == lt_JobState_JOB_RUNNING;

    return known ? (job->bytes - job->bytes_done - 1) / rate + 1 : 0;
}

// ---- the line

static void
put_bar(const lt_JobUpdate *job, buf_t *out)
{
    unsigned done = job_percent(job) * BAR / 100;

    buf_put_u8(out, '[');
    for (unsigned i = 0; i < BAR; i++) {
        buf_put_u8(out, i < done ? '#' : '.');
    }
    buf_put_str(out, "] ");
}

static void
put_bytes(const lt_JobUpdate *job, buf_t *out)
{
    text_bytes(job->bytes_done, out);
    if (has_share(job)) {
        buf_put_str(out, " of ");
        text_bytes(job->bytes, out);
    }
}

static void
put_rate(const progress_t *self, buf_t *out)
{
    uint64_t rate = rate_get(&self->rate);

    if (rate > 0) {
        text_bytes(rate, out);
        buf_put_str(out, "/s");
    }
}

// Whole seconds: it is an estimate.
static void
put_left(const progress_t *self, const lt_JobUpdate *job, buf_t *out)
{
    uint64_t seconds = seconds_left(self, job);

    if (seconds == 0) {
        return;
    }
    if (seconds < 60) {
        buf_printf(out, "%u s", (unsigned)seconds);
    } else {
        text_duration(
            seconds < UINT64_MAX / 1000 ? seconds * 1000 : UINT64_MAX - 500,
            out);
    }
    buf_put_str(out, " left");
}

static void
put_busy(const lt_JobUpdate *job, buf_t *out)
{
    text_plural(job->workers_busy, "host", out);
    buf_put_str(out, " busy");
    if (job->executors_busy > 0) {
        buf_put_str(out, " (");
        text_plural(job->executors_busy, "executor", out);
        buf_put_u8(out, ')');
    }
}

static void
put_some(uint64_t n, const char *what, buf_t *out)
{
    if (n > 0) {
        buf_printf(out, "%llu %s", (unsigned long long)n, what);
    }
}

// The next piece, when there is one and it fits behind the others.
static void
put_piece(const buf_t *piece, size_t begin, size_t width, buf_t *out)
{
    size_t used = out->len > begin
                      ? text_width((span_t){out->p + begin, out->len - begin})
                      : 0;
    size_t needs = text_width(buf_span(piece)) + (used > 0 ? 2 : 0);

    if (piece->len > 0 && (width == 0 || used + needs <= width)) {
        buf_put_str(out, used > 0 ? ", " : "");
        buf_put_span(out, buf_span(piece));
    }
}

static void
put_pieces(const progress_t *self, const lt_JobUpdate *job, size_t begin,
    size_t width, buf_t *out)
{
    buf_t pieces[PIECES_MAX] = {{0}};
    size_t n = 0;

    put_bytes(job, &pieces[n++]);
    put_rate(self, &pieces[n++]);
    put_left(self, job, &pieces[n++]);
    put_busy(job, &pieces[n++]);
    put_some(job->retried, "retried", &pieces[n++]);
    put_some(job->rejected, "rejected", &pieces[n++]);
    for (size_t i = 0; i < n; i++) {
        put_piece(&pieces[i], begin, width, out);
        buf_fini(&pieces[i]);
    }
}

static void
put_numbers(
    const progress_t *self, const lt_JobUpdate *job, size_t width, buf_t *out)
{
    size_t begin = out->len;

    if (has_share(job)) {
        if (width == 0 || width >= BAR_ROOM) {
            put_bar(job, out);
        }
        buf_printf(out, "%u%%", job_percent(job));
    }
    put_pieces(self, job, begin, width, out);
}

// What stands in the way of the job is always said.
void
progress_line(
    const progress_t *self, const lt_JobUpdate *job, size_t width, buf_t *out)
{
    size_t begin = out->len;
    buf_t text = {0};

    if (job->text[0] != '\0') {
        buf_put_str(&text, "; ");
        text_safe(job->text, &text);
    }
    size_t says = text_width(buf_span(&text));
    size_t room = width == 0 ? 0 : width > says + 1 ? width - says : 1;
    if (job->state == lt_JobState_JOB_PLANNING) {
        buf_put_str(out, "planning");
    } else {
        put_numbers(self, job, room, out);
    }
    buf_put_span(out, buf_span(&text));
    buf_fini(&text);
    if (width > 0) {
        text_cut(out, begin, width);
    }
}

// ---- the object

void
progress_json(const progress_t *self, const lt_JobUpdate *job, buf_t *out)
{
    uint64_t rate = rate_get(&self->rate);
    uint64_t left = seconds_left(self, job);

    json_open(out, NULL, '{');
    job_members(job, out);
    if (rate > 0) {
        json_number(out, "bytes_per_second", rate);
    }
    if (left > 0) {
        json_number(out, "left_seconds", left);
    }
    json_close(out, '}');
    buf_put_u8(out, '\n');
}

void
progress_show(progress_t *self, const lt_JobUpdate *job)
{
    buf_t line = {0};

    progress_take(self, job);
    if (self->kind == PROGRESS_BAR) {
        progress_line(self, job, terminal_room(), &line);
        terminal_draw(&line);
    } else if (self->kind == PROGRESS_JSON) {
        progress_json(self, job, &line);
        terminal_put(&line);
    }
    buf_fini(&line);
}
