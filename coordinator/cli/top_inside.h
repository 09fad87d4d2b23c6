// SPDX-License-Identifier: Apache-2.0
// What the files of top share among themselves.
//
// top.c       messages and requests     top_list.c  panes: order, filter
// top_keys.c  keys                      top_draw.c  the screen
// top_job.c   the screen of one job
#ifndef LOGTALLY_COORDINATOR_CLI_TOP_INSIDE_H
#define LOGTALLY_COORDINATOR_CLI_TOP_INSIDE_H

#include "common/base/limits.h"
#include "coordinator/cli/live.h"
#include "coordinator/cli/top.h"

#define EVENTS_SHOWN 512u // as many as the coordinator keeps
#define FILTER_MAX   64u

typedef enum { PANE_WORKERS, PANE_JOBS, PANE_EVENTS, PANES } pane_name_t;

// Records of one kind, as they came.
typedef struct records {
    void *list;
    size_t n, cap;
} records_t;

typedef struct top_event {
    lt_Event e;
    int64_t at_ms;
} top_event_t;

typedef struct pane {
    records_t shown;
    records_t coming; // of an answer that is not whole yet
    int64_t took_ms;  // when it was whole; 0: never
    int64_t asked_ms; // an answer is waited for since then; 0: none
    int64_t ask_at_ms;
    size_t sort; // index of the order
    bool reverse;
    // Numbers into `shown`, in order, those that pass the filter.
    size_t *order;
    size_t n, cap;
    // What is selected stays so, wherever it moves to.
    size_t at;
    uint64_t number; // of job or event
    char name[LIMIT_NAME];
    size_t first; // that is on the screen
    size_t room;  // for so many, when it was drawn
} pane_t;

struct top {
    const char *endpoint;
    int64_t interval_ms;
    canvas_charset_t charset;
    pane_t panes[PANES];
    pane_name_t focus;
    int64_t lost_ms; // since when there is no connection; 0: there is one
    uint64_t last_event;
    char filter[FILTER_MAX];
    bool filtering; // it is typed
    bool help;
    uint64_t open; // job whose rows are shown; 0: none
    live_t live;
    progress_t progress;
    size_t scroll, lines; // of its rows
    uint64_t cancelling;  // job that is asked about
    uint64_t cancel;      // job to be cancelled: it was confirmed
    uint64_t awaited;     // job whose cancellation was sent
    buf_t says;           // until the next key
};

// top_list.c
size_t record_size(pane_name_t name);
const lt_WorkerInfo *worker_at(const top_t *self, size_t i);
const lt_JobUpdate *job_at(const top_t *self, size_t i);
const top_event_t *event_at(const top_t *self, size_t i);
const lt_JobUpdate *job_of(const top_t *self, uint64_t number);
// Puts the pane in order, and finds what is selected in it.
void pane_arrange(top_t *self, pane_name_t name);
void pane_select(top_t *self, pane_name_t name, size_t at);
const char *pane_sort_name(const top_t *self, pane_name_t name);
void pane_sort_next(top_t *self, pane_name_t name);

// top_job.c
void top_draw_job(top_t *self, canvas_t *canvas);

#endif
