// SPDX-License-Identifier: Apache-2.0
// Files to shards. A shard is a list of ranges that one place can read: a
// piece of a large file, or many small files together. Streams are one range
// each, and so are archives but where their worker says where they can be cut.
#include "coordinator/coordinator_inside.h"

#include "common/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

// More would even out the end of a job better, but each shard of many keys
// costs a partial of nearly all of them.
#define SHARDS_PER_EXECUTOR 8u
#define PACKED              8u // logs pack to a tenth, or less

static uint64_t
executors_of(coordinator_t *self, const job_t *job)
{
    uint64_t n = 0;
    worker_t *w, *next;
    bool shared = false;

    for (size_t i = 0; i < job->n_places; i++) {
        shared = shared || job->places[i].home == NULL;
        n += job->places[i].home != NULL ? job->places[i].home->executors : 0;
    }
    if (shared) {
        n = 0;
        HASH_ITER(by_name, self->workers, w, next)
        {
            n += w->up ? w->executors : 0;
        }
    }
    return n > 0 ? n : 1;
}

// Bytes of a job that are not cut yet, and into what.
typedef struct cut {
    uint64_t left;
    uint64_t shard_bytes; // of all shards; 0: it depends on what is left
    uint64_t executors;
} cut_t;

static uint64_t
clamp(uint64_t bytes)
{
    return bytes < SHARD_MIN   ? SHARD_MIN
           : bytes > SHARD_MAX ? SHARD_MAX
                               : bytes;
}

// A local run schedules itself by guided self-scheduling (Polychronopoulos and
// Kuck, 1987): a shard is the share of one executor in what is left, so the
// first are large and the last even out the end. A worker may be far slower
// than others, or die with a large shard; a cluster gets equal ones.
static cut_t
cut_of(coordinator_t *self, const job_t *job)
{
    cut_t cut = {.left = job->bytes,
        .shard_bytes = job->shard_bytes,
        .executors = executors_of(self, job)};

    if (cut.shard_bytes == 0 && self->config.local_host == NULL) {
        cut.shard_bytes =
            clamp(job->bytes / (SHARDS_PER_EXECUTOR * cut.executors));
    }
    return cut;
}

static uint64_t
target_of(const cut_t *cut)
{
    return cut->shard_bytes > 0 ? cut->shard_bytes
                                : clamp(cut->left / cut->executors);
}

static errcode_t
add_range(job_t *job, uint32_t file, uint64_t begin, uint64_t end)
{
    uint32_t place = job->files[file].place;
    plan_shard_t *s =
        job->n_shards > 0 ? &job->shards[job->n_shards - 1] : NULL;
    bool opened = s != NULL && s->n == 0; // for this range

    if (!budgets_take_range(job, opened)) {
        return ERR_TOO_LARGE;
    }
    if (!opened) {
        if (!plan_has_room(job)) {
            return ERR_TOO_LARGE;
        }
        job->shards = xgrow(job->shards, &job->cap_shards, job->n_shards + 1,
            sizeof *job->shards);
        s = &job->shards[job->n_shards++];
        *s = (plan_shard_t){.first = (uint32_t)job->n_ranges, .place = place};
    }
    job->ranges = xgrow(
        job->ranges, &job->cap_ranges, job->n_ranges + 1, sizeof *job->ranges);
    job->ranges[job->n_ranges++] = (plan_range_t){file, begin, end};
    s->n++;
    s->bytes += end - begin;
    job->files[file].n_shards++;
    return ERR_OK;
}

static bool
is_archive(const plan_file_t *f)
{
    return !f->stream && f->compression != lt_Compression_COMPRESSION_NONE;
}

// Such a shard has nothing else: see whole.c.
static bool
is_part_of_archive(const job_t *job, const plan_shard_t *s)
{
    const plan_range_t *r = &job->ranges[s->first];
    const plan_file_t *f = &job->files[r->file];

    return s->n > 0 && is_archive(f) && r->end - r->begin < f->size;
}

// The file joins the last shard, where there is room for it.
static bool
bundle(job_t *job, uint32_t file, uint64_t target)
{
    const plan_file_t *f = &job->files[file];

    if (job->n_shards == 0 || f->stream) {
        return false;
    }
    plan_shard_t *s = &job->shards[job->n_shards - 1];
    if (is_part_of_archive(job, s)) {
        return false;
    }
    if (s->place != f->place || s->n >= LIMIT_SHARD_RANGES ||
        s->bytes > target || f->size > target - s->bytes ||
        !budgets_take_range(job, true)) {
        return false;
    }
    job->ranges = xgrow(
        job->ranges, &job->cap_ranges, job->n_ranges + 1, sizeof *job->ranges);
    job->ranges[job->n_ranges++] = (plan_range_t){file, 0, f->size};
    s->n++;
    s->bytes += f->size;
    job->files[file].n_shards++;
    return true;
}

// Equal pieces of what is left of the file: no small rest at the end.
static errcode_t
cut_range(job_t *job, uint32_t file, cut_t *cut)
{
    uint64_t size = job->files[file].size;
    errcode_t rc = ERR_OK;

    for (uint64_t at = 0; at < size && rc == ERR_OK;) {
        uint64_t target = target_of(cut);
        uint64_t n = (size - at) / target + ((size - at) % target != 0);
        uint64_t piece = (size - at) / n + ((size - at) % n != 0);
        rc = n > LIMIT_JOB_SHARDS ? ERR_TOO_LARGE
                                  : add_range(job, file, at, at + piece);
        at += piece;
        cut->left -= piece;
    }
    return rc;
}

// A byte of an archive takes as long as PACKED of a plain file. A size that was
// asked for is meant.
static uint64_t
packed_target(const job_t *job, const cut_t *cut)
{
    uint64_t target = target_of(cut);

    return job->shard_bytes > 0 ? target : target / PACKED;
}

static errcode_t
cut_archive(job_t *job, uint32_t file, cut_t *cut)
{
    plan_file_t *f = &job->files[file];
    errcode_t rc = ERR_OK;

    job->n_guessed += f->guessed;
    for (uint64_t at = 0; at < f->size && rc == ERR_OK;) {
        uint64_t target = packed_target(job, cut);
        uint64_t n = (f->size - at) / target + ((f->size - at) % target != 0);
        uint64_t piece = (f->size - at) / n + ((f->size - at) % n != 0);
        uint64_t end = cuts_next(f, at, piece);
        rc = add_range(job, file, at, end);
        cut->left -= end - at;
        at = end;
    }
    if (f->guessed && !whole_is(f)) {
        f->guessed = false; // one range after all
        job->n_guessed--;
    }
    return rc;
}

static errcode_t
cut_file(job_t *job, uint32_t file, cut_t *cut)
{
    const plan_file_t *f = &job->files[file];
    errcode_t rc = ERR_OK;

    if (f->size == 0 && !f->stream) {
        return ERR_OK;
    }
    if (!f->stream && !is_archive(f) && f->size > target_of(cut)) {
        return cut_range(job, file, cut);
    }
    if (f->n_cuts > 0 && f->size > packed_target(job, cut)) {
        return cut_archive(job, file, cut);
    }
    job->files[file].guessed = false;
    if (!bundle(job, file, target_of(cut))) {
        rc = add_range(job, file, 0, f->size);
    }
    cut->left -= f->size;
    return rc;
}

uint64_t
cuts_least(const job_t *job)
{
    return job->shard_bytes > 0 ? job->shard_bytes : SHARD_MIN / PACKED;
}

errcode_t
plan_cut(coordinator_t *self, job_t *job)
{
    errcode_t rc = ERR_OK;

    for (size_t i = 0; i < job->n_files; i++) {
        job->bytes += job->files[i].size;
    }
    cut_t cut = cut_of(self, job);
    for (size_t i = 0; i < job->n_files && rc == ERR_OK; i++) {
        rc = cut_file(job, (uint32_t)i, &cut);
        free(job->files[i].cuts);
        job->files[i].cuts = NULL;
        job->files[i].n_cuts = 0;
    }
    budgets_weigh_plan(job);
    return rc;
}
