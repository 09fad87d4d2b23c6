// SPDX-License-Identifier: Apache-2.0
// ROWS: the rows of a running job as they stand, from what is committed.
//
// They are made from the merged tables in place (nothing of these changes but
// the order in which they are listed), so the loop waits meanwhile. A job whose
// tables are above STANDING_GROUPS or STANDING_BYTES, where that would take
// about a fifth of a second, has no rows until it ends. Rows are made once a
// second and job at most, and so seldom for all jobs together that the loop
// spends one part in STANDING_SHARE on them: what they took is reckoned from
// the size of the tables, and looked up at the next tick, since the machine has
// no clock. Of several jobs the one has its turn whose rows are oldest. Who
// asks in between, or before more is committed, gets those of the last time,
// with their age. The first STANDING_ROWS of each query are sent, fewer where
// they do not fit one frame.
#include "coordinator/coordinator_inside.h"

#include "common/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STANDING_MS      1000
#define WAITING_MS       2000 // after a question: somebody looks on
#define STANDING_SHARE   20
#define STANDING_GROUPS  500000u
#define STANDING_STAGE   4u // groups that are worth one through where or let
#define STANDING_COLUMNS 8u // of a group that are worth one more
#define STANDING_BYTES   (128u << 20)
#define STANDING_ROWS    1000u
#define STANDING_TEXT    512u // bytes of a text
#define STANDING_MISSING 20u  // sentences
#define PAYLOAD_MAX      (LIMIT_CONTROL - 8192u)

// What is sent, as it was made.
struct standing {
    int64_t made;
    lt_RowsNow meta;
    buf_t payload;
};

void
standing_free(job_t *job)
{
    if (job->standing != NULL) {
        buf_fini(&job->standing->payload);
        free(job->standing);
        job->standing = NULL;
    }
}

static uint64_t
groups_of(tallies_t *tallies)
{
    uint64_t n = 0;

    for (size_t p = 0; p < TALLY_PARTS; p++) {
        n += tally_groups(tallies_parts(tallies)[p]);
    }
    return n;
}

// The groups that all queries look at, and what their stages and columns cost,
// in groups: a row takes 48 bytes a column for as long as it lasts.
static uint64_t
weigh(const job_t *job, uint64_t *groups)
{
    uint64_t weight = 0;

    *groups = 0;
    for (size_t i = 0; i < job->queries->n; i++) {
        const query_t *q = job->queries->list[i].query;
        uint64_t n = groups_of(job->tallies[job->shared->list[i].table]);
        *groups += n;
        weight += n + n * q->n_columns / STANDING_COLUMNS;
        for (size_t k = 0; k < q->n_stages; k++) {
            bool each = q->stages[k].kind == STAGE_WHERE ||
                        q->stages[k].kind == STAGE_LET;
            weight += each ? n * STANDING_STAGE : 0;
        }
    }
    return weight;
}

// Of the tables, and of each again that is added up by other keys.
static uint64_t
bytes_of(const job_t *job)
{
    uint64_t bytes = job->merge_budget.used;

    for (size_t i = 0; i < job->queries->n; i++) {
        const share_t *share = &job->shared->list[i];
        for (size_t p = 0; share->rolls && p < TALLY_PARTS; p++) {
            bytes += tally_bytes(tallies_parts(job->tallies[share->table])[p]);
        }
    }
    return bytes;
}

// Measured: 1 ms for a MB of tables, as much for 2000 groups through `where`
// or 16000 files.
static int64_t
cost_us(const job_t *job, uint64_t weight, uint64_t groups)
{
    uint64_t bytes = bytes_of(job);

    return (int64_t)(bytes / 1024 + (weight - groups) / (2 * STANDING_STAGE) +
                     job->n_files / 16);
}

// The next call of the machine shows what the last rows took.
void
standing_tick(coordinator_t *self)
{
    int64_t at = self->now + (self->now - self->standing_made) * STANDING_SHARE;

    if (self->standing_made != 0) {
        self->standing_at = at > self->standing_at ? at : self->standing_at;
        self->standing_made = 0;
    }
}

static void
fill_receipt(const coordinator_t *self, const job_t *job, receipt_t *r)
{
    const receipt_t *heard = &job->heard_of;
    char more[80];

    r->totals = job->totals;
    r->totals.samples = NULL;
    r->totals.files = NULL;
    r->totals.n_samples = r->totals.n_files = r->totals.cap_files = 0;
    r->micros = (uint64_t)(self->now - job->submitted) * 1000;
    r->shards = job_shards(job);
    r->retried = job->retried;
    for (size_t i = 0; i < job->n_files; i++) {
        r->files += job->files[i].read;
    }
    for (size_t i = 0; i < heard->n_missing && i < STANDING_MISSING; i++) {
        receipt_add_missing(r, heard->missing[i]);
    }
    uint64_t n = heard->n_missing + job->more_missing;
    if (n > STANDING_MISSING) {
        snprintf(more, sizeof more, "and %llu more",
            (unsigned long long)(n - STANDING_MISSING));
        receipt_add_missing(r, more);
    }
    r->complete = false;
}

static errcode_t
build(const job_t *job, lt_RowsNow *meta, result_t **out)
{
    errcode_t rc = ERR_OK;

    answer_list_tables(job);
    for (size_t i = 0; rc == ERR_OK && i < job->queries->n; i++) {
        const named_query_t *q = &job->queries->list[i];
        size_t all;
        const share_t *share = &job->shared->list[i];
        rc = result_build_first(q->query, share,
            tallies_parts(job->tallies[share->table]), TALLY_PARTS,
            STANDING_ROWS, &all, out);
        if (rc == ERR_OK) {
            meta->rows[meta->rows_count++] = all;
            (*out)->name = q->name != NULL ? xstrdup(q->name) : NULL;
            out = &(*out)->next;
        }
    }
    return rc;
}

// Fewer rows until they fit; one of each query does.
static void
encode(result_t *result, buf_t *out)
{
    for (size_t rows = STANDING_ROWS; rows > 0; rows /= 2) {
        buf_clear(out);
        for (result_t *r = result; r != NULL; r = r->next) {
            result_cut(r, rows, STANDING_TEXT);
        }
        result_encode(result, out);
        if (out->len <= PAYLOAD_MAX) {
            return;
        }
    }
    buf_clear(out);
}

static void
fill_rows(const coordinator_t *self, const job_t *job, struct standing *s)
{
    result_t *result = NULL;
    errcode_t rc = build(job, &s->meta, &result);

    if (rc == ERR_OK) {
        fill_receipt(self, job, &result->receipt);
        encode(result, &s->payload);
    }
    if (rc != ERR_OK || s->payload.len == 0) {
        s->meta.rows_count = 0;
        snprintf(s->meta.text, sizeof s->meta.text,
            "its rows cannot be shown before it ends: %s",
            err_text(rc != ERR_OK ? rc : ERR_TOO_LARGE));
    }
    result_destroy(&result);
}

static void
fill_numbers(const job_t *job, lt_RowsNow *meta)
{
    meta->job = job->id;
    meta->state = job->state;
    meta->bytes = job->bytes;
    meta->bytes_done = job->bytes_done + job->bytes_streamed;
    meta->streams = (uint32_t)job->n_streams;
    meta->shards = job_shards(job);
    meta->shards_done = job_shards_done(job);
}

// There are none yet, or more is committed.
static bool
is_stale(const coordinator_t *self, const job_t *job)
{
    const struct standing *s = job->standing;

    return s == NULL || (job_shards_done(job) != s->meta.shards_done &&
                            self->now - s->made >= STANDING_MS);
}

static int64_t
made_at(const job_t *job)
{
    return job->standing != NULL ? job->standing->made : INT64_MIN;
}

// Else who asks at the right moment would get rows each time, and the others
// none. Whoever is waited for asks again in a second.
static bool
is_its_turn(const coordinator_t *self, const job_t *job)
{
    for (const job_t *o = self->jobs; o != NULL; o = o->hh.next) {
        bool waits = o->state == lt_JobState_JOB_RUNNING &&
                     o->rows_asked != 0 &&
                     self->now - o->rows_asked < WAITING_MS;
        if (waits && made_at(o) < made_at(job) && is_stale(self, o)) {
            return false;
        }
    }
    return true;
}

static bool
is_due(const coordinator_t *self, const job_t *job)
{
    return is_stale(self, job) && self->now >= self->standing_at &&
           is_its_turn(self, job);
}

static void
make(coordinator_t *self, job_t *job)
{
    uint64_t groups, weight = weigh(job, &groups);

    standing_free(job);
    struct standing *s = job->standing = xcalloc(1, sizeof *s);
    s->made = self->now;
    fill_numbers(job, &s->meta);
    if (weight > STANDING_GROUPS || bytes_of(job) > STANDING_BYTES) {
        snprintf(s->meta.text, sizeof s->meta.text,
            "it has %llu groups so far, too many to show before it ends",
            (unsigned long long)groups);
        return;
    }
    fill_rows(self, job, s);
    self->standing_at =
        self->now + cost_us(job, weight, groups) * STANDING_SHARE / 1000;
    self->standing_made = self->now;
}

uint64_t
standing_look(
    coordinator_t *self, job_t *job, lt_RowsNow *meta, span_t *payload)
{
    job->rows_asked = self->now;
    if (job->state == lt_JobState_JOB_RUNNING && is_due(self, job)) {
        make(self, job);
    }
    *meta = (lt_RowsNow){0};
    *payload = (span_t){0};
    if (job->standing == NULL) {
        fill_numbers(job, meta);
        return 0;
    }
    *meta = job->standing->meta;
    meta->age_ms = (uint64_t)(self->now - job->standing->made);
    *payload = buf_span(&job->standing->payload);
    return (uint64_t)job->standing->made;
}

static void
send_standing(coordinator_t *self, uint64_t peer, job_t *job)
{
    lt_RowsNow meta;
    span_t payload;

    (void)standing_look(self, job, &meta, &payload);
    send_frame(self, OUT_CONTROL, peer, PROTO_ROWS_NOW, lt_RowsNow_fields,
        &meta, payload);
}

bool
on_rows(coordinator_t *self, const incoming_t *in)
{
    lt_JobRequest meta;

    if (frame_meta(in->frame, lt_JobRequest_fields, &meta) != ERR_OK) {
        return false;
    }
    job_t *job = job_asked(self, in, meta.job);
    if (job == NULL) {
        return true;
    }
    send_standing(self, in->peer, job);
    return true;
}
