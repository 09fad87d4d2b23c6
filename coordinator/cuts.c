// SPDX-License-Identifier: Apache-2.0
// Where archives may be cut: what the worker says that listed them. It is
// believed as far as that a cut is inside the file; the executor that reads up
// to it finds out whether a member ends there. One that the worker guessed
// may be wrong in a file that is sound, see change_whole.
#include "coordinator/coordinator_inside.h"

#include "common/base/xalloc.h"

#include <stdlib.h>

bool
plan_has_room(const job_t *job)
{
    return job->n_shards + job->n_guessed < LIMIT_JOB_SHARDS;
}

void
plan_file_fini(plan_file_t *f)
{
    free(f->path);
    free(f->cuts);
    f->path = NULL;
    f->cuts = NULL;
    f->n_cuts = 0;
}

static errcode_t
put_cut(plan_file_t *f, size_t *cap, uint64_t distance)
{
    uint64_t last = f->n_cuts > 0 ? f->cuts[f->n_cuts - 1] : 0;

    if (distance == 0 || distance >= f->size - last) {
        return ERR_MALFORMED;
    }
    if (f->n_cuts >= LIMIT_CUTS) {
        return ERR_TOO_LARGE;
    }
    f->cuts = xgrow(f->cuts, cap, f->n_cuts + 1u, sizeof *f->cuts);
    f->cuts[f->n_cuts++] = last + distance;
    return ERR_OK;
}

static errcode_t
take_one(job_t *job, size_t first, const lt_Cuts *record)
{
    rd_t r = rd_init((span_t){record->at.bytes, record->at.size});
    size_t cap = 0;

    if (record->file >= job->n_files - first) {
        return ERR_MALFORMED;
    }
    plan_file_t *f = &job->files[first + record->file];
    errcode_t rc =
        f->compression == lt_Compression_COMPRESSION_NONE || f->n_cuts > 0
            ? ERR_MALFORMED
            : ERR_OK;
    while (rc == ERR_OK && rd_left(&r) > 0) {
        uint64_t distance;
        rc = rd_varint(&r, &distance);
        rc = rc != ERR_OK ? rc : put_cut(f, &cap, distance);
    }
    if (rc == ERR_OK && f->n_cuts > 0) {
        f->cuts = xrealloc(f->cuts, f->n_cuts * sizeof *f->cuts);
    }
    if (rc == ERR_OK && !budget_take(&job->plan, f->n_cuts * sizeof *f->cuts)) {
        rc = ERR_TOO_LARGE;
    }
    f->guessed = record->guessed;
    return rc;
}

errcode_t
cuts_take(job_t *job, size_t first, uint32_t n_cuts, rd_t *r)
{
    lt_Cuts *record = NULL;
    errcode_t rc = ERR_OK;

    for (uint32_t i = 0; i < n_cuts && rc == ERR_OK; i++) {
        record = record != NULL ? record : xmalloc(sizeof *record);
        rc = record_get(r, lt_Cuts_fields, record);
        rc = rc != ERR_OK ? rc : take_one(job, first, record);
    }
    free(record);
    return rc;
}

uint64_t
cuts_next(const plan_file_t *f, uint64_t at, uint64_t piece)
{
    size_t low = 0;
    size_t high = f->n_cuts;

    while (low < high) { // the first that is far enough
        size_t middle = low + (high - low) / 2;
        bool near = f->cuts[middle] <= at || f->cuts[middle] - at < piece;
        low = near ? middle + 1 : low;
        high = near ? high : middle;
    }
    return low < f->n_cuts ? f->cuts[low] : f->size;
}
