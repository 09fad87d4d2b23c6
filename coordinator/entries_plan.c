// SPDX-License-Identifier: Apache-2.0
// The entries of a plan: files and shards in pieces, then PLAN, which says
// that they are whole.
#include "coordinator/entries_inside.h"

#include "common/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACES_MAX (LIMIT_WORKERS + 1)

void
entry_put_files(const job_t *job, size_t *at, buf_t *out)
{
    buf_put_u8(out, ENTRY_VERSION);
    for (; *at < job->n_files && out->len < ENTRY_PIECE; ++*at) {
        const plan_file_t *f = &job->files[*at];
        entry_put_text(out, f->path);
        buf_put_varint(out, f->place);
        buf_put_varint(out, f->source);
        buf_put_varint(out, f->device);
        buf_put_varint(out, f->inode);
        buf_put_varint(out, f->size);
        buf_put_zigzag(out, f->mtime_ns);
        buf_put(out, f->hash, sizeof f->hash);
        buf_put_u8(out, f->compression);
    }
}

static errcode_t
get_file(rd_t *r, plan_file_t *f)
{
    span_t hash;
    i128_t mtime = 0;
    errcode_t rc = entry_get_string(r, LIMIT_PATH - 1, &f->path);

    rc = rc != ERR_OK ? rc : entry_get_u32(r, &f->place);
    rc = rc != ERR_OK ? rc : entry_get_u32(r, &f->source);
    rc = rc != ERR_OK ? rc : rd_varint(r, &f->device);
    rc = rc != ERR_OK ? rc : rd_varint(r, &f->inode);
    rc = rc != ERR_OK ? rc : rd_varint(r, &f->size);
    rc = rc != ERR_OK ? rc : rd_zigzag(r, &mtime);
    rc = rc != ERR_OK ? rc : rd_bytes(r, sizeof f->hash, &hash);
    if (rc == ERR_OK) {
        f->mtime_ns = (int64_t)mtime;
        memcpy(f->hash, hash.p, sizeof f->hash);
        rc = mtime < INT64_MIN || mtime > INT64_MAX ? ERR_MALFORMED
                                                    : rd_u8(r, &f->compression);
    }
    return rc;
}

errcode_t
entry_get_files(span_t bytes, job_t *job)
{
    rd_t r;
    errcode_t rc = entry_open(bytes, &r);

    while (rc == ERR_OK && rd_left(&r) > 0) {
        plan_file_t f = {0};
        rc = job->n_files < LIMIT_JOB_FILES ? get_file(&r, &f) : ERR_TOO_LARGE;
        if (rc != ERR_OK) {
            free(f.path);
            break;
        }
        job->files = xgrow(
            job->files, &job->cap_files, job->n_files + 1, sizeof *job->files);
        job->files[job->n_files++] = f;
    }
    return rc;
}

void
entry_put_shards(const job_t *job, size_t *at, buf_t *out)
{
    buf_put_u8(out, ENTRY_VERSION);
    for (; *at < job->n_shards && out->len < ENTRY_PIECE; ++*at) {
        const plan_shard_t *s = &job->shards[*at];
        buf_put_varint(out, s->place);
        buf_put_varint(out, s->n);
        for (uint32_t i = 0; i < s->n; i++) {
            const plan_range_t *range = &job->ranges[s->first + i];
            buf_put_varint(out, range->file);
            buf_put_varint(out, range->begin);
            buf_put_varint(out, range->end - range->begin);
        }
    }
}

static errcode_t
get_range(rd_t *r, job_t *job)
{
    plan_range_t range = {0};
    uint64_t len = 0;
    errcode_t rc = entry_get_u32(r, &range.file);

    rc = rc != ERR_OK ? rc : rd_varint(r, &range.begin);
    rc = rc != ERR_OK ? rc : rd_varint(r, &len);
    if (rc == ERR_OK && __builtin_add_overflow(range.begin, len, &range.end)) {
        rc = ERR_MALFORMED;
    }
    if (rc == ERR_OK) {
        job->ranges = xgrow(job->ranges, &job->cap_ranges, job->n_ranges + 1,
            sizeof *job->ranges);
        job->ranges[job->n_ranges++] = range;
    }
    return rc;
}

static errcode_t
get_shard(rd_t *r, job_t *job)
{
    plan_shard_t s = {.first = (uint32_t)job->n_ranges};
    errcode_t rc = entry_get_u32(r, &s.place);

    rc = rc != ERR_OK ? rc : entry_get_u32(r, &s.n);
    if (rc == ERR_OK && (s.n == 0 || s.n > LIMIT_SHARD_RANGES)) {
        rc = ERR_MALFORMED;
    }
    for (uint32_t i = 0; i < s.n && rc == ERR_OK; i++) {
        rc = get_range(r, job);
        if (rc == ERR_OK) {
            const plan_range_t *range = &job->ranges[s.first + i];
            s.bytes += range->end - range->begin;
        }
    }
    if (rc == ERR_OK) {
        job->shards = xgrow(job->shards, &job->cap_shards, job->n_shards + 1,
            sizeof *job->shards);
        job->shards[job->n_shards++] = s;
    }
    return rc;
}

errcode_t
entry_get_shards(span_t bytes, job_t *job)
{
    rd_t r;
    errcode_t rc = entry_open(bytes, &r);

    while (rc == ERR_OK && rd_left(&r) > 0) {
        rc = job->n_shards < LIMIT_JOB_SHARDS ? get_shard(&r, job)
                                              : ERR_TOO_LARGE;
    }
    return rc;
}

static void
put_texts(buf_t *out, char *const *texts, size_t n)
{
    buf_put_varint(out, n);
    for (size_t i = 0; i < n; i++) {
        entry_put_text(out, texts[i]);
    }
}

// Nothing where there are none, so that a coordinator of before can go on.
static void
put_guessed(const job_t *job, buf_t *out)
{
    for (size_t i = 0; job->n_guessed > 0 && i < job->n_files; i++) {
        if (job->files[i].guessed) {
            buf_put_varint(out, i);
        }
    }
}

void
entry_put_plan(const job_t *job, buf_t *out)
{
    const receipt_t *told = &job->heard_of;

    buf_put_u8(out, ENTRY_VERSION);
    buf_put_varint(out, job->n_files);
    buf_put_varint(out, job->n_ranges);
    buf_put_varint(out, job->n_shards);
    buf_put_varint(out, job->n_places);
    for (size_t i = 0; i < job->n_places; i++) {
        buf_put_u8(out, job->places[i].home != NULL);
        entry_put_text(out, job->places[i].host);
    }
    put_texts(out, told->missing, told->n_missing);
    buf_put_varint(out, job->more_missing);
    put_texts(out, told->notes, told->n_notes);
    put_guessed(job, out);
}

static errcode_t
get_place(
    rd_t *r, job_t *job, worker_t *(*home)(void *, const char *), void *ctx)
{
    place_t *p = &job->places[job->n_places];
    bool one_host = false;
    errcode_t rc = entry_get_flag(r, &one_host);

    rc = rc != ERR_OK ? rc : entry_get_text(r, p->host, sizeof p->host);
    if (rc == ERR_OK && one_host) {
        p->home = home(ctx, p->host);
        rc = p->home == NULL ? ERR_MALFORMED : ERR_OK;
    }
    job->n_places += rc == ERR_OK;
    return rc;
}

static errcode_t
get_places(
    rd_t *r, job_t *job, worker_t *(*home)(void *, const char *), void *ctx)
{
    uint32_t n;
    errcode_t rc = entry_get_u32(r, &n);

    if (rc == ERR_OK && n > PLACES_MAX) {
        rc = ERR_TOO_LARGE;
    }
    if (rc == ERR_OK && n > 0) {
        job->places = xcalloc(n, sizeof *job->places);
        job->cap_places = n;
    }
    for (uint32_t i = 0; i < n && rc == ERR_OK; i++) {
        rc = get_place(r, job, home, ctx);
    }
    return rc;
}

static errcode_t
get_texts(rd_t *r, receipt_t *into, void (*add)(receipt_t *, const char *))
{
    char text[LIMIT_TEXT + LIMIT_PATH];
    uint32_t n;
    errcode_t rc = entry_get_u32(r, &n);

    for (uint32_t i = 0; i < n && rc == ERR_OK; i++) {
        rc = entry_get_text(r, text, sizeof text);
        if (rc == ERR_OK) {
            add(into, text);
        }
    }
    return rc;
}

static bool
file_is_sound(const job_t *job, const plan_file_t *f)
{
    return f->path[0] != '\0' && f->place < job->n_places &&
           f->source < job->n_sources &&
           f->compression <= lt_Compression_COMPRESSION_XZ;
}

// A shard with part of an archive has nothing else, see whole.c. next: where
// the next range of each file begins.
static bool
range_is_sound(const job_t *job, const plan_shard_t *s,
    const plan_range_t *range, uint64_t *next)
{
    if (range->file >= job->n_files) {
        return false;
    }
    const plan_file_t *f = &job->files[range->file];
    if (f->place != s->place || range->begin != next[range->file] ||
        range->end <= range->begin || range->end > f->size) {
        return false;
    }
    next[range->file] = range->end;
    return s->n == 1 || range->end - range->begin == f->size ||
           f->compression == lt_Compression_COMPRESSION_NONE;
}

static bool
shard_is_sound(const job_t *job, const plan_shard_t *s, uint64_t *next)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if (!range_is_sound(job, s, &job->ranges[s->first + i], next)) {
            return false;
        }
    }
    return s->place < job->n_places;
}

// Every byte of every file is in one shard.
static errcode_t
check_shards(job_t *job)
{
    uint64_t *next = xcalloc(job->n_files, sizeof *next);
    errcode_t rc = ERR_OK;

    for (size_t i = 0; i < job->n_shards && rc == ERR_OK; i++) {
        const plan_shard_t *s = &job->shards[i];
        rc = shard_is_sound(job, s, next) ? ERR_OK : ERR_MALFORMED;
        for (uint32_t k = 0; k < s->n && rc == ERR_OK; k++) {
            job->files[job->ranges[s->first + k].file].n_shards++;
        }
    }
    for (size_t i = 0; i < job->n_files && rc == ERR_OK; i++) {
        rc = next[i] == job->files[i].size ? ERR_OK : ERR_MALFORMED;
    }
    free(next);
    return rc;
}

static errcode_t
check_lists(job_t *job)
{
    for (size_t i = 0; i < job->n_files; i++) {
        if (!file_is_sound(job, &job->files[i])) {
            return ERR_MALFORMED;
        }
        if (__builtin_add_overflow(
                job->bytes, job->files[i].size, &job->bytes)) {
            return ERR_MALFORMED;
        }
    }
    return check_shards(job);
}

// The rest of the entry, which journals of before lack.
static errcode_t
get_guessed(rd_t *r, job_t *job)
{
    errcode_t rc = ERR_OK;

    while (rc == ERR_OK && rd_left(r) > 0) {
        uint32_t file = 0;
        rc = entry_get_u32(r, &file);
        if (rc == ERR_OK &&
            (file >= job->n_files || job->files[file].guessed ||
                !whole_is(&job->files[file]) || !plan_has_room(job))) {
            rc = ERR_MALFORMED;
        }
        if (rc == ERR_OK) {
            job->files[file].guessed = true;
            job->n_guessed++;
        }
    }
    return rc;
}

errcode_t
entry_get_plan(span_t bytes, job_t *job,
    worker_t *(*home)(void *ctx, const char *name), void *ctx)
{
    rd_t r;
    uint64_t files = 0, ranges = 0, shards = 0, more = 0;
    errcode_t rc = entry_open(bytes, &r);

    rc = rc != ERR_OK ? rc : rd_varint(&r, &files);
    rc = rc != ERR_OK ? rc : rd_varint(&r, &ranges);
    rc = rc != ERR_OK ? rc : rd_varint(&r, &shards);
    if (rc == ERR_OK && (files != job->n_files || ranges != job->n_ranges ||
                            shards != job->n_shards)) {
        rc = ERR_MALFORMED; // a piece is missing
    }
    rc = rc != ERR_OK ? rc : get_places(&r, job, home, ctx);
    rc = rc != ERR_OK ? rc : get_texts(&r, &job->heard_of, receipt_add_missing);
    rc = rc != ERR_OK ? rc : rd_varint(&r, &more);
    rc = rc != ERR_OK ? rc : get_texts(&r, &job->heard_of, receipt_add_note);
    job->more_missing = more;
    rc = rc != ERR_OK ? rc : check_lists(job);
    return rc != ERR_OK ? rc : get_guessed(&r, job);
}
