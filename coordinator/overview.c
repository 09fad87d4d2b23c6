// SPDX-License-Identifier: Apache-2.0
// The machine as JSON, for those who look at it in a browser: all of it once,
// and then what has changed since the last time. A row is told again when its
// JSON is another one; so that most are not, it has instants instead of ages.
#include "coordinator/coordinator_inside.h"

#include "common/base/json_put.h"
#include "common/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENDED_SHOWN 200u // the newest ended jobs
#define SILENT_MS   2500 // said to be silent from then on
#define MISSING     50u  // sentences

// FNV-1a; never 0. A row that is not told again because two of its texts have
// one hash is right again with its next change.
static uint64_t
hash_of(span_t bytes)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < bytes.len; i++) {
        h = (h ^ bytes.p[i]) * UINT64_C(1099511628211);
    }
    return h | 1;
}

static void
put_row(buf_t *row, bool all, uint64_t *shown, buf_t *out)
{
    uint64_t hash = hash_of(buf_span(row));

    if (all || hash != *shown) {
        buf_put_str(out, out->p[out->len - 1] == '[' ? "\n" : ",\n");
        buf_put_span(out, buf_span(row));
    }
    *shown = hash;
    buf_clear(row);
}

// ---- workers

static void
put_worker(const worker_t *w, int64_t now, int64_t wall_ms, buf_t *out)
{
    bool silent = !w->up || now - w->heard >= SILENT_MS;
    buf_t labels = {0};

    for (size_t i = 0; i < w->n_labels; i++) {
        buf_printf(&labels, "%s%s", i > 0 ? ", " : "", w->labels[i]);
    }
    buf_put_u8(&labels, '\0');
    json_open(out, NULL, '{');
    json_text(out, "name", w->name);
    json_text(out, "state", w->up ? "up" : "lost");
    json_number(out, "executors", w->executors);
    json_number(out, "held", w->n_active);
    json_number(out, "rate", worker_rate(w));
    json_number(out, "read", w->bytes_read);
    json_number(out, "silent_since",
        silent ? (uint64_t)(wall_ms - (now - w->heard)) : 0);
    json_text(out, "address", w->address);
    json_text(out, "software", w->software);
    json_text(out, "sandbox", w->sandbox);
    json_text(out, "labels", (const char *)labels.p);
    json_close(out, '}');
    buf_fini(&labels);
}

static void
put_workers(coordinator_t *self, bool all, int64_t wall_ms, buf_t *out)
{
    uint64_t up = 0, lost = 0, executors = 0, held = 0, rate = 0;
    buf_t row = {0};

    json_open(out, "workers", '[');
    for (worker_t *w = self->workers; w != NULL; w = w->by_name.next) {
        if (!w->up && w->forgotten) {
            continue;
        }
        put_worker(w, self->now, wall_ms, &row);
        put_row(&row, all, &w->shown, out);
        up += w->up;
        lost += !w->up;
        executors += w->up ? w->executors : 0;
        held += w->n_active;
        rate += worker_rate(w);
    }
    json_close(out, ']');
    json_number(out, "workers_up", up);
    json_number(out, "workers_lost", lost);
    json_number(out, "executors", executors);
    json_number(out, "held", held);
    json_number(out, "rate", rate);
    buf_fini(&row);
}

// ---- jobs

static void
put_job(const coordinator_t *self, const job_t *job, int64_t wall_ms,
    lt_JobUpdate *u, buf_t *out)
{
    fill_update(self, job, u);
    json_open(out, NULL, '{');
    json_number(out, "job", u->job);
    json_text(out, "state", job_state_text(u->state));
    json_text(out, "owner", u->owner);
    json_text(out, "query", u->query);
    json_text(out, "text", u->text);
    json_number(
        out, "submitted", (uint64_t)(wall_ms - (self->now - job->submitted)));
    json_number(out, "took_ms", job_is_over(job) ? u->elapsed_ms : 0);
    json_number(out, "hosts", u->hosts);
    json_number(out, "files", u->files);
    json_number(out, "streams", u->streams);
    json_number(out, "bytes", u->bytes);
    json_number(out, "bytes_done", u->bytes_done);
    json_number(out, "shards", u->shards);
    json_number(out, "shards_done", u->shards_done);
    json_number(out, "retried", u->retried);
    json_number(out, "rejected", u->rejected);
    json_number(out, "workers_busy", u->workers_busy);
    json_number(out, "executors_busy", u->executors_busy);
    json_number(out, "result_bytes", u->result_bytes);
    json_number(out, "exit", u->exit);
    json_close(out, '}');
}

// Of the ended jobs the newest; one that was told once does not change.
static void
put_jobs(coordinator_t *self, bool all, int64_t wall_ms, buf_t *out)
{
    lt_JobUpdate *u = xmalloc(sizeof *u);
    buf_t row = {0};
    uint64_t ended = 0, running = 0, shown = 0;

    for (const job_t *j = self->jobs; j != NULL; j = j->hh.next) {
        ended += job_is_over(j) && !j->plan_only;
    }
    json_open(out, "jobs", '[');
    for (job_t *j = self->jobs; j != NULL; j = j->hh.next) {
        bool over = job_is_over(j);
        if (j->plan_only || (over && ended-- > ENDED_SHOWN)) {
            continue;
        }
        running += !over;
        shown++;
        if (all || !over || !j->end_shown) {
            put_job(self, j, wall_ms, u, &row);
            put_row(&row, all, &j->shown, out);
            j->end_shown = over;
        }
    }
    json_close(out, ']');
    json_number(out, "jobs_running", running);
    json_number(out, "jobs_shown", shown);
    buf_fini(&row);
    free(u);
}

// ---- what goes on

static void
put_events(coordinator_t *self, bool all, int64_t wall_ms, buf_t *out)
{
    const event_t *e = events_next(self->events, all ? 0 : self->events_shown);

    json_open(out, "events", '[');
    for (; e != NULL; e = events_next(self->events, e->number)) {
        json_open(out, NULL, '{');
        json_number(out, "number", e->number);
        json_number(out, "at", (uint64_t)(wall_ms - (self->now - e->at)));
        json_text(out, "level", event_level(e));
        json_text(out, "event", e->id);
        json_number(out, "job", e->job);
        json_text(out, "worker", e->worker);
        json_text(out, "text", e->text);
        json_close(out, '}');
        self->events_shown = e->number;
    }
    json_close(out, ']');
}

// The bytes of each second, the first of which has the number `second`.
static void
put_flow(coordinator_t *self, bool all, buf_t *out)
{
    const flow_t *f = &self->flow;
    uint64_t first = f->n > FLOW_SECONDS ? f->n - FLOW_SECONDS : 0;

    if (!all && self->flow_shown > first) {
        first = self->flow_shown;
    }
    json_open(out, "flow", '{');
    json_number(out, "second", first);
    json_open(out, "bytes", '[');
    for (uint64_t i = first; i < f->n; i++) {
        json_number(out, NULL, flow_at(f, i));
    }
    json_close(out, ']');
    json_close(out, '}');
    self->flow_shown = f->n;
}

static void
put_counts(const coordinator_t *self, buf_t *out)
{
    const coordinator_stats_t *s = &self->stats;

    json_number(out, "read", self->bytes_read);
    json_number(out, "lines", s->lines);
    json_number(out, "rejected", s->rejected);
    json_number(out, "jobs_total", s->jobs);
    json_number(out, "jobs_ended", s->jobs_ended);
    json_number(out, "leases_expired", s->leases_expired);
    json_number(out, "partials_rejected", s->partials_rejected);
    json_text(out, "stuck", self->stuck);
}

void
coordinator_overview(coordinator_t *self, bool all, int64_t wall_ms, buf_t *out)
{
    json_open(out, NULL, '{');
    json_flag(out, "all", all);
    json_text(out, "version", LOGTALLY_VERSION);
    json_number(out, "epoch", self->config.epoch);
    json_number(out, "now", (uint64_t)wall_ms);
    put_counts(self, out);
    put_workers(self, all, wall_ms, out);
    put_jobs(self, all, wall_ms, out);
    put_flow(self, all, out);
    put_events(self, all, wall_ms, out);
    json_close(out, '}');
}

// ---- one job

static void
put_missing(const job_t *job, buf_t *out)
{
    const receipt_t *heard = &job->heard_of;

    json_open(out, "missing", '[');
    for (size_t i = 0; i < heard->n_missing && i < MISSING; i++) {
        json_text(out, NULL, heard->missing[i]);
    }
    json_close(out, ']');
    json_number(out, "missing_more",
        (heard->n_missing > MISSING ? heard->n_missing - MISSING : 0) +
            job->more_missing);
}

static void
put_sources(const job_t *job, buf_t *out)
{
    json_open(out, "sources", '[');
    for (size_t i = 0; i < job->n_sources && i < MISSING; i++) {
        json_text(out, NULL, job->sources[i].text);
    }
    json_close(out, ']');
}

static void
put_standing(
    const job_t *job, const lt_RowsNow *meta, int64_t wall_ms, buf_t *out)
{
    if (job->standing == NULL) {
        return;
    }
    json_open(out, "standing", '{');
    json_number(out, "made", (uint64_t)wall_ms - meta->age_ms);
    json_number(out, "bytes", meta->bytes);
    json_number(out, "bytes_done", meta->bytes_done);
    json_number(out, "shards_done", meta->shards_done);
    json_text(out, "text", meta->text);
    json_open(out, "rows", '[');
    for (size_t i = 0; i < meta->rows_count; i++) {
        json_number(out, NULL, meta->rows[i]);
    }
    json_close(out, ']');
    json_close(out, '}');
}

bool
coordinator_job_view(coordinator_t *self, uint64_t id, int64_t wall_ms,
    buf_t *out, job_view_t *rows)
{
    job_t *job = job_find(self, id);
    lt_JobUpdate *u;
    lt_RowsNow meta;
    span_t payload;

    if (job == NULL || job->plan_only) {
        return false;
    }
    uint64_t made = standing_look(self, job, &meta, &payload);
    if (made != rows->made) {
        rows->made = made;
        buf_clear(&rows->bytes);
        buf_put_span(&rows->bytes, payload);
    }
    rows->over = job_is_over(job) && job->result_bytes > 0;
    u = xmalloc(sizeof *u);
    put_job(self, job, wall_ms, u, out);
    free(u);
    out->len--; // the bracket comes later
    json_flag(out, "over", job_is_over(job));
    json_number(out, "now", (uint64_t)wall_ms);
    put_sources(job, out);
    put_missing(job, out);
    put_standing(job, &meta, wall_ms, out);
    json_close(out, '}');
    return true;
}
