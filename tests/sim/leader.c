// SPDX-License-Identifier: Apache-2.0
// The coordinator with its journal, and the client that waits for its jobs.
#include "tests/sim/sim.h"

#include <errno.h>

#define ASK_MS    500
#define SETTLE_MS 12000 // until all workers are back, and known

static uint64_t
checked_put(void *ctx, const entry_key_t *key, buf_t *bytes)
{
    sim_t *s = ctx;

    check_put(s, key);
    return memory_put(&s->journal, key, bytes);
}

static void
checked_drop(void *ctx, uint64_t job, bool all)
{
    sim_t *s = ctx;

    memory_drop(&s->journal, job, all);
}

static uint64_t
checked_backlog(void *ctx)
{
    sim_t *s = ctx;

    return memory_backlog(&s->journal);
}

// A result that is kept again, by a coordinator that did not live to say so.
static errcode_t
keep(void *ctx, uint64_t job, span_t bytes)
{
    sim_t *s = ctx;

    if (!sim_is_calm(s) && one_in(s, 10)) {
        errno = ENOSPC;
        return ERR_IO;
    }
    for (size_t i = 0; i < s->m.n_stored; i++) {
        if (s->m.stored[i].job == job) {
            buf_clear(&s->m.stored[i].bytes);
            buf_put_span(&s->m.stored[i].bytes, bytes);
            return ERR_OK;
        }
    }
    return machine_put(&s->m, job, bytes);
}

static errcode_t
kept(void *ctx, uint64_t job, buf_t *out)
{
    sim_t *s = ctx;

    return machine_get(&s->m, job, out);
}

void
leader_start(sim_t *s)
{
    coordinator_config_t config = memory_config(&s->m);

    config.epoch = ++s->m.epoch;
    config.journal = (journal_t){checked_put, checked_drop, checked_backlog, s};
    config.store = (result_store_t){keep, kept, s, NULL};
    config.staging_bytes = one_in(s, 3) ? 100 : LIMIT_STAGING;
    config.settle_ms = s->restarts > 0 ? 6000 : 0;
    config.deadline_ms = 24 * 3600 * 1000;
    // The clock of the day may be set, by the user or by NTP.
    config.wall_ms += one_in(s, 4) ? (int64_t)roll(s, 1200000) - 600000 : 0;
    s->m.c = coordinator_new(&config, s->m.now);
    memory_crash(&s->journal);
    for (size_t i = 0; i < s->journal.n; i++) {
        const memory_op_t op = s->journal.ops[i];
        if (coordinator_restore(s->m.c, &op.key, buf_span(&op.bytes)) !=
            ERR_OK) {
            sim_wrong(s, "a sound entry %d of job %llu was refused",
                (int)op.key.kind, (unsigned long long)op.key.job);
        }
    }
    coordinator_restored(s->m.c);
    s->down = false;
    s->stuck_until = 0;
}

void
leader_kill(sim_t *s)
{
    coordinator_destroy(&s->m.c);
    net_drop_to_coordinator(s);
    s->down = true;
    s->down_until = s->m.now + 1 + roll(s, 6000);
    s->restarts++;
}

// Some time after it was put, or when the disk has room again.
static void
sync_journal(sim_t *s)
{
    memory_journal_t *j = &s->journal;

    if (s->stuck_until != 0 && s->m.now >= s->stuck_until) {
        s->stuck_until = 0;
        coordinator_journal_stuck(s->m.c, NULL, s->m.now);
    }
    if (s->stuck_until == 0 && j->n_durable < j->n && !one_in(s, 4)) {
        j->n_durable = j->n;
        coordinator_journaled(s->m.c, j->put, s->m.now);
    }
}

static void
hear(sim_t *s, span_t bytes)
{
    frame_t frame;
    lt_JobUpdate update;
    size_t job;

    assert(frame_decode(bytes, &frame) == ERR_OK);
    if (frame.type != PROTO_JOB_UPDATE) {
        return;
    }
    assert(frame_meta(&frame, lt_JobUpdate_fields, &update) == ERR_OK);
    for (job = 0; job < s->n_jobs; job++) {
        if (s->jobs[job].id == update.job) {
            break;
        }
    }
    if (job == s->n_jobs) {
        return; // of a submission whose answer comes with its peer
    }
    if (s->jobs[job].state > lt_JobState_JOB_RUNNING &&
        s->jobs[job].state != (int)update.state) {
        sim_wrong(s, "job %llu ended twice, as %d and %d",
            (unsigned long long)update.job, s->jobs[job].state,
            (int)update.state);
    }
    // Nobody was there when it was planned: its owner tries again.
    if (update.state == lt_JobState_JOB_FAILED &&
        strncmp(update.text, "no worker for", 13) == 0 &&
        s->m.now < SIM_CALM_MS + SETTLE_MS) {
        s->jobs[job].id = 0;
        s->jobs[job].request = (uint8_t)(s->jobs[job].request + SIM_JOBS);
        return;
    }
    s->jobs[job].state = (int)update.state;
    snprintf(
        s->jobs[job].text, sizeof s->jobs[job].text, "%.250s", update.text);
}

// The answer to a job's own connection.
static void
hear_answer(sim_t *s, sim_job_t *j, span_t bytes)
{
    frame_t frame;
    lt_JobUpdate update;

    assert(frame_decode(bytes, &frame) == ERR_OK);
    if (frame.type == PROTO_REFUSED && j->id != 0) {
        sim_wrong(s, "job %llu is forgotten", (unsigned long long)j->id);
    }
    if (frame.type == PROTO_JOB_UPDATE && j->id == 0) {
        assert(frame_meta(&frame, lt_JobUpdate_fields, &update) == ERR_OK);
        j->id = update.job;
    }
    hear(s, bytes);
}

static void
say(sim_t *s)
{
    output_t out;

    while (coordinator_next(s->m.c, &out)) {
        for (size_t i = 0; i < s->n_nodes; i++) {
            node_t *n = &s->nodes[i];
            if (out.kind == OUT_LANE_OPEN &&
                strcmp(out.name, n->who.name) == 0) {
                n->lane = out.peer;
            } else if (out.kind == OUT_CONTROL && out.peer == n->peer) {
                net_send(s, TO_WORKER, i, n->peer, buf_span(&out.frame));
            } else if (out.kind == OUT_INTAKE && out.peer == n->lane) {
                net_send(s, TO_INTAKE, i, n->peer, buf_span(&out.frame));
            }
        }
        if (out.kind == OUT_CONTROL && out.peer >= CLIENT_PEER &&
            out.peer < CLIENT_PEER + s->n_jobs) {
            hear_answer(
                s, &s->jobs[out.peer - CLIENT_PEER], buf_span(&out.frame));
        }
        buf_fini(&out.frame);
    }
}

void
leader_step(sim_t *s)
{
    if (s->down && s->m.now >= s->down_until) {
        leader_start(s);
    }
    if (s->down) {
        return;
    }
    (void)coordinator_tick(s->m.c, s->m.now);
    say(s);
    // It may die between any two of these.
    if (!sim_is_calm(s) && one_in(s, 20000 / (s->harm + 1))) {
        leader_kill(s);
        return;
    }
    sync_journal(s);
    say(s);
}

void
leader_take(sim_t *s, const flight_t *f)
{
    coordinator_message(s->m.c, f->to == TO_SINK ? LINK_SINK : LINK_CONTROL,
        f->peer, &s->nodes[f->worker].who, "10.0.0.1", buf_span(&f->frame),
        s->m.now);
}

// ---- the client

static void
submit(sim_t *s, sim_job_t *j, uint64_t peer)
{
    lt_Submit *meta = submit_meta(&s->m, "count by file", j->shard_bytes);
    lt_Source *source = xcalloc(1, sizeof *source);
    buf_t payload = {0};
    buf_t frame = {0};

    meta->request[0] = j->request;
    meta->n_sources = (uint32_t)j->n_sources;
    for (size_t i = 0; i < j->n_sources; i++) {
        snprintf(source->text, sizeof source->text, "%s", j->sources[i]);
        record_put(&payload, lt_Source_fields, source);
    }
    frame_encode(
        &frame, PROTO_SUBMIT, 0, lt_Submit_fields, meta, buf_span(&payload));
    coordinator_message(s->m.c, LINK_CONTROL, peer, &s->m.client, "10.0.0.2",
        buf_span(&frame), s->m.now);
    buf_fini(&frame);
    buf_fini(&payload);
    free(source);
    free(meta);
}

static void
wait_for(sim_t *s, const sim_job_t *j, uint64_t peer)
{
    buf_t frame = {0};

    frame_encode(&frame, PROTO_WAIT, 0, lt_JobRequest_fields,
        &(lt_JobRequest){.job = j->id}, (span_t){0});
    coordinator_message(s->m.c, LINK_CONTROL, peer, &s->m.client, "10.0.0.2",
        buf_span(&frame), s->m.now);
    buf_fini(&frame);
}

// It asks again and again, as one would over a connection that breaks.
void
client_step(sim_t *s)
{
    for (size_t i = 0; i < s->n_jobs && !s->down; i++) {
        sim_job_t *j = &s->jobs[i];
        if (s->m.now < j->submit_at || s->m.now < j->ask_at ||
            j->state > lt_JobState_JOB_RUNNING) {
            continue;
        }
        j->ask_at = s->m.now + ASK_MS;
        if (j->id == 0) {
            submit(s, j, CLIENT_PEER + i);
        } else {
            wait_for(s, j, CLIENT_PEER + i);
        }
    }
}
