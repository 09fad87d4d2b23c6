// SPDX-License-Identifier: Apache-2.0
// The protocol side: registration, heartbeats, messages, lists.
#include "worker/supervisor_inside.h"

#include "common/base/xalloc.h"
#include "common/tally/partial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_PAYLOAD (LIMIT_CONTROL - LIMIT_CUTS_BYTES - 16384u)

sup_output_t *
sup_push(supervisor_t *self, sup_kind_t kind)
{
    sup_output_t *out = xcalloc(1, sizeof *out);

    out->kind = kind;
    self->out =
        xgrow(self->out, &self->cap_out, self->n_out + 1, sizeof *self->out);
    self->out[self->n_out++] = out;
    return out;
}

supervisor_t *
supervisor_new(const supervisor_config_t *config, int64_t now_ms)
{
    supervisor_t *self = xcalloc(1, sizeof *self);

    self->config = *config;
    self->now = self->ticked = now_ms;
    self->heartbeat_ms = HEARTBEAT_MS;
    self->lines = xcalloc(config->executors, sizeof *self->lines);
    return self;
}

void
supervisor_destroy(supervisor_t **self_p)
{
    supervisor_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    sup_drop_all(self);
    for (size_t i = 0; i < self->n_out; i++) {
        buf_fini(&self->out[i]->frame);
        free(self->out[i]);
    }
    free(self->out);
    free(self->items);
    free(self->lines);
    free(self);
    *self_p = NULL;
}

static void
send_register(supervisor_t *self)
{
    lt_Register meta = {.version_min = PROTOCOL_VERSION,
        .version_max = PROTOCOL_VERSION,
        .incarnation = self->config.incarnation,
        .software = "logtally " LOGTALLY_VERSION,
        .executors = self->config.executors,
        .intake_port = self->config.intake_port,
        .n_labels = (uint32_t)self->config.n_labels,
        .partial = PARTIAL_VERSION,
        .dials = self->config.dials,
        .open_files = self->config.open_files};
    buf_t labels = {0};

    snprintf(meta.name, sizeof meta.name, "%s", self->config.name);
    if (self->config.intake_address != NULL) {
        snprintf(meta.intake_address, sizeof meta.intake_address, "%s",
            self->config.intake_address);
    }
    snprintf(meta.sandbox, sizeof meta.sandbox, "%s",
        self->config.sandbox == NULL ? "" : self->config.sandbox);
    for (size_t i = 0; i < self->config.n_labels; i++) {
        lt_Label label = {0};
        snprintf(label.label, sizeof label.label, "%s", self->config.labels[i]);
        record_put(&labels, lt_Label_fields, &label);
    }
    frame_encode(&sup_push(self, SUP_CONTROL)->frame, PROTO_REGISTER, 0,
        lt_Register_fields, &meta, buf_span(&labels));
    buf_fini(&labels);
}

void
supervisor_connected(supervisor_t *self, int64_t now_ms)
{
    self->now = now_ms;
    self->connected = true;
    self->registered = false;
    self->last_ack = now_ms;
    send_register(self);
}

// Said again with each heartbeat: the coordinator may have come to know this
// worker after its lane, or have lost what was said.
static void
send_lane(supervisor_t *self)
{
    const lt_Lane meta = {.incarnation = self->config.incarnation};

    if (self->config.dials && self->registered) {
        frame_encode(&sup_push(self, SUP_LANE)->frame, PROTO_LANE, self->epoch,
            lt_Lane_fields, &meta, (span_t){0});
    }
}

void
supervisor_lane_up(supervisor_t *self, int64_t now_ms)
{
    self->now = now_ms;
    send_lane(self);
}

void
supervisor_bye(supervisor_t *self, const char *reason, int64_t now_ms)
{
    lt_Bye meta = {.incarnation = self->config.incarnation};

    self->now = now_ms;
    if (!self->registered) {
        return;
    }
    snprintf(meta.reason, sizeof meta.reason, "%s", reason);
    frame_encode(&sup_push(self, SUP_CONTROL)->frame, PROTO_BYE, self->epoch,
        lt_Bye_fields, &meta, (span_t){0});
    self->connected = self->registered = false;
}

static void
put_held(const supervisor_t *self, const item_t *it, buf_t *payload)
{
    lt_Held held = {.job = it->shard->job,
        .shard = it->shard->id,
        .attempt = it->shard->attempt,
        .bytes_done = it->bytes_done,
        .running =
            it->state == ITEM_RUNNING && self->lines[it->slot].first == it,
        .epoch = it->epoch};

    record_put(payload, lt_Held_fields, &held);
}

static void
put_offer(const item_t *it, buf_t *payload)
{
    lt_Offer offer = {.job = it->shard->job,
        .shard = it->shard->id,
        .attempt = it->shard->attempt,
        .bytes = it->partial.len,
        .epoch = it->epoch};

    memcpy(offer.hash, it->hash, sizeof it->hash);
    record_put(payload, lt_Offer_fields, &offer);
}

static void
send_heartbeat(supervisor_t *self)
{
    lt_Heartbeat meta = {.incarnation = self->config.incarnation,
        .seq = ++self->beat_seq,
        .wall_ms = self->wall_told ? self->now + self->wall_ms : 0};
    buf_t payload = {0};

    snprintf(meta.trouble, sizeof meta.trouble, "%s", self->trouble);
    for (size_t i = 0; i < self->n_items; i++) {
        if (self->items[i]->state <= ITEM_RUNNING) {
            put_held(self, self->items[i], &payload);
            meta.n_held++;
        }
    }
    for (size_t i = 0; i < self->n_items; i++) {
        if (self->items[i]->state == ITEM_OFFERED &&
            meta.n_offers < SUP_OFFERS_MAX) {
            put_offer(self->items[i], &payload);
            meta.n_offers++;
        }
    }
    frame_encode(&sup_push(self, SUP_CONTROL)->frame, PROTO_HEARTBEAT,
        self->epoch, lt_Heartbeat_fields, &meta, buf_span(&payload));
    buf_fini(&payload);
}

void
supervisor_health(supervisor_t *self, int64_t wall_ms, const char *trouble)
{
    self->wall_told = true;
    self->wall_ms = wall_ms;
    snprintf(self->trouble, sizeof self->trouble, "%s", trouble);
}

int64_t
supervisor_tick(supervisor_t *self, int64_t now_ms)
{
    self->now = now_ms;
    sup_watch_running(self);
    if (!self->connected) {
        return self->heartbeat_ms;
    }
    if (now_ms - self->last_ack >= 3 * self->heartbeat_ms) {
        self->connected = self->registered = false;
        sup_push(self, SUP_RECONNECT);
        return self->heartbeat_ms;
    }
    if (self->registered && now_ms >= self->next_beat) {
        self->next_beat = now_ms + self->heartbeat_ms;
        send_heartbeat(self);
        send_lane(self);
    }
    sup_work_due(self);
    int64_t wait = self->registered ? self->next_beat - now_ms : 100;
    if (self->sink_pause > now_ms && self->sink_pause - now_ms < wait) {
        wait = self->sink_pause - now_ms;
    }
    return wait;
}

bool
supervisor_next(supervisor_t *self, sup_output_t *out)
{
    if (self->n_out == 0) {
        return sup_next_chunk(self, out);
    }
    *out = *self->out[0];
    free(self->out[0]);
    self->n_out--;
    memmove(self->out, self->out + 1, self->n_out * sizeof *self->out);
    return true;
}

bool
supervisor_is_idle(const supervisor_t *self)
{
    return self->n_items == 0 && self->n_out == 0;
}

static void
refused_lane(supervisor_t *self)
{
    sup_output_t *out = sup_push(self, SUP_REFUSED);

    snprintf(out->text, sizeof out->text,
        "the coordinator has no port for workers with transport = dial; "
        "install the release of this worker there");
    out->exit = EXIT_UNREACHABLE;
}

static void
open_lane(supervisor_t *self, const lt_Registered *meta)
{
    sup_output_t *out = sup_push(self, SUP_LANE_OPEN);

    out->lane_port = (uint16_t)meta->lane_port;
    // Of the coordinator before this one nothing comes any more.
    out->keep = self->epoch == meta->epoch;
}

static void
on_registered(supervisor_t *self, const frame_t *frame)
{
    lt_Registered meta;

    if (frame_meta(frame, lt_Registered_fields, &meta) != ERR_OK ||
        meta.epoch == 0 || meta.sink_port > UINT16_MAX ||
        meta.lane_port > UINT16_MAX) {
        return;
    }
    if (self->config.dials && meta.lane_port == 0) {
        refused_lane(self);
        return;
    }
    if (self->config.dials) {
        open_lane(self, &meta);
    }
    // A coordinator that comes after another goes on with its jobs, and says
    // which of our shards it does not know.
    if (self->epoch != 0 && self->epoch != meta.epoch) {
        self->n_lists = 0;
    }
    self->epoch = meta.epoch;
    self->registered = true;
    self->heartbeat_ms = meta.heartbeat_ms >= 10 && meta.heartbeat_ms <= 60000
                             ? meta.heartbeat_ms
                             : HEARTBEAT_MS;
    self->last_ack = self->now;
    self->next_beat = self->now;
    sup_push(self, SUP_SINK_OPEN)->sink_port = (uint16_t)meta.sink_port;
    for (size_t i = 0; i < self->n_items; i++) {
        if (self->items[i]->state == ITEM_OFFERED) {
            sup_offer(self, self->items[i]);
        }
    }
}

static void
on_refused(supervisor_t *self, const frame_t *frame)
{
    lt_Refused meta;

    if (frame_meta(frame, lt_Refused_fields, &meta) == ERR_OK) {
        sup_output_t *out = sup_push(self, SUP_REFUSED);
        snprintf(out->text, sizeof out->text, "%s", meta.text);
        out->exit = meta.exit;
    }
}

// Another worker of this name came, or the coordinator stops. To register
// again at once would only start a quarrel.
static void
on_bye(supervisor_t *self, const frame_t *frame)
{
    lt_Bye meta;

    if (frame_meta(frame, lt_Bye_fields, &meta) == ERR_OK &&
        meta.incarnation == self->config.incarnation) {
        sup_output_t *out = sup_push(self, SUP_REFUSED);
        snprintf(out->text, sizeof out->text, "%s", meta.reason);
        self->connected = self->registered = false;
    }
}

static void
on_unknown(supervisor_t *self, const frame_t *frame)
{
    lt_Unknown meta;

    if (frame_meta(frame, lt_Unknown_fields, &meta) == ERR_OK &&
        meta.incarnation == self->config.incarnation && self->registered) {
        self->registered = false;
        send_register(self);
    }
}

static void
on_ack(supervisor_t *self, const frame_t *frame)
{
    lt_HeartbeatAck meta;

    if (frame_meta(frame, lt_HeartbeatAck_fields, &meta) == ERR_OK &&
        meta.seq <= self->beat_seq) {
        self->last_ack = self->now;
    }
}

static void
on_list(supervisor_t *self, const frame_t *frame)
{
    lt_List *meta = xmalloc(sizeof *meta);

    if (frame_meta(frame, lt_List_fields, meta) == ERR_OK) {
        bool room = self->n_lists < SUP_LISTS_MAX;
        size_t at = room ? self->n_lists++ : SUP_LISTS_MAX - 1;
        uint64_t old_request = self->lists[at].request;
        uint64_t old_job = self->lists[at].job;
        self->lists[at].request = meta->request;
        self->lists[at].job = meta->job;
        if (room) {
            sup_output_t *out = sup_push(self, SUP_LIST);
            out->request = meta->request;
            out->shared = meta->shared;
            out->cuts_from = meta->cuts_from;
            out->guess_bytes = meta->guess_bytes < LIMIT_GUESS_BYTES
                                   ? meta->guess_bytes
                                   : LIMIT_GUESS_BYTES;
            snprintf(out->pattern, sizeof out->pattern, "%s", meta->pattern);
        } else {
            supervisor_listed(self, meta->request, NULL, 0, false, ERR_BUSY,
                "the worker has too many lists to make", self->now);
            self->lists[at].request = old_request;
            self->lists[at].job = old_job;
        }
    }
    free(meta);
}

static void
on_grant(supervisor_t *self, const frame_t *frame)
{
    lt_Grant meta;

    if (frame_meta(frame, lt_Grant_fields, &meta) == ERR_OK) {
        item_t *it = sup_find(self, meta.job, meta.shard);
        if (it != NULL && it->state == ITEM_OFFERED && !it->granted &&
            it->shard->attempt == meta.attempt) {
            it->granted = true;
            it->sent = 0;
        }
    }
}

static void
on_result_ack(supervisor_t *self, const frame_t *frame)
{
    lt_ResultAck meta;

    if (frame_meta(frame, lt_ResultAck_fields, &meta) == ERR_OK) {
        item_t *it = sup_find(self, meta.job, meta.shard);
        if (it != NULL && it->state >= ITEM_OFFERED &&
            it->shard->attempt == meta.attempt) {
            sup_drop(self, it);
        }
    }
}

static void
on_shard(supervisor_t *self, const frame_t *frame)
{
    shard_t *shard = NULL;

    if (shard_decode(frame, &shard) != ERR_OK) {
        return;
    }
    if (shard->incarnation == self->config.incarnation) {
        sup_accept(self, shard);
    } else {
        shard_destroy(&shard);
    }
}

static void
on_cancel(supervisor_t *self, const frame_t *frame)
{
    lt_CancelShard meta;

    if (frame_meta(frame, lt_CancelShard_fields, &meta) == ERR_OK &&
        meta.incarnation == self->config.incarnation) {
        sup_cancel(self, meta.job, meta.shard);
    }
}

static const struct handler {
    uint8_t type;
    sup_link_t link;
    bool any_epoch;
    void (*run)(supervisor_t *, const frame_t *);
} handlers[] = {
    {PROTO_REGISTERED, SUP_LINK_CONTROL, true, on_registered},
    {PROTO_REFUSED, SUP_LINK_CONTROL, true, on_refused},
    {PROTO_UNKNOWN, SUP_LINK_CONTROL, true, on_unknown},
    {PROTO_BYE, SUP_LINK_CONTROL, true, on_bye},
    {PROTO_HEARTBEAT_ACK, SUP_LINK_CONTROL, false, on_ack},
    {PROTO_LIST, SUP_LINK_CONTROL, false, on_list},
    {PROTO_GRANT, SUP_LINK_CONTROL, false, on_grant},
    {PROTO_RESULT_ACK, SUP_LINK_CONTROL, false, on_result_ack},
    {PROTO_SHARD, SUP_LINK_INTAKE, false, on_shard},
    {PROTO_CANCEL_SHARD, SUP_LINK_INTAKE, false, on_cancel},
};

// All that is known of it is its version.
static void
on_other_version(supervisor_t *self, unsigned version)
{
    sup_output_t *out = sup_push(self, SUP_REFUSED);

    snprintf(out->text, sizeof out->text,
        "the coordinator speaks version %u of the protocol and this worker "
        "version %u; install the same release on both",
        version, PROTOCOL_VERSION);
    out->exit = EXIT_UNREACHABLE;
}

void
supervisor_message(
    supervisor_t *self, sup_link_t link, span_t bytes, int64_t now_ms)
{
    frame_t frame;

    self->now = now_ms;
    errcode_t rc = frame_decode(bytes, &frame);
    if (rc == ERR_VERSION && link == SUP_LINK_CONTROL) {
        on_other_version(self, frame.version);
    }
    if (rc != ERR_OK) {
        return;
    }
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        const struct handler *h = &handlers[i];
        if (h->type == frame.type && h->link == link &&
            (h->any_epoch ||
                (self->epoch != 0 && frame.epoch == self->epoch))) {
            h->run(self, &frame);
            return;
        }
    }
}

// A message under way: its files, and the cuts of those that have some.
typedef struct files_out {
    lt_Files meta;
    buf_t files;
    buf_t cuts;
} files_out_t;

static void
send_files(supervisor_t *self, files_out_t *out)
{
    buf_put_span(&out->files, buf_span(&out->cuts));
    frame_encode(&sup_push(self, SUP_CONTROL)->frame, PROTO_FILES, self->epoch,
        lt_Files_fields, &out->meta, buf_span(&out->files));
    buf_clear(&out->files);
    buf_clear(&out->cuts);
    out->meta.n = out->meta.n_cuts = 0;
}

static void
put_cuts(const listed_file_t *file, files_out_t *out)
{
    lt_Cuts *record = xcalloc(1, sizeof *record);

    record->file = out->meta.n;
    record->guessed = file->guessed;
    record->at.size = (pb_size_t)file->cuts.len;
    memcpy(record->at.bytes, file->cuts.p, file->cuts.len);
    record_put(&out->cuts, lt_Cuts_fields, record);
    out->meta.n_cuts++;
    free(record);
}

static void
put_file(const listed_file_t *file, files_out_t *out)
{
    lt_File *record = xcalloc(1, sizeof *record);

    snprintf(record->path, sizeof record->path, "%s", file->path);
    record->device = file->device;
    record->inode = file->inode;
    record->size = file->size;
    record->mtime_ns = file->mtime_ns;
    memcpy(record->hash, file->hash, sizeof file->hash);
    record->compression = (lt_Compression)file->compression;
    record_put(&out->files, lt_File_fields, record);
    if (file->cuts.len > 0 && file->cuts.len <= LIMIT_CUTS_BYTES) {
        put_cuts(file, out);
    }
    out->meta.n++;
    free(record);
}

void
supervisor_listed(supervisor_t *self, uint64_t request,
    const struct listed_file *files, size_t n, bool last, errcode_t rc,
    const char *text, int64_t now_ms)
{
    size_t at = self->n_lists;

    self->now = now_ms;
    while (at-- > 0 && self->lists[at].request != request) {
    }
    if (at >= self->n_lists) {
        return; // of an epoch that is over
    }
    files_out_t out = {.meta = {.incarnation = self->config.incarnation,
                           .job = self->lists[at].job,
                           .request = request}};
    for (size_t i = 0; i < n; i++) {
        put_file(&files[i], &out);
        if (out.files.len + out.cuts.len > FILES_PAYLOAD) {
            send_files(self, &out);
        }
    }
    out.meta.last = last || rc != ERR_OK;
    out.meta.error = rc;
    snprintf(
        out.meta.text, sizeof out.meta.text, "%s", text == NULL ? "" : text);
    if (out.meta.n > 0 || out.meta.last) {
        send_files(self, &out);
    }
    if (last) {
        self->lists[at] = self->lists[--self->n_lists];
    }
    buf_fini(&out.files);
    buf_fini(&out.cuts);
}
