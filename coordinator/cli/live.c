// SPDX-License-Identifier: Apache-2.0
// The alternate screen of the terminal is drawn on: lines that were drawn in
// the middle of others would be anywhere after a change of its size.
#include "coordinator/cli/live.h"

#include "common/result/output.h"
#include "coordinator/cli/command.h"
#include "coordinator/cli/terminal.h"
#include "coordinator/cli/text.h"

#include <unistd.h>

#define ASK_MS     1000  // rows are not made more often
#define FIRST_MS   200   // as long as there are none
#define SILENT_MS  5000  // an older coordinator does not answer
#define LOST_MS    20000 // an answer was lost: ask again
#define OLD_MS     2000  // rows that take long are made less often
#define HEAD_LINES 4u    // above the rows

bool
live_usable(const char *progress)
{
    if (progress != NULL) {
        complain_text(EXIT_USAGE, "--live shows by itself how the job gets on; "
                                  "leave out --progress");
        return false;
    }
    return terminal_usable(STDERR_FILENO, "--live",
        "leave it out (--progress json is for programs)");
}

void
live_fini(live_t *self)
{
    result_destroy(&self->result);
    buf_fini(&self->drawn);
    *self = (live_t){0};
}

bool
live_asks(live_t *self, const lt_JobUpdate *job, int64_t now_ms)
{
    bool waits = self->asked_ms != 0 && now_ms - self->asked_ms < LOST_MS;
    bool news =
        self->result == NULL || job->shards_done != self->meta.shards_done;

    if (job->state != lt_JobState_JOB_RUNNING || waits || !news ||
        now_ms < self->ask_at_ms) {
        return false;
    }
    self->asked_ms = now_ms;
    return true;
}

void
live_lost(live_t *self)
{
    self->asked_ms = 0;
}

void
live_take(live_t *self, const frame_t *frame, int64_t now_ms)
{
    lt_RowsNow meta;
    result_t *result = NULL;

    if (frame_meta(frame, lt_RowsNow_fields, &meta) != ERR_OK ||
        (frame->payload.len > 0 &&
            result_decode(frame->payload, &result) != ERR_OK)) {
        return;
    }
    result_destroy(&self->result);
    self->result = result;
    self->meta = meta;
    self->heard = true;
    self->asked_ms = 0;
    bool soon = result == NULL && meta.text[0] == '\0';
    self->ask_at_ms = now_ms + (soon ? FIRST_MS : ASK_MS);
}

// ---- what is shown

static void
put_share(const lt_RowsNow *meta, buf_t *out)
{
    if (meta->streams == 0 && meta->bytes > 0) {
        buf_printf(out, "%u%% of the bytes (",
            (unsigned)((u128_t)meta->bytes_done * 100 / meta->bytes));
    }
    text_bytes(meta->bytes_done, out);
    if (meta->streams == 0 && meta->bytes > 0) {
        buf_put_str(out, " of ");
        text_bytes(meta->bytes, out);
        buf_put_str(out, ")");
    }
}

void
live_cover(const live_t *self, buf_t *out)
{
    if (self->result != NULL) {
        buf_put_str(out, "so far, not final: these rows are of ");
        put_share(&self->meta, out);
        if (self->meta.age_ms >= OLD_MS) {
            buf_put_str(out, ", made ");
            text_duration(self->meta.age_ms, out);
            buf_put_str(out, " ago");
        }
    } else if (self->meta.text[0] != '\0') {
        buf_put_str(out, "no rows: ");
        text_safe(self->meta.text, out);
    } else {
        buf_put_str(out, "no rows yet");
    }
}

// Rows that a chain has in all, and those that it would show in `room`.
static uint64_t
count_rows(const live_t *self)
{
    uint64_t n = 0;

    for (size_t i = 0; i < self->meta.rows_count; i++) {
        n += self->meta.rows[i];
    }
    return n;
}

// The first rows alone, so that what is not shown widens no column.
static void
put_table(const live_t *self, size_t width, size_t room, buf_t *out)
{
    const output_options_t how = {.kind = OUTPUT_TABLE, .width = width};
    size_t kept[LIMIT_QUERIES];
    size_t n = 0;

    for (result_t *r = self->result; r != NULL && n < LIMIT_QUERIES;
         r = r->next) {
        kept[n++] = r->n_rows;
        r->n_rows = r->n_rows < room ? r->n_rows : room;
    }
    output_result(self->result, &how, out);
    n = 0;
    for (result_t *r = self->result; r != NULL && n < LIMIT_QUERIES;
         r = r->next) {
        r->n_rows = kept[n++];
    }
}

// The end of the n-th line, or of all.
static size_t
end_of_line(span_t text, size_t n)
{
    size_t at = 0;

    while (at < text.len && n > 0) {
        n -= text.p[at++] == '\n';
    }
    return at;
}

// Of one result all lines but the first are rows.
static void
put_more(const live_t *self, size_t shown, buf_t *out)
{
    uint64_t all = count_rows(self);
    uint64_t rows = shown > 0 ? shown - 1 : 0;

    if (self->result->next != NULL || rows > all) {
        buf_put_str(out, "... more rows than this screen has lines\n");
    } else {
        buf_put_str(out, "... ");
        text_plural(all - rows, "more row", out);
        buf_put_u8(out, '\n');
    }
}

void
live_rows(const live_t *self, size_t width, size_t room, buf_t *out)
{
    buf_t table = {0};

    if (self->result == NULL || room < 2) {
        return;
    }
    put_table(self, width, room, &table);
    span_t text = buf_span(&table);
    bool fits = end_of_line(text, room) == text.len &&
                (self->result->next != NULL ||
                    count_rows(self) == self->result->n_rows);
    size_t lines = fits ? room : room - 1;
    size_t end = end_of_line(text, lines);
    buf_put(out, text.p, end);
    if (!fits) {
        size_t shown = 0;
        for (size_t i = 0; i < end; i++) {
            shown += text.p[i] == '\n';
        }
        put_more(self, shown, out);
    }
    buf_fini(&table);
}

static void
put_head(const live_t *self, const progress_t *progress,
    const lt_JobUpdate *job, size_t width, buf_t *out)
{
    size_t begin = out->len;

    buf_printf(out, "job %llu: ", (unsigned long long)job->job);
    text_safe(job->query, out);
    text_cut(out, begin, width);
    buf_put_u8(out, '\n');
    progress_line(progress, job, width, out);
    buf_put_u8(out, '\n');
    begin = out->len;
    if (!self->heard && self->asked_ms != 0 && job->elapsed_ms > SILENT_MS) {
        buf_put_str(out,
            "no rows: the coordinator sends none (is it an older release?)");
    } else {
        live_cover(self, out);
    }
    text_cut(out, begin, width);
    buf_put_str(out, "\n\n");
}

void
live_screen(const live_t *self, const progress_t *progress,
    const lt_JobUpdate *job, size_t width, size_t height, buf_t *out)
{
    buf_t text = {0};

    put_head(self, progress, job, width, &text);
    if (height > HEAD_LINES) {
        live_rows(self, width, height - HEAD_LINES, &text);
    }
    buf_put(out, text.p, end_of_line(buf_span(&text), height));
    buf_fini(&text);
}

void
live_show(live_t *self, progress_t *progress, const lt_JobUpdate *job)
{
    size_t width = terminal_width(STDERR_FILENO);
    size_t height = terminal_height(STDERR_FILENO);
    buf_t screen = {0};

    progress_take(progress, job);
    // The last column is free: clearing behind a full line takes its end.
    live_screen(self, progress, job, width > 1 ? width - 1 : 79,
        height > 0 ? height : 24, &screen);
    size_t len = screen.len;
    buf_printf(&screen, "%zu %zu", width, height); // so that a change is one
    if (!span_eq(buf_span(&screen), buf_span(&self->drawn)) ||
        !terminal_has_screen()) {
        buf_clear(&self->drawn);
        buf_put_span(&self->drawn, buf_span(&screen));
        screen.len = len;
        terminal_screen(&screen);
    }
    buf_fini(&screen);
}
