// SPDX-License-Identifier: Apache-2.0
// What keys do. A question (cancel? filter?) takes the keys first, then the
// job that is open, then the lists.
#include "coordinator/cli/top_inside.h"

#include "coordinator/cli/job_text.h"

#include <stdlib.h>
#include <string.h>

typedef struct binding {
    uint32_t key;
    void (*run)(top_t *self);
} binding_t;

static size_t
moved(size_t at, uint32_t key, size_t room, size_t n)
{
    size_t page = room > 1 ? room - 1 : 1;
    size_t last = n > 0 ? n - 1 : 0;
    size_t up = key == TOP_UP || key == 'k' ? 1 : key == TOP_PAGE_UP ? page : 0;
    size_t down = key == TOP_DOWN || key == 'j' ? 1
                  : key == TOP_PAGE_DOWN        ? page
                                                : 0;

    if (key == TOP_HOME || key == TOP_END) {
        return key == TOP_HOME ? 0 : last;
    }
    at = at > up ? at - up : 0;
    return at + down < last ? at + down : last;
}

static bool
is_motion(uint32_t key)
{
    return (key >= TOP_UP && key <= TOP_END) || key == 'j' || key == 'k';
}

// ---- the lists

static void
next_pane(top_t *self)
{
    self->focus = (pane_name_t)((self->focus + 1) % PANES);
}

static void
pane_before(top_t *self)
{
    self->focus = (pane_name_t)((self->focus + PANES - 1) % PANES);
}

static void
sort_next(top_t *self)
{
    pane_sort_next(self, self->focus);
    pane_arrange(self, self->focus);
}

static void
turn_round(top_t *self)
{
    self->panes[self->focus].reverse = !self->panes[self->focus].reverse;
    pane_arrange(self, self->focus);
}

static void
begin_filter(top_t *self)
{
    self->filtering = true;
}

static void
arrange_all(top_t *self)
{
    for (size_t i = 0; i < PANES; i++) {
        pane_arrange(self, (pane_name_t)i);
    }
}

static void
clear_filter(top_t *self)
{
    self->filter[0] = '\0';
    arrange_all(self);
}

// The job that keys are about: the open one, else the selected one, or that of
// the selected event. 0: none.
static uint64_t
job_meant(const top_t *self)
{
    const pane_t *p = &self->panes[self->focus];

    if (self->open != 0) {
        return self->open;
    }
    if (p->n == 0 || self->focus == PANE_WORKERS) {
        return 0;
    }
    return self->focus == PANE_JOBS ? p->number
                                    : event_at(self, p->order[p->at])->e.job;
}

static void
open_job(top_t *self)
{
    uint64_t job = job_meant(self);

    if (job == 0 || job_of(self, job) == NULL) {
        buf_printf(&self->says,
            job == 0 ? "no job is selected" : "job %llu is not known any more",
            (unsigned long long)job);
        return;
    }
    live_fini(&self->live);
    self->progress = (progress_t){.kind = PROGRESS_NONE};
    self->open = job;
    self->scroll = 0;
}

static void
close_job(top_t *self)
{
    self->open = 0;
    live_fini(&self->live);
}

// The lists have those jobs alone that the key may see, and cancel.
static void
ask_cancel(top_t *self)
{
    uint64_t number = job_meant(self);
    const lt_JobUpdate *job = job_of(self, number);

    if (self->lost_ms != 0) {
        buf_put_str(&self->says, "not connected: nothing can be cancelled now");
    } else if (job == NULL) {
        buf_put_str(&self->says, "no job is selected");
    } else if (job_has_ended(job)) {
        job_end(job, &self->says);
        buf_put_str(&self->says, " already");
    } else {
        self->cancelling = number;
    }
}

static void
show_help(top_t *self)
{
    self->help = true;
}

static void
to_workers(top_t *self)
{
    self->focus = PANE_WORKERS;
}

static void
to_jobs(top_t *self)
{
    self->focus = PANE_JOBS;
}

static void
to_events(top_t *self)
{
    self->focus = PANE_EVENTS;
}

static const binding_t lists[] = {
    {TOP_TAB, next_pane},
    {TOP_BACK_TAB, pane_before},
    {'w', to_workers},
    {'o', to_jobs},
    {'e', to_events},
    {'s', sort_next},
    {'r', turn_round},
    {'/', begin_filter},
    {TOP_ESCAPE, clear_filter},
    {TOP_ENTER, open_job},
    {'c', ask_cancel},
    {'?', show_help},
    {'h', show_help},
    {0, NULL},
};

static const binding_t opened[] = {
    {TOP_ESCAPE, close_job},
    {TOP_ENTER, close_job},
    {'c', ask_cancel},
    {'?', show_help},
    {'h', show_help},
    {0, NULL},
};

static void
run_binding(top_t *self, const binding_t *list, uint32_t key)
{
    for (; list->run != NULL; list++) {
        if (list->key == key) {
            list->run(self);
            return;
        }
    }
}

static void
move(top_t *self, uint32_t key)
{
    pane_t *p = &self->panes[self->focus];

    if (self->open != 0) {
        // Rows scroll; there is none that is selected.
        size_t rest = self->lines > p->room ? self->lines - p->room : 0;
        self->scroll = moved(self->scroll, key, p->room, rest + 1);
    } else {
        pane_select(self, self->focus, moved(p->at, key, p->room, p->n));
    }
}

// ---- questions

static size_t
encode(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, code >>= 6) {
        out[i] = (char)(0x80 | (code & 0x3f));
    }
    out[0] = (char)((0xf00u >> n & 0xf0) | code);
    return n;
}

static void
drop_last(char *text)
{
    size_t len = strlen(text);

    while (len > 0 && ((uint8_t)text[--len] & 0xc0) == 0x80) {
    }
    text[len] = '\0';
}

static void
key_to_filter(top_t *self, uint32_t key)
{
    size_t len = strlen(self->filter);
    char more[4];

    if (key == TOP_ENTER || key == TOP_ESCAPE) {
        self->filtering = false;
        self->filter[key == TOP_ESCAPE ? 0 : len] = '\0';
    } else if (key == TOP_BACKSPACE || key == 8) {
        drop_last(self->filter);
    } else if (key >= ' ' && key < TOP_UP) {
        size_t n = encode(key, more);
        if (len + n < sizeof self->filter) {
            memcpy(self->filter + len, more, n);
            self->filter[len + n] = '\0';
        }
    }
    arrange_all(self);
}

static void
key_to_question(top_t *self, uint32_t key)
{
    if (key == 'y' || key == 'Y') {
        self->cancel = self->cancelling;
        buf_printf(&self->says, "cancelling job %llu ...",
            (unsigned long long)self->cancelling);
    }
    self->cancelling = 0;
}

bool
top_key(top_t *self, uint32_t key, int64_t now_ms)
{
    (void)now_ms;
    buf_clear(&self->says);
    if (self->cancelling != 0) {
        key_to_question(self, key);
    } else if (self->filtering) {
        key_to_filter(self, key);
    } else if (self->help) {
        self->help = false;
    } else if (key == 'q') {
        return false;
    } else if (is_motion(key)) {
        move(self, key);
    } else {
        run_binding(self, self->open != 0 ? opened : lists, key);
    }
    return true;
}
