// SPDX-License-Identifier: Apache-2.0
// A coordinator machine with workers that are nothing but frames: what it
// sends is kept in the order in which it was sent and taken by the tests.
//
// A made-up file has one line per byte, so the true count of a job is the
// sum of its files' sizes.
#ifndef LOGTALLY_TESTS_UNIT_COORDINATOR_MACHINE_H
#define LOGTALLY_TESTS_UNIT_COORDINATOR_MACHINE_H

#include "common/base/xalloc.h"
#include "common/result/result.h"
#include "common/tally/partial.h"
#include "common/wire/control.pb.h"
#include "common/wire/frame.h"
#include "coordinator/coordinator.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH        9u
#define CLIENT_PEER  500u
#define N_STORED     8u
#define RANGES_KEPT  LIMIT_SHARD_RANGES
#define FAKE_WORKERS 6u

typedef struct fake {
    identity_t who;
    char name[LIMIT_NAME];
    uint64_t incarnation;
    uint64_t peer;
    uint64_t lane;
    uint32_t executors;
    const char *label;
} fake_t;

typedef struct machine {
    coordinator_t *c;
    uint64_t epoch; // that its workers speak in
    int64_t now;
    fake_t workers[FAKE_WORKERS];
    size_t n_workers;
    identity_t client;
    output_t *seen;
    size_t n_seen, cap_seen;
    struct {
        uint64_t job;
        buf_t bytes;
    } stored[N_STORED];
    size_t n_stored;
    uint8_t requests;                // the next SUBMIT's request
    struct memory_journal *journal;  // memory_journal.h, or NULL
    void (*sync)(struct machine *m); // before what it says is looked at
} machine_t;

// A shard as its worker received it.
typedef struct lent {
    lt_Shard meta;
    uint64_t epoch; // of the coordinator that lent it
    uint64_t bytes;
    uint32_t files[RANGES_KEPT];
    uint64_t begin[RANGES_KEPT];
    uint64_t end[RANGES_KEPT];
    char path[LIMIT_PATH]; // of the first range
    buf_t partial;
    uint8_t hash[32];
} lent_t;

typedef struct fake_file {
    const char *path;
    uint64_t size;
    lt_Compression compression;
} fake_file_t;

static inline errcode_t
machine_put(void *ctx, uint64_t job, span_t bytes)
{
    machine_t *m = ctx;

    assert(m->n_stored < N_STORED);
    m->stored[m->n_stored].job = job;
    buf_put_span(&m->stored[m->n_stored++].bytes, bytes);
    return ERR_OK;
}

static inline errcode_t
machine_get(void *ctx, uint64_t job, buf_t *out)
{
    machine_t *m = ctx;

    for (size_t i = 0; i < m->n_stored; i++) {
        if (m->stored[i].job == job) {
            buf_put_span(out, buf_span(&m->stored[i].bytes));
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

static inline coordinator_config_t
machine_config(machine_t *m)
{
    return (coordinator_config_t){.epoch = EPOCH,
        .first_job = 1,
        .sink_port = 7701,
        .staging_bytes = LIMIT_STAGING,
        .merge_budget = 1 << 20,
        .deadline_ms = 3600 * 1000,
        .store = {machine_put, machine_get, m}};
}

static inline void
machine_init_with(machine_t *m, const coordinator_config_t *config)
{
    m->now = 1000;
    m->epoch = config->epoch;
    m->client = (identity_t){.name = "alice", .roles = ROLE_CLIENT};
    m->c = coordinator_new(config, m->now);
}

static inline void
machine_init(machine_t *m)
{
    *m = (machine_t){0};
    coordinator_config_t config = machine_config(m);
    machine_init_with(m, &config);
}

static inline void
machine_fini(machine_t *m)
{
    coordinator_destroy(&m->c);
    for (size_t i = 0; i < m->n_seen; i++) {
        buf_fini(&m->seen[i].frame);
    }
    for (size_t i = 0; i < m->n_stored; i++) {
        buf_fini(&m->stored[i].bytes);
    }
    free(m->seen);
}

// Keeps what the machine says; lanes are opened as the driver would.
static inline void
machine_pump(machine_t *m)
{
    output_t out;

    if (m->sync != NULL) {
        m->sync(m);
    }
    while (coordinator_next(m->c, &out)) {
        for (size_t i = 0; i < m->n_workers; i++) {
            if (out.kind == OUT_LANE_OPEN &&
                strcmp(out.name, m->workers[i].who.name) == 0) {
                m->workers[i].lane = out.peer;
            }
        }
        m->seen = xgrow(m->seen, &m->cap_seen, m->n_seen + 1, sizeof *m->seen);
        m->seen[m->n_seen++] = out;
    }
}

static inline void
machine_forget(machine_t *m)
{
    machine_pump(m);
    for (size_t i = 0; i < m->n_seen; i++) {
        buf_fini(&m->seen[i].frame);
    }
    m->n_seen = 0;
}

// The first frame of that type to the peer, moved into *frame.
static inline bool
machine_take(machine_t *m, out_kind_t kind, uint64_t peer, unsigned type,
    buf_t *frame, frame_t *into)
{
    machine_pump(m);
    for (size_t i = 0; i < m->n_seen; i++) {
        output_t *o = &m->seen[i];
        if (o->kind == kind && o->peer == peer && o->frame.len > 0 &&
            frame_decode(buf_span(&o->frame), into) == ERR_OK &&
            into->type == type) {
            *frame = o->frame;
            m->n_seen--;
            memmove(o, o + 1, (m->n_seen - i) * sizeof *o);
            return true;
        }
    }
    return false;
}

// The same, with its meta decoded; the payload is let go.
static inline bool
machine_heard(machine_t *m, uint64_t peer, unsigned type,
    const pb_msgdesc_t *fields, void *meta)
{
    buf_t bytes = {0};
    frame_t frame;

    if (!machine_take(m, OUT_CONTROL, peer, type, &bytes, &frame)) {
        return false;
    }
    assert(fields == NULL || frame_meta(&frame, fields, meta) == ERR_OK);
    buf_fini(&bytes);
    return true;
}

static inline void
machine_bytes(machine_t *m, link_t link, uint64_t peer, const identity_t *who,
    span_t bytes)
{
    coordinator_message(m->c, link, peer, who, "10.0.0.1", bytes, m->now);
    machine_pump(m);
}

static inline void
machine_say(machine_t *m, link_t link, uint64_t peer, const identity_t *who,
    proto_type_t type, const pb_msgdesc_t *fields, const void *meta,
    span_t payload)
{
    buf_t bytes = {0};

    frame_encode(&bytes, type, m->epoch, fields, meta, payload);
    machine_bytes(m, link, peer, who, buf_span(&bytes));
    buf_fini(&bytes);
}

static inline void
fake_say(machine_t *m, const fake_t *w, link_t link, proto_type_t type,
    const pb_msgdesc_t *fields, const void *meta, span_t payload)
{
    machine_say(m, link, w->peer, &w->who, type, fields, meta, payload);
}

static inline lt_Register
fake_register_meta(const fake_t *w)
{
    lt_Register meta = {.version_min = PROTOCOL_VERSION,
        .version_max = PROTOCOL_VERSION,
        .incarnation = w->incarnation,
        .software = "test",
        .executors = w->executors,
        .intake_port = 7710,
        .n_labels = w->label != NULL};

    snprintf(meta.name, sizeof meta.name, "%s", w->name);
    return meta;
}

static inline void
fake_register(machine_t *m, fake_t *w)
{
    lt_Register meta = fake_register_meta(w);
    lt_Label label = {0};
    buf_t payload = {0};

    if (w->label != NULL) {
        snprintf(label.label, sizeof label.label, "%s", w->label);
        record_put(&payload, lt_Label_fields, &label);
    }
    fake_say(m, w, LINK_CONTROL, PROTO_REGISTER, lt_Register_fields, &meta,
        buf_span(&payload));
    buf_fini(&payload);
}

// A worker that is there. Its key is called "key-NAME".
static inline fake_t *
machine_worker(machine_t *m, const char *name, uint32_t executors)
{
    assert(m->n_workers < FAKE_WORKERS);
    fake_t *w = &m->workers[m->n_workers++];
    w->who = (identity_t){.roles = ROLE_WORKER, .n_hosts = 1};
    snprintf(w->who.name, sizeof w->who.name, "key-%.100s", name);
    snprintf(w->who.hosts[0], sizeof w->who.hosts[0], "%s", name);
    snprintf(w->name, sizeof w->name, "%s", name);
    w->peer = 100 + m->n_workers;
    w->incarnation = 1000 + m->n_workers;
    w->executors = executors;
    fake_register(m, w);
    return w;
}

static inline void
machine_tick(machine_t *m, int64_t ms)
{
    m->now += ms;
    (void)coordinator_tick(m->c, m->now);
    machine_pump(m);
}

// Says that it is there, and what it holds (NULL: nothing).
static inline void
fake_beat(machine_t *m, const fake_t *w, const lent_t *held)
{
    lt_Heartbeat meta = {.incarnation = w->incarnation, .n_held = held != NULL};
    buf_t payload = {0};

    if (held != NULL) {
        lt_Held h = {.job = held->meta.job,
            .shard = held->meta.shard,
            .attempt = held->meta.attempt,
            .epoch = held->epoch};
        record_put(&payload, lt_Held_fields, &h);
    }
    fake_say(m, w, LINK_CONTROL, PROTO_HEARTBEAT, lt_Heartbeat_fields, &meta,
        buf_span(&payload));
    buf_fini(&payload);
}

// Time passes in steps; those who are given say that they are there.
static inline void
machine_pass(machine_t *m, int64_t ms, fake_t *w, const lent_t *held)
{
    for (int64_t end = m->now + ms; m->now < end;) {
        machine_tick(m, end - m->now < 1000 ? end - m->now : 1000);
        if (w != NULL) {
            fake_beat(m, w, held);
        }
    }
}

static inline void
fake_put_file(buf_t *payload, const fake_file_t *from)
{
    lt_File *file = xcalloc(1, sizeof *file);

    snprintf(file->path, sizeof file->path, "%s", from->path);
    file->size = from->size;
    file->compression = from->compression;
    record_put(payload, lt_File_fields, file);
    free(file);
}

// Answers the LIST that waits; false when none does.
static inline bool
fake_list_part(machine_t *m, const fake_t *w, lt_List *asked,
    const fake_file_t *files, size_t n, bool last)
{
    lt_Files meta = {.incarnation = w->incarnation,
        .job = asked->job,
        .request = asked->request,
        .n = (uint32_t)n,
        .last = last};
    buf_t payload = {0};

    for (size_t i = 0; i < n; i++) {
        fake_put_file(&payload, &files[i]);
    }
    fake_say(m, w, LINK_CONTROL, PROTO_FILES, lt_Files_fields, &meta,
        buf_span(&payload));
    buf_fini(&payload);
    return true;
}

static inline bool
fake_list(machine_t *m, const fake_t *w, const fake_file_t *files, size_t n)
{
    lt_List asked;

    return machine_heard(m, w->peer, PROTO_LIST, lt_List_fields, &asked) &&
           fake_list_part(m, w, &asked, files, n, true);
}

static inline lt_Submit *
submit_meta(machine_t *m, const char *query, uint64_t shard_bytes)
{
    lt_Submit *meta = xcalloc(1, sizeof *meta);

    meta->version_min = meta->version_max = PROTOCOL_VERSION;
    meta->request[0] = ++m->requests;
    meta->shard_bytes = shard_bytes;
    meta->follow = true;
    snprintf(meta->query, sizeof meta->query, "%s", query);
    return meta;
}

// Takes meta. The job's number, or 0 when it was refused.
static inline uint64_t
machine_submit_as(machine_t *m, uint64_t peer, const identity_t *who,
    lt_Submit *meta, const char *const *sources, size_t n)
{
    lt_JobUpdate *update = xcalloc(1, sizeof *update);
    lt_Source *source = xcalloc(1, sizeof *source);
    buf_t payload = {0};

    meta->n_sources = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        snprintf(source->text, sizeof source->text, "%s", sources[i]);
        record_put(&payload, lt_Source_fields, source);
    }
    machine_say(m, LINK_CONTROL, peer, who, PROTO_SUBMIT, lt_Submit_fields,
        meta, buf_span(&payload));
    bool ok =
        machine_heard(m, peer, PROTO_JOB_UPDATE, lt_JobUpdate_fields, update);
    uint64_t job = ok ? update->job : 0;
    buf_fini(&payload);
    free(source);
    free(update);
    free(meta);
    return job;
}

static inline uint64_t
machine_submit(machine_t *m, const char *source, uint64_t shard_bytes)
{
    return machine_submit_as(m, CLIENT_PEER, &m->client,
        submit_meta(m, "count", shard_bytes), &source, 1);
}

// "count" over one made-up file of web1.
static inline uint64_t
machine_job(machine_t *m, const fake_t *w, uint64_t size, uint64_t shard_bytes)
{
    const fake_file_t file = {"/var/log/x", size, 0};
    char source[LIMIT_NAME + 20];

    snprintf(source, sizeof source, "%s:/var/log/x", w->name);
    uint64_t job = machine_submit(m, source, shard_bytes);
    assert(job != 0 && fake_list(m, w, &file, 1));
    return job;
}

// Over one file that all workers can read; the first one listed it.
static inline uint64_t
machine_shared_job(machine_t *m, uint64_t size, uint64_t shard_bytes)
{
    const fake_file_t file = {"/net/x", size, 0};
    uint64_t job = machine_submit(m, "shared:/net/x", shard_bytes);
    bool listed = false;

    for (size_t i = 0; i < m->n_workers && !listed; i++) {
        listed = fake_list(m, &m->workers[i], &file, 1);
    }
    assert(job != 0 && listed);
    return job;
}

static inline void
lent_decode(const frame_t *frame, lent_t *out)
{
    rd_t r = rd_init(frame->payload);
    lt_Range *range = xmalloc(sizeof *range);

    memset(out, 0, sizeof *out);
    assert(frame_meta(frame, lt_Shard_fields, &out->meta) == ERR_OK);
    assert(out->meta.n_ranges <= RANGES_KEPT);
    for (uint32_t i = 0; i < out->meta.n_ranges; i++) {
        assert(record_get(&r, lt_Range_fields, range) == ERR_OK);
        out->files[i] = range->file_index;
        out->begin[i] = range->begin;
        out->end[i] = range->end;
        out->bytes += range->end - range->begin;
        if (i == 0) {
            memcpy(out->path, range->file.path, sizeof out->path);
        }
    }
    assert(rd_end(&r) == ERR_OK);
    free(range);
}

// Counts as an executor would: a real tally and a real partial. `extra`
// lines are a lie.
static inline void
lent_count(lent_t *l, uint64_t extra)
{
    query_t *query;
    query_error_t error;
    totals_t totals = {0};
    agg_state_t *states;
    uint64_t lines = l->bytes + extra;

    assert(query_parse(l->meta.query, &query, &error) == ERR_OK);
    assert(query->n_keys == 0);
    tally_t *tally = tally_new(query, 1 << 20);
    assert(tally_group(tally, (span_t){0}, &states) == ERR_OK);
    agg_add_lines(&states[0], lines);
    for (uint32_t i = 0; i < l->meta.n_ranges; i++) {
        file_total_t *f = totals_file(&totals, l->files[i]);
        uint64_t n = l->end[i] - l->begin[i];
        f->bytes += n;
        f->lines += n + (i == 0 ? extra : 0);
        f->accepted = f->lines;
    }
    totals.bytes = l->bytes;
    totals.lines = totals.accepted = lines;
    buf_clear(&l->partial);
    assert(partial_encode(tally, &totals, &l->partial) == ERR_OK);
    crypto_generichash(
        l->hash, sizeof l->hash, l->partial.p, l->partial.len, NULL, 0);
    totals_fini(&totals);
    tally_destroy(&tally);
    query_destroy(&query);
}

// The next shard on the worker's lane, counted.
static inline bool
fake_lent(machine_t *m, const fake_t *w, lent_t *out)
{
    buf_t bytes = {0};
    frame_t frame;

    if (!machine_take(m, OUT_INTAKE, w->lane, PROTO_SHARD, &bytes, &frame)) {
        return false;
    }
    lent_decode(&frame, out);
    out->epoch = frame.epoch;
    lent_count(out, 0);
    buf_fini(&bytes);
    return true;
}

static inline void
lent_fini(lent_t *l)
{
    buf_fini(&l->partial);
}

static inline void
fake_offer(machine_t *m, const fake_t *w, const lent_t *l)
{
    lt_OfferMessage meta = {.incarnation = w->incarnation,
        .has_offer = true,
        .offer = {.job = l->meta.job,
            .shard = l->meta.shard,
            .attempt = l->meta.attempt,
            .bytes = l->partial.len,
            .epoch = l->epoch}};

    memcpy(meta.offer.hash, l->hash, sizeof l->hash);
    fake_say(m, w, LINK_CONTROL, PROTO_OFFER, lt_OfferMessage_fields, &meta,
        (span_t){0});
}

static inline bool
fake_granted(machine_t *m, const fake_t *w)
{
    lt_Grant meta;

    return machine_heard(m, w->peer, PROTO_GRANT, lt_Grant_fields, &meta);
}

// Bytes [begin, end) of the partial.
static inline void
fake_chunk(
    machine_t *m, const fake_t *w, const lent_t *l, size_t begin, size_t end)
{
    lt_Partial meta = {.incarnation = w->incarnation,
        .job = l->meta.job,
        .shard = l->meta.shard,
        .attempt = l->meta.attempt,
        .offset = begin,
        .total = l->partial.len,
        .last = end >= l->partial.len};

    fake_say(m, w, LINK_SINK, PROTO_PARTIAL, lt_Partial_fields, &meta,
        (span_t){l->partial.p + begin, end - begin});
}

static inline void
fake_failed(machine_t *m, const fake_t *w, const lent_t *l, errcode_t rc,
    uint32_t file, const char *text)
{
    lt_ShardFailed meta = {.incarnation = w->incarnation,
        .job = l->meta.job,
        .shard = l->meta.shard,
        .attempt = l->meta.attempt,
        .error = rc,
        .file = file};

    snprintf(meta.text, sizeof meta.text, "%s", text);
    fake_say(m, w, LINK_SINK, PROTO_SHARD_FAILED, lt_ShardFailed_fields, &meta,
        (span_t){0});
    assert(machine_heard(m, w->peer, PROTO_RESULT_ACK, NULL, NULL));
}

// The next verdict that the worker heard, or -1.
static inline int
fake_verdict(machine_t *m, const fake_t *w)
{
    lt_ResultAck meta;

    return machine_heard(
               m, w->peer, PROTO_RESULT_ACK, lt_ResultAck_fields, &meta)
               ? (int)meta.verdict
               : -1;
}

// Offers, waits for room, sends all. The verdict, or -1.
static inline int
fake_deliver(machine_t *m, const fake_t *w, const lent_t *l)
{
    fake_offer(m, w, l);
    if (fake_granted(m, w)) {
        fake_chunk(m, w, l, 0, l->partial.len);
    }
    return fake_verdict(m, w);
}

// Counts all that is on its lane, and what comes after. The number of shards.
static inline size_t
fake_work(machine_t *m, const fake_t *w)
{
    lent_t *l = xmalloc(sizeof *l);
    size_t n = 0;

    while (fake_lent(m, w, l)) {
        assert(fake_deliver(m, w, l) == lt_Verdict_VERDICT_COMMITTED);
        lent_fini(l);
        n++;
    }
    free(l);
    return n;
}

// What STATUS says.
static inline lt_JobUpdate
machine_status(machine_t *m, uint64_t job)
{
    static const identity_t admin = {.name = "root", .roles = ROLE_ADMIN};
    const lt_JobRequest meta = {.job = job};
    lt_JobUpdate update = {0};

    machine_say(m, LINK_CONTROL, CLIENT_PEER + 99, &admin, PROTO_STATUS,
        lt_JobRequest_fields, &meta, (span_t){0});
    assert(machine_heard(
        m, CLIENT_PEER + 99, PROTO_JOB_UPDATE, lt_JobUpdate_fields, &update));
    return update;
}

// The caller destroys it; NULL: there is none.
static inline result_t *
machine_result(machine_t *m, uint64_t job)
{
    result_t *result = NULL;
    buf_t bytes = {0};

    if (machine_get(m, job, &bytes) == ERR_OK) {
        assert(result_decode(buf_span(&bytes), &result) == ERR_OK);
    }
    buf_fini(&bytes);
    return result;
}

// The count that the job ended with; UINT64_MAX: it has no result.
static inline uint64_t
machine_count(machine_t *m, uint64_t job)
{
    result_t *result = machine_result(m, job);
    uint64_t n = UINT64_MAX;

    if (result != NULL && result->n_rows == 1) {
        n = (uint64_t)(result->cells[0].number / 1000000000);
    }
    result_destroy(&result);
    return n;
}

#endif
