// SPDX-License-Identifier: Apache-2.0
// The screen of one job: how it gets on, and its rows as they stand.
#include "coordinator/cli/top_inside.h"

#include "coordinator/cli/job_text.h"

#include <string.h>

static void
draw_line(canvas_t *canvas, size_t line, const buf_t *text, style_t style)
{
    if (line + 1 < canvas->lines) {
        (void)canvas_put(
            canvas, line, 0, canvas->columns, buf_span(text), style);
    }
}

static void
put_job(const lt_JobUpdate *job, buf_t *out)
{
    buf_printf(out, "job %llu of %s: %s", (unsigned long long)job->job,
        job->owner, job_state_name(job->state));
}

// The lines of the rows from the one that is scrolled to.
static void
draw_rows(top_t *self, canvas_t *canvas, size_t line)
{
    size_t room = canvas->lines > line + 1 ? canvas->lines - line - 1 : 0;
    buf_t text = {0};

    live_rows(&self->live, canvas->columns, SIZE_MAX, &text);
    self->panes[self->focus].room = room;
    self->lines = 0;
    for (size_t at = 0; at < text.len;) {
        const uint8_t *end = memchr(text.p + at, '\n', text.len - at);
        size_t len = end != NULL ? (size_t)(end - text.p) - at : text.len - at;
        if (self->lines >= self->scroll && self->lines < self->scroll + room) {
            (void)canvas_put(canvas, line + self->lines - self->scroll, 0,
                canvas->columns, (span_t){text.p + at, len}, STYLE_PLAIN);
        }
        self->lines++;
        at += len + 1;
    }
    buf_fini(&text);
}

static void
draw_running(top_t *self, const lt_JobUpdate *job, canvas_t *canvas)
{
    buf_t text = {0};

    progress_line(&self->progress, job, canvas->columns, &text);
    draw_line(canvas, 3, &text, STYLE_PLAIN);
    buf_clear(&text);
    live_cover(&self->live, &text);
    draw_line(canvas, 4, &text, STYLE_WARN);
    draw_rows(self, canvas, 6);
    buf_fini(&text);
}

static void
draw_ended(const lt_JobUpdate *job, canvas_t *canvas)
{
    buf_t text = {0};

    job_end(job, &text);
    draw_line(canvas, 3, &text, STYLE_PLAIN);
    if (job->result_bytes > 0) {
        buf_clear(&text);
        buf_printf(&text, "`logtally result %llu` prints its rows",
            (unsigned long long)job->job);
        draw_line(canvas, 4, &text, STYLE_PLAIN);
    }
    buf_fini(&text);
}

void
top_draw_job(top_t *self, canvas_t *canvas)
{
    const lt_JobUpdate *job = job_of(self, self->open);
    buf_t text = {0};

    self->lines = 0;
    if (job == NULL) {
        buf_printf(&text, "job %llu is not known any more",
            (unsigned long long)self->open);
        draw_line(canvas, 1, &text, STYLE_BAD);
        buf_fini(&text);
        return;
    }
    put_job(job, &text);
    draw_line(canvas, 1, &text, STYLE_HEAD);
    canvas_style(canvas, 1, STYLE_HEAD);
    buf_clear(&text);
    buf_put_str(&text, job->query);
    draw_line(canvas, 2, &text, STYLE_PLAIN);
    if (job_has_ended(job)) {
        draw_ended(job, canvas);
    } else {
        draw_running(self, job, canvas);
    }
    buf_fini(&text);
}
