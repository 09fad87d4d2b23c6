// SPDX-License-Identifier: Apache-2.0
// The shards a worker holds: waiting, running, offered, failed.
#include "worker/supervisor_inside.h"

#include "common/base/xalloc.h"
#include "common/wire/credit.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

item_t *
sup_find(supervisor_t *self, uint64_t job, uint64_t shard)
{
    for (size_t i = 0; i < self->n_items; i++) {
        const shard_t *s = self->items[i]->shard;
        if (s->job == job && s->id == shard) {
            return self->items[i];
        }
    }
    return NULL;
}

void
sup_drop(supervisor_t *self, item_t *item)
{
    if (item->state == ITEM_RUNNING) {
        sup_leave_line(self, item);
    }
    for (size_t i = 0; i < self->n_items; i++) {
        if (self->items[i] == item) {
            self->n_items--;
            memmove(self->items + i, self->items + i + 1,
                (self->n_items - i) * sizeof *self->items);
            break;
        }
    }
    shard_destroy(&item->shard);
    buf_fini(&item->partial);
    free(item->text);
    free(item);
}

void
sup_drop_all(supervisor_t *self)
{
    while (self->n_items > 0) {
        sup_drop(self, self->items[self->n_items - 1]);
    }
}

static bool
has_room(const supervisor_t *self)
{
    uint64_t credit = 0;
    size_t n = 0;

    for (size_t i = 0; i < self->n_items; i++) {
        if (self->items[i]->state <= ITEM_RUNNING) {
            credit += self->items[i]->credit;
            n++;
        }
    }
    return n < CREDIT_SHARDS && credit < (uint64_t)self->config.executors *
                                             CREDIT_PER_EXECUTOR * CREDIT_WHOLE;
}

static uint32_t
credit_of_shard(const shard_t *shard)
{
    uint32_t credit = 0;

    for (size_t i = 0; i < shard->n_ranges; i++) {
        const shard_range_t *r = &shard->ranges[i];
        credit = credit_add(
            credit, credit_of(r->end - r->begin,
                        !r->stream &&
                            r->compression == lt_Compression_COMPRESSION_NONE));
    }
    return credit;
}

static void
send_failure(supervisor_t *self, const shard_t *shard, errcode_t rc,
    uint32_t file, const char *text)
{
    lt_ShardFailed meta = {.incarnation = self->config.incarnation,
        .job = shard->job,
        .shard = shard->id,
        .attempt = shard->attempt,
        .error = rc,
        .file = file};

    snprintf(meta.text, sizeof meta.text, "%s", text);
    frame_encode(&sup_push(self, SUP_SINK)->frame, PROTO_SHARD_FAILED,
        self->epoch, lt_ShardFailed_fields, &meta, (span_t){0});
}

void
sup_accept(supervisor_t *self, shard_t *shard)
{
    item_t *held = sup_find(self, shard->job, shard->id);

    if (held != NULL && held->shard->attempt >= shard->attempt) {
        shard_destroy(&shard);
        return;
    }
    if (held != NULL) {
        sup_drop(self, held);
    }
    if (!has_room(self)) {
        send_failure(self, shard, ERR_BUSY, UINT32_MAX,
            "the worker holds all the shards it has room for");
        shard_destroy(&shard);
        return;
    }
    item_t *item = xcalloc(1, sizeof *item);
    item->shard = shard;
    item->epoch = self->epoch;
    item->seq = ++self->seq;
    item->credit = credit_of_shard(shard);
    for (size_t i = 0; i < self->n_items; i++) {
        if (self->items[i]->shard->job == shard->job) {
            item->turn = self->items[i]->turn;
        }
    }
    self->items = xgrow(
        self->items, &self->cap_items, self->n_items + 1, sizeof *self->items);
    self->items[self->n_items++] = item;
    sup_start_free(self);
}

void
sup_cancel(supervisor_t *self, uint64_t job, uint64_t shard)
{
    for (size_t i = self->n_items; i-- > 0;) {
        const shard_t *s = self->items[i]->shard;
        if (s->job == job && (shard == SUP_ALL_SHARDS || s->id == shard)) {
            sup_drop(self, self->items[i]);
        }
    }
    sup_start_free(self);
}

void
sup_offer(supervisor_t *self, item_t *item)
{
    lt_OfferMessage meta = {.incarnation = self->config.incarnation,
        .has_offer = true,
        .offer = {.job = item->shard->job,
            .shard = item->shard->id,
            .attempt = item->shard->attempt,
            .bytes = item->partial.len,
            .epoch = item->epoch}};

    memcpy(meta.offer.hash, item->hash, sizeof item->hash);
    item->granted = false;
    item->sent = 0;
    if (self->registered) {
        frame_encode(&sup_push(self, SUP_CONTROL)->frame, PROTO_OFFER,
            self->epoch, lt_OfferMessage_fields, &meta, (span_t){0});
    }
}

void
sup_fail(supervisor_t *self, item_t *item, errcode_t rc, uint32_t file,
    const char *text)
{
    self->n_failed++;
    item->state = ITEM_FAILED;
    item->rc = rc;
    item->file = file;
    item->text = xstrdup(text);
    item->due_ms = self->now;
    sup_work_due(self);
}

// A pipe may be silent for as long as its writer likes.
static bool
reads_stream(const item_t *item)
{
    for (size_t i = 0; i < item->shard->n_ranges; i++) {
        if (item->shard->ranges[i].stream) {
            return true;
        }
    }
    return false;
}

// An executor that is stuck would keep its shard for as long as we mention
// it in heartbeats. After a stop of this process itself nobody is blamed.
void
sup_watch_running(supervisor_t *self)
{
    bool stood = self->now - self->ticked >= SUP_STOOD_MS;

    self->ticked = self->now;
    for (uint32_t slot = 0; slot < self->config.executors; slot++) {
        item_t *it = self->lines[slot].first;
        if (it == NULL) {
            continue;
        }
        if (stood) {
            it->alive_ms = self->now;
        } else if (self->now - it->alive_ms >= EXECUTOR_SILENT_MS &&
                   !reads_stream(it)) {
            sup_leave_line(self, it);
            sup_fail(self, it, ERR_CRASHED, UINT32_MAX,
                "the executor made no progress for a minute and was ended");
        }
    }
    sup_start_free(self);
}

// Failures are repeated until acknowledged, and not for ever; partials that
// were sent and not acknowledged are offered again.
void
sup_work_due(supervisor_t *self)
{
    for (size_t i = self->n_items; i-- > 0 && self->registered;) {
        item_t *it = self->items[i];
        if (it->due_ms > self->now) {
            continue;
        }
        if (it->state == ITEM_FAILED && it->tries == SUP_FAIL_TRIES) {
            sup_drop(self, it);
        } else if (it->state == ITEM_FAILED) {
            it->tries++;
            it->due_ms = self->now + SUP_ACK_MS;
            send_failure(self, it->shard, it->rc, it->file, it->text);
        } else if (it->state == ITEM_OFFERED && it->granted &&
                   it->sent == it->partial.len) {
            sup_offer(self, it);
        }
    }
}

static void
encode_chunk(supervisor_t *self, item_t *it, buf_t *out)
{
    size_t left = it->partial.len - it->sent;
    size_t len = left < LIMIT_CHUNK ? left : LIMIT_CHUNK;
    lt_Partial meta = {.incarnation = self->config.incarnation,
        .job = it->shard->job,
        .shard = it->shard->id,
        .attempt = it->shard->attempt,
        .offset = it->sent,
        .total = it->partial.len,
        .last = len == left};

    if (meta.last) {
        meta.hash.size = sizeof it->hash;
        memcpy(meta.hash.bytes, it->hash, sizeof it->hash);
    }
    frame_encode(out, PROTO_PARTIAL, self->epoch, lt_Partial_fields, &meta,
        (span_t){it->partial.p + it->sent, len});
    it->sent += len;
    it->due_ms = self->now + SUP_ACK_MS;
}

// Chunks are made one at a time, when the driver asks: a large partial is
// never in memory twice.
bool
sup_next_chunk(supervisor_t *self, sup_output_t *out)
{
    if (!self->registered || self->now < self->sink_pause) {
        return false;
    }
    for (size_t i = 0; i < self->n_items; i++) {
        item_t *it = self->items[i];
        if (it->state == ITEM_OFFERED && it->granted &&
            it->sent < it->partial.len) {
            memset(out, 0, sizeof *out);
            out->kind = SUP_SINK;
            encode_chunk(self, it, &out->frame);
            return true;
        }
    }
    return false;
}

void
supervisor_progress(
    supervisor_t *self, uint32_t slot, uint64_t bytes_done, int64_t now_ms)
{
    item_t *it = sup_reporting(self, slot);

    self->now = now_ms;
    if (it != NULL) {
        it->bytes_done = bytes_done;
        it->alive_ms = now_ms;
    }
}

void
supervisor_done(supervisor_t *self, uint32_t slot, errcode_t rc, buf_t *partial,
    uint32_t file, const char *text, int64_t now_ms)
{
    item_t *it = sup_reporting(self, slot);

    self->now = now_ms;
    if (it == NULL) {
        if (partial != NULL) {
            buf_fini(partial);
        }
        return;
    }
    sup_advance_line(self, slot);
    if (rc == ERR_CRASHED) {
        sup_break_line(self, slot);
    }
    if (rc == ERR_OK && (partial == NULL || partial->len == 0)) {
        rc = ERR_CORRUPT;
        text = "the executor returned an empty partial";
    }
    if (rc != ERR_OK) {
        sup_fail(self, it, rc, file, text == NULL ? err_text(rc) : text);
    } else {
        self->n_counted++;
        it->state = ITEM_OFFERED;
        it->partial = *partial;
        *partial = (buf_t){0};
        crypto_generichash(
            it->hash, sizeof it->hash, it->partial.p, it->partial.len, NULL, 0);
        sup_offer(self, it);
    }
    sup_start_free(self);
}

void
supervisor_not_started(supervisor_t *self, const shard_t *shard, errcode_t rc,
    uint32_t file, const char *text, int64_t now_ms)
{
    self->now = now_ms;
    item_t *it = sup_find(self, shard->job, shard->id);
    if (it == NULL || it->shard != shard || it->state != ITEM_RUNNING) {
        return;
    }
    sup_not_given(self, it);
    if (rc != ERR_BUSY) {
        sup_fail(self, it, rc, file, text);
    }
    sup_start_free(self);
}

void
supervisor_sink_busy(supervisor_t *self, span_t bytes, int64_t now_ms)
{
    frame_t frame;
    lt_Partial part;
    lt_ShardFailed failed;
    item_t *it;

    self->now = now_ms;
    self->sink_pause = now_ms + SUP_SINK_PAUSE_MS;
    if (frame_decode(bytes, &frame) != ERR_OK) {
        return;
    }
    if (frame.type == PROTO_PARTIAL &&
        frame_meta(&frame, lt_Partial_fields, &part) == ERR_OK) {
        it = sup_find(self, part.job, part.shard);
        if (it != NULL && it->granted && it->shard->attempt == part.attempt &&
            part.offset < it->sent) {
            it->sent = part.offset;
        }
    } else if (frame.type == PROTO_SHARD_FAILED &&
               frame_meta(&frame, lt_ShardFailed_fields, &failed) == ERR_OK) {
        it = sup_find(self, failed.job, failed.shard);
        if (it != NULL && it->state == ITEM_FAILED && it->tries > 0) {
            it->tries--;
            it->due_ms = self->sink_pause;
        }
    }
}
