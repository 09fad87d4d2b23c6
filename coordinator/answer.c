// SPDX-License-Identifier: Apache-2.0
// From a job's merged tables to the result that is kept.
#include "coordinator/coordinator_inside.h"

#include "common/base/xalloc.h"
#include "common/tally/format_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
note_formats(const job_t *job, receipt_t *receipt)
{
    if (strcmp(job->format, "auto") != 0) {
        return;
    }
    for (unsigned f = 0; f < FORMAT_COUNT; f++) {
        uint64_t n = 0;
        const char *example = NULL;
        char text[LIMIT_TEXT];
        for (size_t i = 0; i < job->n_files; i++) {
            if (job->files[i].lines > 0 && job->files[i].format == f) {
                example = job->files[i].path;
                n++;
            }
        }
        if (n == 1) {
            snprintf(
                text, sizeof text, "%.800s is %s", example, format_names[f]);
        } else {
            snprintf(text, sizeof text, "%llu files are %s",
                (unsigned long long)n, format_names[f]);
        }
        if (n > 0) {
            receipt_add_note(receipt, text);
        }
    }
}

// Lines that come late may also be where nobody looked.
static void
note_disorder(const job_t *job, receipt_t *receipt)
{
    char text[LIMIT_TEXT];

    if (job->totals.disorder > 0) {
        snprintf(text, sizeof text,
            "lines that are more than two hours out of order, in files of "
            "which parts were left out by their times; --validate reads them "
            "whole");
        receipt_add_missing(receipt, text);
    }
}

static void
note_years(const job_t *job, receipt_t *receipt)
{
    if (job->totals.guessed > 0) {
        receipt_add_note(receipt,
            "times had no year; theirs is the one that fits when their file "
            "was last written");
    }
}

static void
fill_receipt(const job_t *job, receipt_t *r)
{
    r->totals = job->totals;
    r->totals.samples = NULL;
    r->totals.files = NULL;
    r->totals.n_samples = r->totals.n_files = r->totals.cap_files = 0;
    r->micros = (uint64_t)(job->ended - job->submitted) * 1000;
    r->shards = job_shards(job);
    r->retried = job->retried;
    for (size_t i = 0; i < job->n_files; i++) {
        const plan_file_t *f = &job->files[i];
        if (f->read || f->n_shards == 0) {
            r->files++;
            receipt_add_host(
                r, job->places[f->place].host, 1, f->bytes, f->lines);
        }
    }
    for (size_t i = 0; i < job->totals.n_samples; i++) {
        const sample_t *s = &job->totals.samples[i];
        const plan_file_t *f = &job->files[s->file];
        receipt_add_sample(r, job->places[f->place].host, f->path, s);
    }
    for (size_t i = 0; i < job->heard_of.n_missing; i++) {
        receipt_add_missing(r, job->heard_of.missing[i]);
    }
    if (job->more_missing > 0) {
        char text[80];
        snprintf(text, sizeof text, "and %llu more",
            (unsigned long long)job->more_missing);
        receipt_add_missing(r, text);
    }
    note_disorder(job, r);
    for (size_t i = 0; i < job->heard_of.n_notes; i++) {
        receipt_add_note(r, job->heard_of.notes[i]);
    }
    note_formats(job, r);
    note_years(job, r);
    verify_note(job, r);
    r->complete = r->n_missing == 0;
}

// Results on their way, by query.
typedef struct building {
    const job_t *job;
    result_t *results[LIMIT_QUERIES];
    errcode_t rc[LIMIT_QUERIES];
} building_t;

static void
build_one(void *ctx, size_t i)
{
    building_t *self = ctx;
    const job_t *job = self->job;
    const named_query_t *q = &job->queries->list[i];
    const share_t *share = &job->shared->list[i];
    size_t all;

    self->rc[i] = result_build_first(q->query, share,
        tallies_parts(job->tallies[share->table]), TALLY_PARTS, 0, &all,
        &self->results[i]);
    if (self->rc[i] == ERR_OK && q->name != NULL) {
        self->results[i]->name = xstrdup(q->name);
    }
}

void
answer_list_tables(const job_t *job)
{
    for (size_t i = 0; i < job->shared->tables->n; i++) {
        for (size_t p = 0; p < TALLY_PARTS; p++) {
            tally_list_values(tallies_parts(job->tallies[i])[p]);
        }
    }
}

// Of each query, in a chain. Nothing of a table changes meanwhile.
static errcode_t
build_results(const coordinator_t *self, const job_t *job, result_t **out)
{
    building_t *b = xcalloc(1, sizeof *b);
    errcode_t rc = ERR_OK;

    b->job = job;
    answer_list_tables(job);
    pool_run(self->pool, build_one, b, job->queries->n);
    *out = NULL;
    for (size_t i = job->queries->n; i-- > 0;) {
        if (b->rc[i] == ERR_OK) {
            b->results[i]->next = *out;
            *out = b->results[i];
        } else {
            rc = b->rc[i];
        }
    }
    free(b);
    return rc;
}

errcode_t
answer_keep(coordinator_t *self, job_t *job, uint64_t *size)
{
    result_t *result = NULL;
    buf_t bytes = {0};
    errcode_t rc = build_results(self, job, &result);

    if (rc == ERR_OK) {
        job->ended = self->now;
        fill_receipt(job, &result->receipt);
        result_encode(result, &bytes);
        rc = bytes.len > LIMIT_RESULT
                 ? ERR_TOO_LARGE
                 : self->config.store.put(
                       self->config.store.ctx, job->id, buf_span(&bytes));
        *size = bytes.len;
    }
    result_destroy(&result);
    buf_fini(&bytes);
    return rc;
}
