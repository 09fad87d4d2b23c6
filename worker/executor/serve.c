// SPDX-License-Identifier: Apache-2.0
#include "worker/executor/serve.h"

#include "common/base/xalloc.h"
#include "common/tally/partial.h"
#include "worker/executor/order.h"
#include "worker/executor/sealed.h"
#include "worker/executor/task.h"
#include "worker/scan/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PROGRESS_BYTES (8u << 20)
#define KEEP_BYTES     (16u << 20) // of a partial's memory, between orders

typedef struct serve {
    int sock;
    uint64_t told; // bytes, last progress
    buf_t bytes;
    buf_t partial;
    order_t order;
    scan_range_t ranges[LIMIT_SHARD_RANGES];
    file_edges_t edges[LIMIT_SHARD_RANGES]; // of the last file at that place
    task_packet_t packet;
} serve_t;

// Progress that finds no room is not worth waiting for.
static void
progress(void *ctx, uint64_t done)
{
    serve_t *self = ctx;

    if (done - self->told < PROGRESS_BYTES) {
        return;
    }
    self->told = done;
    if (task_send_progress(self->sock, done) == ERR_IO) {
        _exit(EXIT_FAILED); // nobody is left to count for
    }
}

static errcode_t
check_files(serve_t *self, const int *fds, scan_error_t *error)
{
    for (size_t i = 0; i < self->order.n_ranges; i++) {
        const order_range_t *r = &self->order.ranges[i];
        errcode_t rc =
            r->stream ? ERR_OK : file_id_check(fds[i], &r->id, &self->edges[i]);
        if (rc != ERR_OK) {
            error->file = r->file;
            snprintf(error->text, sizeof error->text, "%.900s: %s", r->path,
                err_text(rc));
            return rc;
        }
    }
    return ERR_OK;
}

static errcode_t
count(serve_t *self, const int *fds, scan_error_t *error)
{
    for (size_t i = 0; i < self->order.n_ranges; i++) {
        const order_range_t *r = &self->order.ranges[i];
        self->ranges[i] = (scan_range_t){.fd = fds[i],
            .file = r->file,
            .kind = (source_kind_t)r->compression,
            .stream = r->stream,
            .guessed = r->guessed,
            .size = r->id.size,
            .begin = r->begin,
            .end = r->end,
            .host = r->host,
            .path = r->path};
    }
    scan_job_t job = {.query = self->order.query,
        .format = self->order.format,
        .validate = self->order.validate,
        .ranges = self->ranges,
        .n_ranges = self->order.n_ranges,
        .budget = self->order.budget,
        .progress = progress,
        .ctx = self};
    errcode_t rc = check_files(self, fds, error);
    rc = rc == ERR_OK ? scan_shard(&job, &self->partial, error) : rc;
    return rc == ERR_OK ? check_files(self, fds, error) : rc;
}

static void
pack(serve_t *self)
{
    buf_t packed = {0};

    partial_pack(buf_span(&self->partial), &packed);
    buf_fini(&self->partial);
    self->partial = packed;
}

// ERR_MALFORMED: no order that a supervisor of ours gives.
static errcode_t
take_order(serve_t *self)
{
    task_packet_t *p = &self->packet;

    buf_clear(&self->bytes);
    if (task_take_order(p, &self->bytes) != ERR_OK ||
        order_decode(buf_span(&self->bytes), &self->order) != ERR_OK ||
        self->order.n_ranges != p->n_fds) {
        return ERR_MALFORMED;
    }
    return ERR_OK;
}

static errcode_t
answer(serve_t *self, errcode_t rc, const scan_error_t *error)
{
    task_done_t done = {.rc = rc, .file = error->file};
    int fd = -1;

    snprintf(done.text, sizeof done.text, "%s", error->text);
    if (rc == ERR_OK && self->partial.len <= TASK_HERE_MAX) {
        done.partial = buf_span(&self->partial);
    } else if (rc == ERR_OK &&
               sealed_new(buf_span(&self->partial), &fd) != ERR_OK) {
        done.rc = ERR_TOO_LARGE;
        snprintf(done.text, sizeof done.text,
            "no memory for a partial of %zu bytes", self->partial.len);
    }
    rc = task_send_done(self->sock, &done, fd);
    if (fd != -1) {
        close(fd);
    }
    return rc;
}

errcode_t
executor_serve(int sock)
{
    serve_t *self = xcalloc(1, sizeof *self);
    errcode_t rc;

    self->sock = sock;
    while ((rc = task_receive(sock, 0, &self->packet)) == ERR_OK) {
        scan_error_t error = {.file = UINT32_MAX};
        self->told = 0;
        buf_clear(&self->partial);
        rc = take_order(self);
        if (rc == ERR_OK) {
            rc = count(self, self->packet.fds, &error);
            if (rc == ERR_OK && self->order.pack) {
                pack(self);
            }
            rc = answer(self, rc, &error);
        }
        task_packet_fini(&self->packet);
        if (self->partial.cap > KEEP_BYTES) {
            buf_fini(&self->partial);
        }
        if (rc != ERR_OK) {
            break;
        }
    }
    buf_fini(&self->bytes);
    buf_fini(&self->partial);
    free(self);
    return rc;
}
