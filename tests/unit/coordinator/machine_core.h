// SPDX-License-Identifier: Apache-2.0
// A coordinator machine without its driver: what it sends is kept in the order
// in which it was sent and taken by the tests.
#ifndef LOGTALLY_TESTS_UNIT_COORDINATOR_MACHINE_CORE_H
#define LOGTALLY_TESTS_UNIT_COORDINATOR_MACHINE_CORE_H

#include "common/base/xalloc.h"
#include "common/result/result.h"
#include "common/wire/control.pb.h"
#include "common/wire/frame.h"
#include "coordinator/coordinator.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH       9u
#define CLIENT_PEER 500u
#define N_STORED    8u
#ifndef FAKE_WORKERS
#define FAKE_WORKERS 6u
#endif

typedef struct fake {
    identity_t who;
    char name[LIMIT_NAME];
    uint64_t incarnation;
    uint64_t peer;
    uint64_t lane;
    uint32_t executors;
    const char *label;
    bool guesses; // where archives can be cut
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
    uint32_t verify_ppm;             // of jobs that are submitted
    uint8_t requests;                // the next SUBMIT's request
    struct memory_journal *journal;  // memory_journal.h, or NULL
    void (*sync)(struct machine *m); // before what it says is looked at
} machine_t;

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
        .store = {machine_put, machine_get, m, NULL}};
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
    memset(m, 0, sizeof *m); // a fleet of them is too large for a stack
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
machine_tick(machine_t *m, int64_t ms)
{
    m->now += ms;
    (void)coordinator_tick(m->c, m->now);
    machine_pump(m);
}

static inline lt_Submit *
submit_meta(machine_t *m, const char *query, uint64_t shard_bytes)
{
    lt_Submit *meta = xcalloc(1, sizeof *meta);

    meta->version_min = meta->version_max = PROTOCOL_VERSION;
    meta->request[0] = ++m->requests;
    meta->shard_bytes = shard_bytes;
    meta->follow = true;
    meta->verify_ppm = m->verify_ppm;
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

// The job's result names one thing as missing.
static inline void
machine_check_missing(machine_t *m, uint64_t job, const char *name)
{
    result_t *result = machine_result(m, job);

    assert(result->receipt.n_missing == 1);
    assert(strcmp(result->receipt.missing[0], name) == 0);
    result_destroy(&result);
}

#endif
