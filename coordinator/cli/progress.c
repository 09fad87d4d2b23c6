// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/progress.h"

#include "coordinator/cli/command.h"
#include "coordinator/cli/terminal.h"
#include "coordinator/cli/text.h"

#include <string.h>
#include <unistd.h>

#define BAR        20u   // columns between its brackets
#define BAR_ROOM   60u   // of a terminal that has one
#define STEADY_MS  1000u // before it no rate is worth showing
#define PIECES_MAX 8u

bool
progress_parse(const char *text, bool quiet, progress_t *out)
{
    if (text == NULL || strcmp(text, "auto") == 0) {
        bool bar = !quiet && terminal_is(STDERR_FILENO);
        *out = bar ? PROGRESS_BAR : PROGRESS_NONE;
        return true;
    }
    *out = strcmp(text, "bar") == 0    ? PROGRESS_BAR
           : strcmp(text, "json") == 0 ? PROGRESS_JSON
                                       : PROGRESS_NONE;
    if (*out == PROGRESS_NONE && strcmp(text, "none") != 0) {
        complain_text(EXIT_USAGE, "--progress is bar, json, none or auto");
        return false;
    }
    return true;
}

// ---- the line

// Bytes a second; 0: nobody can say yet.
static uint64_t
rate_of(const lt_JobUpdate *job)
{
    bool known = job->elapsed_ms >= STEADY_MS && job->bytes_done > 0;

    return known ? (uint64_t)((u128_t)job->bytes_done * 1000 / job->elapsed_ms)
                 : 0;
}

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
put_rate(const lt_JobUpdate *job, buf_t *out)
{
    uint64_t rate = rate_of(job);

    if (rate > 0) {
        text_bytes(rate, out);
        buf_put_str(out, "/s");
    }
}

// As if it went on as it did so far.
static void
put_left(const lt_JobUpdate *job, buf_t *out)
{
    uint64_t rate = rate_of(job);

    if (rate > 0 && job->bytes_done < job->bytes) {
        uint64_t seconds = (job->bytes - job->bytes_done) / rate + 1;
        text_duration(seconds * 1000, out);
        buf_put_str(out, " left");
    }
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

// The next piece, when there is one and it fits behind the others. What stands
// in the way of the job is always said.
static void
put_piece(const buf_t *piece, size_t begin, size_t width, buf_t *out)
{
    size_t used = text_width((span_t){out->p + begin, out->len - begin});
    size_t needs = text_width(buf_span(piece)) + 2;

    if (piece->len > 0 && (width == 0 || used + needs <= width)) {
        buf_put_str(out, ", ");
        buf_put_span(out, buf_span(piece));
    }
}

static void
put_pieces(const lt_JobUpdate *job, size_t begin, size_t width, buf_t *out)
{
    buf_t pieces[PIECES_MAX] = {{0}};
    size_t n = 0;

    text_bytes(job->bytes_done, &pieces[n]);
    buf_put_str(&pieces[n], " of ");
    text_bytes(job->bytes, &pieces[n++]);
    put_rate(job, &pieces[n++]);
    put_left(job, &pieces[n++]);
    put_busy(job, &pieces[n++]);
    put_some(job->retried, "retried", &pieces[n++]);
    put_some(job->rejected, "rejected", &pieces[n++]);
    for (size_t i = 0; i < n; i++) {
        put_piece(&pieces[i], begin, width, out);
        buf_fini(&pieces[i]);
    }
}

void
progress_line(const lt_JobUpdate *job, size_t width, buf_t *out)
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
        if (width == 0 || room >= BAR_ROOM) {
            put_bar(job, out);
        }
        buf_printf(out, "%u%%", job_percent(job));
        put_pieces(job, begin, room, out);
    }
    buf_put_span(out, buf_span(&text));
    buf_fini(&text);
    if (width > 0) {
        text_cut(out, begin, width);
    }
}

void
progress_show(progress_t kind, const lt_JobUpdate *job)
{
    buf_t line = {0};

    if (kind == PROGRESS_BAR) {
        progress_line(job, terminal_room(), &line);
        terminal_draw(&line);
    } else if (kind == PROGRESS_JSON) {
        job_json(job, &line);
        buf_put_u8(&line, '\n');
        terminal_put(&line);
    }
    buf_fini(&line);
}
