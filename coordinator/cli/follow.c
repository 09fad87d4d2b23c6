// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/follow.h"

#include "common/base/clock.h"
#include "coordinator/cli/job_text.h"
#include "coordinator/cli/terminal.h"

#include <stdio.h>
#include <string.h>

#define REDRAW_MS    100   // at most ten a second
#define RECONNECT_MS 60000 // without a connection, until it is given up
#define GRACE_MS     10000 // the coordinator ends a job at its deadline
#define CANCEL_MS    2000  // for the answer to CANCEL_JOB

typedef struct watch {
    follow_t *f;
    int64_t drawn_ms;
    bool dirty;       // `last` is newer than what is drawn
    bool heard;       // the coordinator answered on this connection
    int64_t asked_ms; // when it was asked
    int64_t lost_ms;  // since when the connection is down; 0: it is up
    bool was_lost;    // it was, with the job known
    int64_t end_ms;   // past the deadline and its grace; 0: none
    int64_t stop_ms;  // end of patience; 0: none
} watch_t;

static void
show(follow_t *f)
{
    if (f->live != NULL) {
        live_show(f->live, &f->progress, &f->last);
    } else {
        progress_show(&f->progress, &f->last);
    }
}

// A screen is looked at more often: its size may be another one. While there is
// no connection it stays away, and what was said about that can be seen.
static bool
is_due(const watch_t *w)
{
    bool shown = w->f->live != NULL && terminal_has_screen();

    return w->f->live != NULL && w->lost_ms != 0 ? false : w->dirty || shown;
}

static void
draw(watch_t *w, int64_t now_ms)
{
    if (is_due(w) && now_ms - w->drawn_ms >= REDRAW_MS) {
        show(w->f);
        w->drawn_ms = now_ms;
        w->dirty = false;
    }
}

// Asks for rows, where they are shown and there may be others.
static void
ask_rows(watch_t *w, int64_t now_ms)
{
    follow_t *f = w->f;
    buf_t frame = {0};

    if (f->live != NULL && w->lost_ms == 0 &&
        live_asks(f->live, &f->last, now_ms)) {
        frame_encode(&frame, PROTO_ROWS, 0, lt_JobRequest_fields,
            &(lt_JobRequest){.job = f->job}, (span_t){0});
        (void)client_send(f->client, buf_span(&frame));
    }
    buf_fini(&frame);
}

// Sends what makes the coordinator tell us about the job.
static void
ask(watch_t *w, int64_t now_ms)
{
    follow_t *f = w->f;
    buf_t frame = {0};

    if (f->job != 0) {
        frame_encode(&frame, PROTO_WAIT, 0, lt_JobRequest_fields,
            &(lt_JobRequest){.job = f->job}, (span_t){0});
    } else {
        buf_put_span(&frame, f->submit);
    }
    // When the connection is down again, client_wait says so.
    (void)client_send(f->client, buf_span(&frame));
    buf_fini(&frame);
    w->heard = false;
    w->asked_ms = now_ms;
    w->lost_ms = 0;
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static int64_t
wake_ms(const watch_t *w, int64_t now_ms)
{
    int64_t at = earlier(w->end_ms, w->stop_ms);

    at = earlier(at, w->lost_ms != 0 ? w->lost_ms + RECONNECT_MS : 0);
    at = earlier(
        at, w->lost_ms == 0 && !w->heard ? w->asked_ms + CLIENT_ANSWER_MS : 0);
    at = earlier(at, is_due(w) ? w->drawn_ms + REDRAW_MS : 0);
    // Rows may have to be asked for.
    at = earlier(at, w->f->live != NULL ? now_ms + REDRAW_MS : 0);
    return at != 0 ? at : now_ms + 60000;
}

static void
advise(const follow_t *f, buf_t *why)
{
    if (f->job != 0) {
        buf_printf(why, "; `logtally wait %llu` waits for the job again",
            (unsigned long long)f->job);
    }
}

// COMMAND_GOES_ON when it was only time to draw.
static int
on_timeout(watch_t *w, int64_t now_ms, buf_t *why)
{
    follow_t *f = w->f;

    if (w->stop_ms != 0 && now_ms >= w->stop_ms) {
        buf_printf(
            why, "job %llu has not ended in time", (unsigned long long)f->job);
        return EXIT_DEADLINE;
    }
    if (w->end_ms != 0 && now_ms >= w->end_ms) {
        buf_printf(why, "the deadline is over, and the coordinator is silent");
        advise(f, why);
        return EXIT_DEADLINE;
    }
    if (w->lost_ms != 0 && now_ms - w->lost_ms >= RECONNECT_MS) {
        client_explain(f->client, why);
        advise(f, why);
        return EXIT_UNREACHABLE;
    }
    if (w->lost_ms == 0 && !w->heard &&
        now_ms - w->asked_ms >= CLIENT_ANSWER_MS) {
        buf_printf(why, "no answer from the coordinator at %s within %d s",
            client_endpoint(f->client), CLIENT_ANSWER_MS / 1000);
        advise(f, why);
        return EXIT_UNREACHABLE;
    }
    return COMMAND_GOES_ON;
}

// A restarted coordinator does not know its workers yet, so a job that it
// forgot is not submitted again behind the user's back: hosts could be left
// out of the answer.
static int
on_refusal(const watch_t *w, const frame_t *frame, buf_t *why)
{
    lt_Refused refused;

    if (w->was_lost &&
        frame_meta(frame, lt_Refused_fields, &refused) == ERR_OK &&
        refused.error == ERR_NOT_FOUND) {
        buf_printf(why,
            "the coordinator was restarted and has forgotten job %llu; submit "
            "it again",
            (unsigned long long)w->f->job);
        return EXIT_FAILED;
    }
    return client_refusal(frame, why);
}

static int
on_frame(watch_t *w, const frame_t *frame, buf_t *why)
{
    follow_t *f = w->f;
    lt_JobUpdate update;

    if (frame->version != PROTOCOL_VERSION) {
        return client_nonsense(f->client, frame, why);
    }
    if (frame->type == PROTO_REFUSED) {
        return on_refusal(w, frame, why);
    }
    if (frame->type == PROTO_ROWS_NOW && f->live != NULL) {
        live_take(f->live, frame, clock_mono_ms());
        w->dirty = true;
    }
    if (frame->type != PROTO_JOB_UPDATE) {
        return COMMAND_GOES_ON;
    }
    if (frame_meta(frame, lt_JobUpdate_fields, &update) != ERR_OK ||
        update.job == 0) {
        return client_nonsense(f->client, frame, why);
    }
    if (f->job != 0 && update.job != f->job) {
        return COMMAND_GOES_ON;
    }
    f->job = update.job;
    f->last = update;
    w->heard = true;
    w->dirty = f->progress.kind != PROGRESS_NONE || f->live != NULL;
    return f->detach || job_has_ended(&update) ? EXIT_DONE : COMMAND_GOES_ON;
}

static void
say(const char *text)
{
    terminal_erase();
    fprintf(stderr, "%s\n", text);
}

static int
on_interrupt(watch_t *w)
{
    follow_t *f = w->f;
    buf_t frame = {0};
    buf_t text = {0};
    frame_t answer;

    if (f->job == 0) {
        return EXIT_INTERRUPTED;
    }
    if (!f->cancel) {
        buf_printf(&text, "job %llu goes on; `logtally cancel %llu` ends it",
            (unsigned long long)f->job, (unsigned long long)f->job);
    } else {
        frame_encode(&frame, PROTO_CANCEL_JOB, 0, lt_JobRequest_fields,
            &(lt_JobRequest){.job = f->job}, (span_t){0});
        bool sent = client_send(f->client, buf_span(&frame));
        const int64_t until_ms = clock_mono_ms() + CANCEL_MS;
        while (sent && !job_has_ended(&f->last) &&
               client_wait(f->client, until_ms, &answer) == CLIENT_FRAME) {
            buf_t ignored = {0};
            (void)on_frame(w, &answer, &ignored);
            buf_fini(&ignored);
        }
        if (job_has_ended(&f->last)) {
            job_end(&f->last, &text);
        } else {
            buf_printf(&text,
                "the coordinator did not confirm that job %llu is cancelled; "
                "`logtally cancel %llu` tries again",
                (unsigned long long)f->job, (unsigned long long)f->job);
        }
    }
    buf_put_u8(&text, '\0');
    say((const char *)text.p);
    buf_fini(&frame);
    buf_fini(&text);
    return EXIT_INTERRUPTED;
}

static int
on_event(watch_t *w, client_event_t event, const frame_t *frame, buf_t *why)
{
    int64_t now_ms = clock_mono_ms();

    switch (event) {
    case CLIENT_FRAME:
        return on_frame(w, frame, why);
    case CLIENT_INPUT:
        return COMMAND_GOES_ON; // nothing is watched
    case CLIENT_TIMEOUT:
        return on_timeout(w, now_ms, why);
    case CLIENT_LOST:
        w->lost_ms = now_ms;
        w->was_lost = w->f->job != 0;
        if (w->f->live != NULL) {
            live_lost(w->f->live);
        }
        say("lost the connection to the coordinator; trying again");
        return COMMAND_GOES_ON;
    case CLIENT_BACK:
        ask(w, now_ms);
        return COMMAND_GOES_ON;
    case CLIENT_FAILED:
        return client_explain(w->f->client, why);
    case CLIENT_INTERRUPTED:
        return on_interrupt(w);
    }
    return EXIT_FAILED;
}

int
follow_job(follow_t *self, buf_t *why)
{
    int64_t now_ms = clock_mono_ms();
    watch_t w = {.f = self, .drawn_ms = now_ms};
    int code = COMMAND_GOES_ON;
    frame_t frame;

    w.end_ms =
        self->deadline_ms > 0 ? now_ms + self->deadline_ms + GRACE_MS : 0;
    w.stop_ms = self->patience_ms > 0 ? now_ms + self->patience_ms : 0;
    ask(&w, now_ms);
    while (code == COMMAND_GOES_ON) {
        now_ms = clock_mono_ms();
        draw(&w, now_ms);
        ask_rows(&w, now_ms);
        client_event_t event =
            client_wait(self->client, wake_ms(&w, now_ms), &frame);
        code = on_event(&w, event, &frame, why);
    }
    if (self->progress.kind == PROGRESS_JSON && code == EXIT_DONE) {
        progress_show(&self->progress, &self->last);
    }
    terminal_erase();
    return code;
}
