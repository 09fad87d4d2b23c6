// SPDX-License-Identifier: Apache-2.0
// Archives in several shards. A part of a damaged archive says nothing: what it
// holds is known to be right only when all of it was unpacked, up to its last
// checksum. So the partials of its shards are kept until the last one is there,
// then counted together; one that is lost takes the others with it.
//
// They are committed one by one all the same, and in the journal: only their
// counting waits. What is kept is bounded as the tables are, by the budget of
// the job.
//
// Where the cuts are guesses, it may be they that are wrong, and not the file:
// then its parts are void, and one shard has all of it. That one is a new
// shard, and has not begun when the plan is said to have changed.
//
// Where a line is in the archive is known here alone, too. An executor says it
// from where its range begins, and how much the range holds.
#include "coordinator/coordinator_inside.h"

#include "common/base/xalloc.h"

#include <assert.h>
#include <stdlib.h>

typedef struct part {
    uint32_t shard;
    uint64_t begin; // of its range
    buf_t partial;
    totals_t totals;
} part_t;

struct whole {
    part_t *parts;
    size_t n, cap;
};

bool
whole_is(const plan_file_t *f)
{
    return !f->stream && f->n_shards > 1 &&
           f->compression != lt_Compression_COMPRESSION_NONE;
}

static size_t
bytes_of(size_t partial, const totals_t *totals)
{
    return sizeof(part_t) + partial + totals->n_samples * sizeof(sample_t);
}

void
whole_free(job_t *job, plan_file_t *f)
{
    struct whole *self = f->whole;

    if (self == NULL) {
        return;
    }
    for (size_t i = 0; i < self->n; i++) {
        budget_give_back(&job->kept,
            bytes_of(self->parts[i].partial.len, &self->parts[i].totals));
        buf_fini(&self->parts[i].partial);
        totals_fini(&self->parts[i].totals);
    }
    free(self->parts);
    free(self);
    f->whole = NULL;
}

static int
by_begin(const void *a, const void *b)
{
    const part_t *x = a, *y = b;

    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

// Lines of the part are so many bytes behind where it has them.
static void
move_samples(totals_t *totals, uint64_t by)
{
    for (size_t i = 0; i < totals->n_samples; i++) {
        uint64_t *offset = &totals->samples[i].offset;
        *offset = *offset > UINT64_MAX - by ? UINT64_MAX : *offset + by;
    }
}

static errcode_t
count_all(job_t *job, struct whole *self)
{
    uint64_t before = 0;
    errcode_t rc = ERR_OK;

    qsort(self->parts, self->n, sizeof *self->parts, by_begin);
    for (size_t i = 0; rc == ERR_OK && i < self->n; i++) {
        part_t *p = &self->parts[i];
        uint64_t unpacked = p->totals.files[0].unpacked;
        rc = partial_add_all(
            buf_span(&p->partial), job->tallies, job->shared->tables->n);
        if (rc == ERR_OK) {
            move_samples(&p->totals, before);
            sink_count(job, &p->totals);
            before =
                unpacked > UINT64_MAX - before ? UINT64_MAX : before + unpacked;
        }
    }
    return rc;
}

static void
keep(job_t *job, struct whole *self, uint32_t shard, span_t partial,
    totals_t *got)
{
    self->parts =
        xgrow(self->parts, &self->cap, self->n + 1, sizeof *self->parts);
    part_t *p = &self->parts[self->n++];
    *p = (part_t){.shard = shard,
        .begin = job->ranges[job->shards[shard].first].begin,
        .totals = *got};
    *got = (totals_t){0};
    buf_put_span(&p->partial, partial);
}

errcode_t
whole_add(job_t *job, uint32_t shard, span_t partial, totals_t *got)
{
    plan_file_t *f = &job->files[job->ranges[job->shards[shard].first].file];

    if (!budget_take(&job->kept, bytes_of(partial.len, got))) {
        return f->guessed ? ERR_BUSY : ERR_TOO_LARGE;
    }
    if (f->whole == NULL) {
        f->whole = xcalloc(1, sizeof *f->whole);
    }
    keep(job, f->whole, shard, partial, got);
    if (f->whole->n < f->n_shards) {
        return ERR_OK;
    }
    errcode_t rc = count_all(job, f->whole);
    whole_free(job, f);
    return rc;
}

// It is not lent any more, whoever was.
static void
take_back(coordinator_t *self, job_t *job, uint32_t shard, state_t state)
{
    plan_shard_t *s = &job->shards[shard];

    shard_not_pending(self, job, shard);
    job->n_done += s->state < SHARD_DONE;
    leases_remove_of(self, job, shard);
    s->state = (uint8_t)state;
}

void
whole_lose(coordinator_t *self, job_t *job, uint32_t file)
{
    whole_free(job, &job->files[file]);
    for (uint32_t i = 0; i < job->n_shards; i++) {
        plan_shard_t *s = &job->shards[i];
        if (job->ranges[s->first].file != file || s->state == SHARD_LOST) {
            continue;
        }
        if (s->state == SHARD_DONE) {
            s->state = SHARD_LOST; // who checks it goes on, see verify.c
        } else {
            take_back(self, job, i, SHARD_LOST);
        }
    }
    job->news = true;
}

static uint32_t
add_shard(job_t *job, uint32_t file, bool verify)
{
    const plan_file_t *f = &job->files[file];

    assert(job->n_shards < LIMIT_JOB_SHARDS);
    job->ranges = xgrow(
        job->ranges, &job->cap_ranges, job->n_ranges + 1, sizeof *job->ranges);
    job->shards = xgrow(
        job->shards, &job->cap_shards, job->n_shards + 1, sizeof *job->shards);
    budget_add(&job->plan, sizeof *job->ranges + BUDGETS_SHARD_BYTES);
    job->ranges[job->n_ranges] = (plan_range_t){file, 0, f->size};
    job->shards[job->n_shards] = (plan_shard_t){.bytes = f->size,
        .first = (uint32_t)job->n_ranges,
        .n = 1,
        .place = f->place,
        .verify = verify};
    job->n_ranges++;
    return (uint32_t)job->n_shards++;
}

uint32_t
whole_make(coordinator_t *self, job_t *job, uint32_t file)
{
    plan_file_t *f = &job->files[file];
    bool verify = false;

    assert(f->guessed && !f->missing);
    whole_free(job, f);
    for (uint32_t i = 0; i < job->n_shards; i++) {
        plan_shard_t *s = &job->shards[i];
        if (job->ranges[s->first].file != file) {
            continue;
        }
        verify = verify || s->verify;
        job->bytes_done -= s->state == SHARD_DONE ? s->bytes : 0;
        verify_void(self, job, i);
        take_back(self, job, i, SHARD_VOID);
        job->n_void++;
    }
    f->guessed = false;
    f->n_shards = 1;
    job->n_guessed--;
    job->news = true;
    return add_shard(job, file, verify);
}
