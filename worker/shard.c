// SPDX-License-Identifier: Apache-2.0
#include "worker/shard.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

void
shard_destroy(shard_t **self_p)
{
    shard_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    for (size_t i = 0; i < self->n_ranges; i++) {
        free(self->ranges[i].path);
        free(self->ranges[i].host);
    }
    free(self->ranges);
    free(self->query);
    free(self->format);
    free(self);
    *self_p = NULL;
}

static bool
is_sound(const lt_Range *r, uint32_t n_files)
{
    return r->has_file && r->file_index < n_files && r->begin <= r->end &&
           r->file.compression <= lt_Compression_COMPRESSION_XZ &&
           (r->stream || (r->end <= r->file.size && r->file.path[0] != '\0'));
}

static void
take_range(shard_range_t *to, const lt_Range *from)
{
    to->file = from->file_index;
    to->path = xstrdup(from->file.path);
    to->host = xstrdup(from->host);
    to->device = from->file.device;
    to->inode = from->file.inode;
    to->size = from->file.size;
    to->mtime_ns = from->file.mtime_ns;
    memcpy(to->hash, from->file.hash, sizeof to->hash);
    to->compression = (uint8_t)from->file.compression;
    to->begin = from->begin;
    to->end = from->end;
    to->shared = from->shared;
    to->stream = from->stream;
    to->guessed = from->guessed;
}

static errcode_t
decode_ranges(shard_t *self, uint32_t n, span_t payload)
{
    rd_t r = rd_init(payload);
    lt_Range *range = xmalloc(sizeof *range);
    errcode_t rc = ERR_OK;

    self->ranges = xcalloc(n, sizeof *self->ranges);
    while (self->n_ranges < n && rc == ERR_OK) {
        rc = record_get(&r, lt_Range_fields, range);
        if (rc == ERR_OK && !is_sound(range, self->n_files_in_job)) {
            rc = ERR_MALFORMED;
        }
        if (rc == ERR_OK) {
            take_range(&self->ranges[self->n_ranges++], range);
        }
    }
    free(range);
    return rc == ERR_OK ? rd_end(&r) : rc;
}

errcode_t
shard_decode(const frame_t *frame, shard_t **out)
{
    lt_Shard *meta = xmalloc(sizeof *meta);
    errcode_t rc = frame_meta(frame, lt_Shard_fields, meta);

    *out = NULL;
    if (rc == ERR_OK && (meta->n_ranges > LIMIT_SHARD_RANGES ||
                            meta->n_files_in_job > LIMIT_JOB_FILES)) {
        rc = ERR_TOO_LARGE;
    }
    if (rc == ERR_OK && (meta->n_ranges == 0 || meta->query[0] == '\0')) {
        rc = ERR_MALFORMED;
    }
    if (rc == ERR_OK) {
        shard_t *self = xcalloc(1, sizeof *self);
        self->incarnation = meta->incarnation;
        self->job = meta->job;
        self->id = meta->shard;
        self->attempt = meta->attempt;
        self->n_files_in_job = meta->n_files_in_job;
        self->validate = meta->validate;
        self->query = xstrdup(meta->query);
        self->format = xstrdup(meta->format[0] ? meta->format : "auto");
        rc = decode_ranges(self, meta->n_ranges, frame->payload);
        if (rc == ERR_OK) {
            *out = self;
        } else {
            shard_destroy(&self);
        }
    }
    free(meta);
    return rc;
}

file_id_t
shard_range_id(const shard_range_t *range)
{
    file_id_t id = {.device = range->device,
        .inode = range->inode,
        .size = range->size,
        .mtime_ns = range->mtime_ns,
        .shared = range->shared};

    memcpy(id.hash, range->hash, sizeof id.hash);
    return id;
}
