// SPDX-License-Identifier: Apache-2.0
// The screen of top: a line that says how things are, three lists or one job,
// and a line about keys. What matters is said in words, never by colour alone.
#include "coordinator/cli/top_inside.h"

#include "coordinator/cli/job_text.h"
#include "coordinator/cli/text.h"

#include <stdio.h>
#include <string.h>

#define MARK       2u // columns before a row, for what is selected
#define GAP        1u
#define COLUMNS    9u
#define LEAST_FLEX 8u // the last column, or it is left out
#define PANE_LINES 4u // of the smallest, with its head

typedef struct top_column {
    const char *head;
    size_t width; // 0: what is left; the last one
    bool right;
} top_column_t;

static const top_column_t worker_columns[] = {
    {"WORKER", 16, false},
    {"STATE", 5, false},
    {"EXEC", 4, true},
    {"RATE", 10, true},
    {"SHARDS", 6, true},
    {"READ", 8, true},
    {"HEARD", 10, true},
    {"LABELS", 0, false},
};
static const top_column_t job_columns[] = {
    {"JOB", 6, true},
    {"STATE", 9, false},
    {"DONE", 4, true},
    {"SIZE", 8, true},
    {"AGE", 11, true},
    {"OWNER", 10, false},
    {"QUERY", 0, false},
};
static const top_column_t event_columns[] = {
    {"AGO", 11, true},
    {"LEVEL", 5, false},
    {"EVENT", 18, false},
    {"JOB", 5, true},
    {"WORKER", 12, false},
    {"TEXT", 0, false},
};

static const struct layout {
    const char *title;
    const top_column_t *columns;
    size_t n;
} layouts[PANES] = {
    [PANE_WORKERS] = {"workers", worker_columns,
        sizeof worker_columns / sizeof *worker_columns},
    [PANE_JOBS] = {"jobs", job_columns,
        sizeof job_columns / sizeof *job_columns},
    [PANE_EVENTS] = {"events", event_columns,
        sizeof event_columns / sizeof *event_columns},
};

// ---- rows

static void
put_text(buf_t *cell, const char *text)
{
    buf_put_str(cell, text);
}

static void
put_number(buf_t *cell, uint64_t n)
{
    buf_printf(cell, "%llu", (unsigned long long)n);
}

// Whole seconds: a tenth that changes twice a second says nothing.
static void
put_ago(buf_t *cell, int64_t ms)
{
    if (ms < 60000) {
        buf_printf(cell, "%d s", ms > 0 ? (int)(ms / 1000) : 0);
    } else {
        text_duration((uint64_t)ms, cell);
    }
}

static int64_t
since(const pane_t *p, int64_t now_ms)
{
    return now_ms > p->took_ms ? now_ms - p->took_ms : 0;
}

static style_t
worker_row(const top_t *self, size_t i, int64_t now_ms, buf_t *cells)
{
    const lt_WorkerInfo *w = worker_at(self, i);
    bool up = strcmp(w->state, "up") == 0;

    put_text(&cells[0], w->name);
    put_text(&cells[1], w->state);
    put_number(&cells[2], w->executors);
    if (up && w->bytes_a_second > 0) {
        text_bytes(w->bytes_a_second, &cells[3]);
        buf_put_str(&cells[3], "/s");
    } else {
        put_text(&cells[3], "-");
    }
    put_number(&cells[4], w->held);
    text_bytes(w->bytes_read, &cells[5]);
    put_ago(&cells[6], (int64_t)(w->last_heard_ms & INT64_MAX) +
                           since(&self->panes[PANE_WORKERS], now_ms));
    put_text(&cells[7], w->labels);
    return up ? STYLE_PLAIN : STYLE_BAD;
}

static style_t
job_row(const top_t *self, size_t i, int64_t now_ms, buf_t *cells)
{
    const lt_JobUpdate *j = job_at(self, i);

    put_number(&cells[0], j->job);
    put_text(&cells[1], job_state_name(j->state));
    buf_printf(&cells[2], "%u%%", job_percent(j));
    text_bytes(j->bytes, &cells[3]);
    put_ago(&cells[4], (int64_t)(j->age_ms & INT64_MAX) +
                           since(&self->panes[PANE_JOBS], now_ms));
    put_text(&cells[5], j->owner);
    put_text(&cells[6], j->query);
    return j->state == lt_JobState_JOB_FAILED    ? STYLE_BAD
           : j->state == lt_JobState_JOB_PARTIAL ? STYLE_WARN
           : job_has_ended(j)                    ? STYLE_PLAIN
                                                 : STYLE_GOOD;
}

static style_t
event_row(const top_t *self, size_t i, int64_t now_ms, buf_t *cells)
{
    const top_event_t *e = event_at(self, i);

    put_ago(&cells[0], now_ms - e->at_ms);
    put_text(&cells[1], e->e.level);
    put_text(&cells[2], e->e.event);
    if (e->e.job != 0) {
        put_number(&cells[3], e->e.job);
    }
    put_text(&cells[4], e->e.worker);
    put_text(&cells[5], e->e.text);
    return strcmp(e->e.level, "error") == 0  ? STYLE_BAD
           : strcmp(e->e.level, "warn") == 0 ? STYLE_WARN
                                             : STYLE_PLAIN;
}

static style_t (*const rows[PANES])(
    const top_t *self, size_t i, int64_t now_ms, buf_t *cells) = {
    [PANE_WORKERS] = worker_row,
    [PANE_JOBS] = job_row,
    [PANE_EVENTS] = event_row,
};

// A screen wider than 80 columns gives the texts in the middle some of it.
static size_t
width_of(const top_column_t *c, size_t at, const canvas_t *canvas)
{
    size_t left = canvas->columns > at ? canvas->columns - at : 0;

    if (c->width == 0) {
        return left >= LEAST_FLEX ? left : 0;
    }
    return !c->right && c->width >= 10 && canvas->columns >= 120
               ? c->width * 3 / 2
               : c->width;
}

// cells NULL: the head.
static void
draw_row(canvas_t *canvas, size_t line, const struct layout *layout,
    const buf_t *cells, style_t style)
{
    size_t at = MARK;

    for (size_t i = 0; i < layout->n; i++) {
        const top_column_t *c = &layout->columns[i];
        size_t width = width_of(c, at, canvas);
        span_t text = cells != NULL ? buf_span(&cells[i]) : span_str(c->head);
        if (c->right) {
            canvas_put_right(canvas, line, at, width, text, style);
        } else {
            (void)canvas_put(canvas, line, at, width, text, style);
        }
        at += width + GAP;
    }
}

static void
draw_head(const top_t *self, pane_name_t name, canvas_t *canvas, size_t line)
{
    const pane_t *p = &self->panes[name];
    buf_t title = {0};

    draw_row(canvas, line, &layouts[name], NULL, STYLE_HEAD);
    canvas_style(canvas, line, STYLE_HEAD);
    if (name == self->focus) {
        (void)canvas_put(canvas, line, 0, 1, span_str("*"), STYLE_HEAD);
    }
    if (p->n < p->shown.n) {
        buf_printf(
            &title, " %zu of %zu %s", p->n, p->shown.n, layouts[name].title);
    } else if (p->n > p->room) {
        buf_printf(&title, " %zu %s", p->n, layouts[name].title);
    }
    if (p->sort != 0 || p->reverse) {
        buf_printf(&title, "%s by %s%s", title.len > 0 ? "," : "",
            pane_sort_name(self, name), p->reverse ? ", reversed" : "");
    }
    if (title.len > 0 && title.len < canvas->columns) {
        (void)canvas_put(canvas, line, canvas->columns - title.len, title.len,
            buf_span(&title), STYLE_HEAD);
    }
    buf_fini(&title);
}

// What is selected is on the screen.
static void
scroll(pane_t *p)
{
    if (p->at < p->first) {
        p->first = p->at;
    } else if (p->room > 0 && p->at >= p->first + p->room) {
        p->first = p->at - p->room + 1;
    }
    size_t last = p->n > p->room ? p->n - p->room : 0;
    p->first = p->first < last ? p->first : last;
}

static void
draw_pane_row(const top_t *self, pane_name_t name, size_t k, int64_t now_ms,
    canvas_t *canvas, size_t line)
{
    const pane_t *p = &self->panes[name];
    bool selected = k == p->at && name == self->focus;
    buf_t cells[COLUMNS] = {{0}};
    style_t style = rows[name](self, p->order[k], now_ms, cells);

    draw_row(
        canvas, line, &layouts[name], cells, selected ? STYLE_SELECTED : style);
    if (selected) {
        (void)canvas_put(canvas, line, 0, 1, span_str(">"), STYLE_SELECTED);
        canvas_style(canvas, line, STYLE_SELECTED);
    }
    for (size_t i = 0; i < COLUMNS; i++) {
        buf_fini(&cells[i]);
    }
}

static void
draw_nothing(const top_t *self, pane_name_t name, canvas_t *canvas, size_t line)
{
    static const char *const none[PANES] = {
        [PANE_WORKERS] = "no worker has registered yet",
        [PANE_JOBS] = "no jobs",
        [PANE_EVENTS] = "no events",
    };
    const pane_t *p = &self->panes[name];
    const char *text = p->took_ms == 0   ? "..."
                       : p->shown.n == 0 ? none[name]
                                         : "nothing passes the filter";

    (void)canvas_put(
        canvas, line, MARK, canvas->columns, span_str(text), STYLE_PLAIN);
}

static void
draw_pane(top_t *self, pane_name_t name, int64_t now_ms, canvas_t *canvas,
    size_t line, size_t lines)
{
    pane_t *p = &self->panes[name];
    size_t used = name == PANE_EVENTS || lines < PANE_LINES ? 1 : 2;

    p->room = lines > used ? lines - used : 0;
    scroll(p);
    draw_head(self, name, canvas, line);
    if (p->n == 0 && p->room > 0) {
        draw_nothing(self, name, canvas, line + 1);
    }
    for (size_t i = 0; i < p->room && p->first + i < p->n; i++) {
        draw_pane_row(self, name, p->first + i, now_ms, canvas, line + 1 + i);
    }
}

// Lines that a pane would take, and a blank one behind it.
static size_t
wanted(const pane_t *p)
{
    return (p->n > 0 ? p->n : 1) + 2;
}

// Each pane gets what it needs up to a third; what is left goes to workers and
// jobs that need more, half of it each time so that events have some, and then
// to events.
static void
share(const top_t *self, size_t lines, size_t out[PANES])
{
    size_t left = lines;

    for (size_t i = 0; i < PANES; i++) {
        size_t wants = wanted(&self->panes[i]);
        out[i] = wants < lines / PANES ? wants : lines / PANES;
        left -= out[i];
    }
    for (size_t i = 0; i < PANE_EVENTS; i++) {
        size_t wants = wanted(&self->panes[i]);
        size_t more = wants > out[i] ? wants - out[i] : 0;
        more = more < left / 2 ? more : left / 2;
        out[i] += more;
        left -= more;
    }
    out[PANE_EVENTS] += left;
}

// ---- the first and the last line

typedef struct sums {
    uint64_t up, lost, executors, rate, running;
} sums_t;

static sums_t
sum_up(const top_t *self)
{
    sums_t s = {0};

    for (size_t i = 0; i < self->panes[PANE_WORKERS].shown.n; i++) {
        const lt_WorkerInfo *w = worker_at(self, i);
        bool up = strcmp(w->state, "up") == 0;
        s.up += up;
        s.lost += !up;
        s.executors += up ? w->executors : 0;
        s.rate += up ? w->bytes_a_second : 0;
    }
    for (size_t i = 0; i < self->panes[PANE_JOBS].shown.n; i++) {
        s.running += !job_has_ended(job_at(self, i));
    }
    return s;
}

static void
draw_first(const top_t *self, int64_t now_ms, canvas_t *canvas)
{
    sums_t s = sum_up(self);
    buf_t text = {0};

    if (self->lost_ms != 0) {
        buf_printf(&text, "%s: not connected, retrying; what is shown is ",
            self->endpoint);
        put_ago(&text, now_ms - self->lost_ms);
        buf_put_str(&text, " old");
    } else if (!top_is_whole(self)) {
        buf_printf(&text, "%s: asking ...", self->endpoint);
    } else {
        buf_printf(&text, "%s: ", self->endpoint);
        text_plural(s.up, "worker", &text);
        buf_put_str(&text, " up");
        if (s.lost > 0) {
            buf_printf(&text, ", %llu lost", (unsigned long long)s.lost);
        }
        buf_put_str(&text, "; ");
        text_plural(s.executors, "executor", &text);
        if (s.rate > 0) {
            buf_put_str(&text, "; ");
            text_bytes(s.rate, &text);
            buf_put_str(&text, "/s");
        }
        buf_put_str(&text, "; ");
        text_plural(s.running, "job", &text);
        buf_put_str(&text, " running");
    }
    style_t style = self->lost_ms != 0 ? STYLE_BAD
                    : s.lost > 0       ? STYLE_WARN
                                       : STYLE_PLAIN;
    (void)canvas_put(canvas, 0, 0, canvas->columns, buf_span(&text), style);
    buf_fini(&text);
}

static void
put_question(const top_t *self, buf_t *text)
{
    const lt_JobUpdate *job = job_of(self, self->cancelling);

    buf_printf(text, "cancel job %llu", (unsigned long long)self->cancelling);
    if (job != NULL) {
        buf_printf(text, " of %s", job->owner);
    }
    buf_put_str(text, "? y: yes, any other key: no");
}

static void
draw_last(const top_t *self, canvas_t *canvas)
{
    buf_t text = {0};

    if (self->cancelling != 0) {
        put_question(self, &text);
    } else if (self->filtering) {
        buf_printf(&text, "filter: %s_", self->filter);
    } else if (self->says.len > 0) {
        buf_put_span(&text, buf_span(&self->says));
    } else if (self->open != 0) {
        buf_put_str(
            &text, "Esc back  Up Down scroll  c cancel  ? help  q quit");
    } else if (self->filter[0] != '\0') {
        buf_printf(&text, "filter: %s (Esc clears it)", self->filter);
    } else {
        buf_put_str(&text, "Tab list  Enter open job  c cancel  s sort  "
                           "r reverse  / filter  ? help  q quit");
    }
    (void)canvas_put(canvas, canvas->lines - 1, 0, canvas->columns,
        buf_span(&text), self->cancelling != 0 ? STYLE_SELECTED : STYLE_PLAIN);
    buf_fini(&text);
}

// ---- all

static void
draw_lists(top_t *self, int64_t now_ms, canvas_t *canvas)
{
    size_t lines[PANES];
    size_t line = 1;

    share(self, canvas->lines > 2 ? canvas->lines - 2 : 0, lines);
    for (size_t i = 0; i < PANES; i++) {
        if (lines[i] > 0) {
            draw_pane(self, (pane_name_t)i, now_ms, canvas, line, lines[i]);
        }
        line += lines[i];
    }
}

static void
draw_help(canvas_t *canvas)
{
    static const char *const lines[] = {
        "Tab, w, o, e    another list: workers, jobs, events",
        "Up, Down, j, k, PageUp, PageDown, Home, End",
        "                move in the list, or in the rows of a job",
        "Enter           open the job (or the job of the event): its rows as",
        "                they stand while it runs; never final",
        "Esc             back to the lists; in them: no filter",
        "c               cancel the job, after a question",
        "s, r            order by something else; turn the order round",
        "/               show what has a text in it alone, in all lists",
        "q, Ctrl-C       end; jobs go on",
        "",
        "EXEC are executors, RATE is what a worker read in the last ten",
        "seconds, READ since the coordinator started, HEARD how long ago",
        "something was heard of it. Jobs are those that this key may see.",
        "",
        "Any key goes back.",
    };

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        (void)canvas_put(canvas, 2 + i, MARK, canvas->columns,
            span_str(lines[i]), STYLE_PLAIN);
    }
}

void
top_draw(
    top_t *self, size_t columns, size_t lines, int64_t now_ms, canvas_t *out)
{
    canvas_init(out, columns, lines, &self->charset);
    if (self->help) {
        draw_help(out);
    } else if (self->open != 0) {
        top_draw_job(self, out);
    } else {
        draw_lists(self, now_ms, out);
    }
    draw_first(self, now_ms, out);
    if (out->lines > 1) {
        draw_last(self, out);
    }
}
