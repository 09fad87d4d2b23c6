// SPDX-License-Identifier: Apache-2.0
// The coordinator with its journal and its results.
#include "tests/sim/sim.h"

#include <errno.h>

static uint64_t
watched_put(void *ctx, const entry_key_t *key, buf_t *bytes)
{
    sim_t *s = ctx;

    watch_put(s, key);
    return memory_put(&s->journal, key, bytes);
}

static void
drop(void *ctx, uint64_t job, bool all)
{
    sim_t *s = ctx;

    memory_drop(&s->journal, job, all);
}

static uint64_t
backlog(void *ctx)
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
        s->events[SIM_RESULT_STUCK]++;
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

static uint16_t
lane_port(void *ctx)
{
    (void)ctx;
    return 7702;
}

static void
set_config(sim_t *s)
{
    s->config = memory_config(&s->m);
    s->config.epoch = ++s->m.epoch;
    s->config.journal = (journal_t){watched_put, drop, backlog, s};
    s->config.store = (result_store_t){keep, kept, s, NULL};
    s->config.staging_bytes = one_in(s, 3) ? 100 : LIMIT_STAGING;
    s->config.settle_ms = s->restarts > 0 ? 6000 : 0;
    s->config.deadline_ms = 24 * 3600 * 1000;
    s->config.lane_port = lane_port;
    // The clock of the day may be set, by the user or by NTP.
    if (one_in(s, 4)) {
        s->config.wall_ms += (int64_t)roll(s, 1200000) - 600000;
        s->events[SIM_CLOCK_SET]++;
    }
}

// Its jobs are forgotten, and their numbers given again.
static void
lose_folder(sim_t *s)
{
    memory_journal_t *j = &s->journal;

    for (size_t i = 0; i < j->n; i++) {
        buf_fini(&j->ops[i].bytes);
    }
    j->n = j->n_durable = 0;
    for (size_t i = 0; i < s->m.n_stored; i++) {
        buf_fini(&s->m.stored[i].bytes);
    }
    s->m.n_stored = 0;
    clients_forgotten(s);
    s->events[SIM_FOLDER_LOST]++;
}

static sim_job_t *
job_of(sim_t *s, uint64_t id)
{
    for (size_t i = 0; i < s->n_jobs; i++) {
        if (s->jobs[i].id == id) {
            return &s->jobs[i];
        }
    }
    return NULL;
}

// Work that is damaged is done again; a job whose plan is damaged says so.
static void
damage(sim_t *s)
{
    memory_op_t *op = &s->journal.ops[roll(s, (uint32_t)s->journal.n)];
    bool plan = op->key.kind == ENTRY_FILES || op->key.kind == ENTRY_SHARDS ||
                op->key.kind == ENTRY_PLAN;
    sim_job_t *j = job_of(s, op->key.job);

    if (j == NULL || (plan && !one_in(s, 4)) ||
        (!plan && op->key.kind != ENTRY_COMMIT &&
            op->key.kind != ENTRY_CHANGE)) {
        return;
    }
    op->damaged = true;
    j->spoiled = j->spoiled || plan;
    s->events[SIM_ENTRY_DAMAGED]++;
}

static bool
job_is_damaged(const sim_t *s, uint64_t job)
{
    for (size_t i = 0; i < s->journal.n; i++) {
        if (s->journal.ops[i].damaged && s->journal.ops[i].key.job == job) {
            return true;
        }
    }
    return false;
}

// What rests on a damaged entry makes no sense either, and only that. Nobody
// takes it out of the journal.
static void
restore(sim_t *s, memory_op_t *op)
{
    op->refused = op->damaged;
    if (op->damaged) {
        coordinator_restore_damaged(s->m.c, &op->key);
        return;
    }
    if (coordinator_restore(s->m.c, &op->key, buf_span(&op->bytes)) == ERR_OK) {
        return;
    }
    if (!job_is_damaged(s, op->key.job)) {
        sim_wrong(s, "a sound entry %d of job %llu was refused",
            (int)op->key.kind, (unsigned long long)op->key.job);
    }
    op->refused = true;
}

void
leader_start(sim_t *s)
{
    memory_journal_t *j = &s->journal;

    s->events[SIM_UNSYNCED_LOST] += j->n - j->n_durable;
    memory_crash(j);
    if (s->restarts > 0 && one_in(s, 30)) {
        lose_folder(s);
    }
    if (j->n > 0 && one_in(s, 8)) {
        damage(s);
    }
    sim_trace(s, "coordinator", 0, (span_t){0});
    set_config(s);
    s->m.c = coordinator_new(&s->config, s->m.now);
    for (size_t i = 0; i < j->n; i++) {
        restore(s, &j->ops[i]);
    }
    coordinator_restored(s->m.c);
    s->down = false;
    s->stuck_until = 0;
}

static void
add_stats(sim_t *s)
{
    const coordinator_stats_t *stats = coordinator_stats(s->m.c);

    s->events[SIM_COMMITS] += stats->commits;
    s->events[SIM_RESTORED] += stats->restored;
    s->events[SIM_ADOPTED] += stats->adopted;
    s->events[SIM_EXPIRED] += stats->leases_expired;
    s->events[SIM_COPIES] += stats->copies;
    s->events[SIM_CHECKS] += stats->checks;
    s->events[SIM_DUPLICATES] += stats->duplicates;
    s->events[SIM_STALE] += stats->stale;
    s->events[SIM_REJECTED] += stats->partials_rejected;
}

void
leader_kill(sim_t *s)
{
    sim_trace(s, "coordinator-killed", 0, (span_t){0});
    add_stats(s);
    coordinator_destroy(&s->m.c);
    s->down = true;
    s->down_until = s->m.now + 1 + roll(s, 6000);
    s->restarts++;
    s->events[SIM_LEADER_KILLED]++;
    net_leader_died(s);
    for (size_t i = 0; i < s->n_nodes; i++) {
        s->nodes[i].lane = 0;
    }
    s->n_lanes = 0;
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
lead_lane(sim_t *s, uint64_t lane, size_t i)
{
    assert(i < s->n_nodes);
    s->lanes[lane] = i;
    s->nodes[i].lane = lane;
}

// One that a worker dials leads nowhere until it has.
static void
open_lane(sim_t *s, const output_t *out)
{
    const char *port = strrchr(out->endpoint, ':');

    s->lanes = xgrow(s->lanes, &s->cap_lanes, out->peer + 1, sizeof *s->lanes);
    while (s->n_lanes <= out->peer) {
        s->lanes[s->n_lanes++] = NO_NODE;
    }
    if (port != NULL) {
        lead_lane(s, out->peer, (size_t)strtoul(port + 1, NULL, 10) - 7710);
    }
}

static void
lane_is_here(sim_t *s, const output_t *out)
{
    lead_lane(s, out->peer, s->peers[out->connection - SIM_PEER]);
    s->events[SIM_DIALLED]++;
}

static void
close_lane(sim_t *s, uint64_t lane)
{
    if (lane < s->n_lanes && s->lanes[lane] != NO_NODE) {
        node_t *n = &s->nodes[s->lanes[lane]];
        n->lane = n->lane == lane ? 0 : n->lane;
        s->lanes[lane] = NO_NODE;
    }
}

// To a process that is gone a frame may be refused, or lie in a queue.
static void
send_to_node(sim_t *s, const output_t *out, size_t i, bool there)
{
    where_t to = out->kind == OUT_INTAKE ? TO_INTAKE : TO_WORKER;

    if (i != NO_NODE && there) {
        net_send(s, to, i, s->nodes[i].peer, buf_span(&out->frame));
    } else if (out->kind == OUT_CONTROL || one_in(s, 2)) {
        s->events[SIM_UNDELIVERED]++;
        coordinator_undelivered(s->m.c, out->kind, out->peer, s->m.now);
    }
}

static void
send_out(sim_t *s, const output_t *out)
{
    bool client =
        out->peer >= CLIENT_PEER && out->peer < CLIENT_PEER + SIM_JOBS;

    if (out->kind == OUT_LANE_OPEN) {
        open_lane(s, out);
    } else if (out->kind == OUT_LANE_HERE) {
        lane_is_here(s, out);
    } else if (out->kind == OUT_LANE_CLOSE) {
        close_lane(s, out->peer);
    } else if (out->kind == OUT_INTAKE) {
        size_t i = out->peer < s->n_lanes ? s->lanes[out->peer] : NO_NODE;
        s->events[SIM_EARLY] += i == NO_NODE;
        bool full = !sim_is_calm(s) && one_in(s, 200);
        send_to_node(
            s, out, i, i != NO_NODE && s->nodes[i].down_until == 0 && !full);
    } else if (out->kind == OUT_CONTROL && client) {
        client_hear(s, out->peer - CLIENT_PEER, buf_span(&out->frame));
    } else if (out->kind == OUT_CONTROL && out->peer >= SIM_PEER) {
        size_t i = s->peers[out->peer - SIM_PEER];
        send_to_node(s, out, i,
            s->nodes[i].down_until == 0 && s->nodes[i].peer == out->peer);
    }
}

void
leader_say(sim_t *s)
{
    output_t out;

    while (coordinator_next(s->m.c, &out)) {
        watch_output(s, &out);
        send_out(s, &out);
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
    watch_room(s);
    if (one_in(s, 20)) {
        watch_workers(s);
    }
    leader_say(s);
    // It may die between any two of these.
    if (!sim_is_calm(s) && one_in(s, 20000 / (s->harm + 1))) {
        leader_kill(s);
        return;
    }
    sync_journal(s);
    leader_say(s);
    if (sim_is_over(s)) {
        add_stats(s);
    }
}

void
leader_take(sim_t *s, const flight_t *f)
{
    link_t link = f->to == TO_SINK   ? LINK_SINK
                  : f->to == TO_LANE ? LINK_LANE
                                     : LINK_CONTROL;

    coordinator_message(s->m.c, link, f->peer, &s->nodes[f->node].who,
        "10.0.0.1", buf_span(&f->frame), s->m.now);
}
