// SPDX-License-Identifier: Apache-2.0
// The lists of top: which of their records are shown, and in which order.
#include "coordinator/cli/top_inside.h"

#include "common/base/xalloc.h"
#include "coordinator/cli/job_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int compare_t(const top_t *self, size_t a, size_t b);

size_t
record_size(pane_name_t name)
{
    static const size_t sizes[PANES] = {
        [PANE_WORKERS] = sizeof(lt_WorkerInfo),
        [PANE_JOBS] = sizeof(lt_JobUpdate),
        [PANE_EVENTS] = sizeof(top_event_t),
    };

    return sizes[name];
}

const lt_WorkerInfo *
worker_at(const top_t *self, size_t i)
{
    return (const lt_WorkerInfo *)self->panes[PANE_WORKERS].shown.list + i;
}

const lt_JobUpdate *
job_at(const top_t *self, size_t i)
{
    return (const lt_JobUpdate *)self->panes[PANE_JOBS].shown.list + i;
}

const top_event_t *
event_at(const top_t *self, size_t i)
{
    return (const top_event_t *)self->panes[PANE_EVENTS].shown.list + i;
}

const lt_JobUpdate *
job_of(const top_t *self, uint64_t number)
{
    for (size_t i = 0; i < self->panes[PANE_JOBS].shown.n; i++) {
        if (job_at(self, i)->job == number) {
            return job_at(self, i);
        }
    }
    return NULL;
}

// ---- order

static int
cmp_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int
by_name(const top_t *self, size_t a, size_t b)
{
    return strcmp(worker_at(self, a)->name, worker_at(self, b)->name);
}

static int
by_state(const top_t *self, size_t a, size_t b)
{
    return strcmp(worker_at(self, a)->state, worker_at(self, b)->state);
}

static int
by_rate(const top_t *self, size_t a, size_t b)
{
    return cmp_u64(
        worker_at(self, b)->bytes_a_second, worker_at(self, a)->bytes_a_second);
}

static int
by_shards(const top_t *self, size_t a, size_t b)
{
    return cmp_u64(worker_at(self, b)->held, worker_at(self, a)->held);
}

static int
by_heard(const top_t *self, size_t a, size_t b)
{
    return cmp_u64(
        worker_at(self, b)->last_heard_ms, worker_at(self, a)->last_heard_ms);
}

static int
by_number(const top_t *self, size_t a, size_t b)
{
    return cmp_u64(job_at(self, b)->job, job_at(self, a)->job);
}

// Those that run first.
static int
by_life(const top_t *self, size_t a, size_t b)
{
    return (int)job_has_ended(job_at(self, a)) -
           (int)job_has_ended(job_at(self, b));
}

static int
by_share(const top_t *self, size_t a, size_t b)
{
    return (int)job_percent(job_at(self, b)) -
           (int)job_percent(job_at(self, a));
}

static int
by_size(const top_t *self, size_t a, size_t b)
{
    return cmp_u64(job_at(self, b)->bytes, job_at(self, a)->bytes);
}

static int
by_owner(const top_t *self, size_t a, size_t b)
{
    return strcmp(job_at(self, a)->owner, job_at(self, b)->owner);
}

static int
by_time(const top_t *self, size_t a, size_t b)
{
    return cmp_u64(event_at(self, b)->e.number, event_at(self, a)->e.number);
}

// The first is the order in the beginning; the last column is what ties are
// settled by.
static const struct order {
    const char *name;
    compare_t *compare;
} orders[PANES][6] = {
    [PANE_WORKERS] = {{"name", by_name}, {"state", by_state}, {"rate", by_rate},
        {"shards", by_shards}, {"heard", by_heard}},
    [PANE_JOBS] = {{"running first", by_life}, {"number", by_number},
        {"done", by_share}, {"size", by_size}, {"owner", by_owner}},
    [PANE_EVENTS] = {{"time", by_time}},
};
static compare_t *const ties[PANES] = {
    [PANE_WORKERS] = by_name,
    [PANE_JOBS] = by_number,
    [PANE_EVENTS] = by_time,
};

const char *
pane_sort_name(const top_t *self, pane_name_t name)
{
    return orders[name][self->panes[name].sort].name;
}

void
pane_sort_next(top_t *self, pane_name_t name)
{
    pane_t *p = &self->panes[name];

    p->sort++;
    if (p->sort == 6 || orders[name][p->sort].name == NULL) {
        p->sort = 0;
    }
}

typedef struct sorting {
    const top_t *self;
    pane_name_t name;
} sorting_t;

static int
compare(const void *a, const void *b, void *ctx)
{
    const sorting_t *s = ctx;
    const pane_t *p = &s->self->panes[s->name];
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    int c = orders[s->name][p->sort].compare(s->self, x, y);

    c = p->reverse ? -c : c;
    return c != 0 ? c : ties[s->name](s->self, x, y);
}

// ---- filter

static bool
has(const top_t *self, const char *text)
{
    return strcasestr(text, self->filter) != NULL;
}

static bool
has_number(const top_t *self, uint64_t n)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    return strcmp(text, self->filter) == 0;
}

static bool
passes(const top_t *self, pane_name_t name, size_t i)
{
    if (self->filter[0] == '\0') {
        return true;
    }
    if (name == PANE_WORKERS) {
        const lt_WorkerInfo *w = worker_at(self, i);
        return has(self, w->name) || has(self, w->state) ||
               has(self, w->labels) || has(self, w->address);
    }
    if (name == PANE_JOBS) {
        const lt_JobUpdate *j = job_at(self, i);
        return has_number(self, j->job) || has(self, j->owner) ||
               has(self, j->query) || has(self, job_state_name(j->state));
    }
    const lt_Event *e = &event_at(self, i)->e;
    return has_number(self, e->job) || has(self, e->event) ||
           has(self, e->worker) || has(self, e->text) || has(self, e->level);
}

// ---- selection

static bool
is_selected(const top_t *self, pane_name_t name, size_t i)
{
    const pane_t *p = &self->panes[name];

    return name == PANE_WORKERS ? strcmp(worker_at(self, i)->name, p->name) == 0
           : name == PANE_JOBS  ? job_at(self, i)->job == p->number
                                : event_at(self, i)->e.number == p->number;
}

// The newest stays selected where it was.
static bool
stays_on_top(const pane_t *p, pane_name_t name)
{
    return name == PANE_EVENTS && p->at == 0;
}

void
pane_select(top_t *self, pane_name_t name, size_t at)
{
    pane_t *p = &self->panes[name];

    p->at = at < p->n ? at : p->n > 0 ? p->n - 1 : 0;
    if (p->n == 0) {
        return;
    }
    size_t i = p->order[p->at];
    if (name == PANE_WORKERS) {
        snprintf(p->name, sizeof p->name, "%s", worker_at(self, i)->name);
    } else {
        p->number = name == PANE_JOBS ? job_at(self, i)->job
                                      : event_at(self, i)->e.number;
    }
}

void
pane_arrange(top_t *self, pane_name_t name)
{
    pane_t *p = &self->panes[name];
    sorting_t sorting = {self, name};
    size_t at = p->at;

    p->order = xgrow(p->order, &p->cap, p->shown.n + 1, sizeof *p->order);
    p->n = 0;
    for (size_t i = 0; i < p->shown.n; i++) {
        if (passes(self, name, i)) {
            p->order[p->n++] = i;
        }
    }
    qsort_r(p->order, p->n, sizeof *p->order, compare, &sorting);
    for (size_t i = 0; i < p->n && !stays_on_top(p, name); i++) {
        if (is_selected(self, name, p->order[i])) {
            at = i;
            break;
        }
    }
    pane_select(self, name, at);
}
