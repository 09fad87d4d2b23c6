// SPDX-License-Identifier: Apache-2.0
// Real supervisors, and what would be their sockets and processes.
#include "tests/sim/sim.h"

#define REDIAL_MS 5000 // after a goodbye or a refusal

static void
dial(sim_t *s, size_t i)
{
    node_t *n = &s->nodes[i];

    s->peers = xgrow(s->peers, &s->cap_peers, s->n_peers + 1, sizeof *s->peers);
    s->peers[s->n_peers] = i;
    n->peer = SIM_PEER + s->n_peers++;
    n->dial_at = 0;
    supervisor_connected(n->s, s->m.now);
}

void
node_start(sim_t *s, size_t i)
{
    node_t *n = &s->nodes[i];

    snprintf(n->name, sizeof n->name, "w%u", (unsigned)n->host);
    n->who = (identity_t){.roles = ROLE_WORKER, .n_hosts = 1};
    memcpy(n->who.name, n->name, sizeof n->name);
    memcpy(n->who.hosts[0], n->name, sizeof n->name);
    n->config = (supervisor_config_t){.name = n->name,
        .executors = 1 + (uint32_t)(i % SIM_EXECUTORS),
        .incarnation = ++s->next_incarnation,
        .intake_port = (uint16_t)(7710 + i),
        .intake_address = "",
        .dials = one_in(s, 3)};
    n->s = supervisor_new(&n->config, s->m.now);
    n->down_until = n->ends_at = n->stands_until = 0;
    n->slowness = one_in(s, 6) ? 10 : 1;
    dial(s, i);
}

void
node_free(node_t *n)
{
    supervisor_destroy(&n->s);
    for (uint32_t k = 0; k < SIM_EXECUTORS; k++) {
        line_end(n, k);
    }
}

// A second process of a name stays away once nothing bad happens any more.
void
node_kill(sim_t *s, size_t i)
{
    node_t *n = &s->nodes[i];

    sim_trace(s, "killed", i, (span_t){0});
    node_free(n);
    n->down_until = i < s->n_hosts ? s->m.now + 1 + roll(s, 8000) : INT64_MAX;
    n->ends_at = n->dial_at = 0;
    n->lane_down_at = one_in(s, 2) ? s->m.now + 500 : 0;
    net_node_died(s, i);
    s->events[SIM_KILLED]++;
}

static void
put_cuts(const sim_file_t *f, buf_t *out)
{
    for (uint64_t at = f->step; at > 0 && at < f->size; at += f->step) {
        buf_put_varint(out, f->step);
    }
}

static void
answer_list(sim_t *s, size_t i, const sup_output_t *out)
{
    node_t *n = &s->nodes[i];
    listed_file_t *files = xcalloc(s->n_files, sizeof *files);
    buf_t *cuts = xcalloc(s->n_files, sizeof *cuts);
    size_t found = 0;

    for (size_t k = 0; k < s->n_files; k++) {
        const sim_file_t *f = &s->files[k];
        if (out->shared ? f->host < 0 : f->host == (int)n->host) {
            put_cuts(f, &cuts[found]);
            files[found] = (listed_file_t){.path = f->path,
                .size = f->size,
                .compression = f->step > 0 ? lt_Compression_COMPRESSION_ZSTD
                                           : lt_Compression_COMPRESSION_NONE,
                .cuts = buf_span(&cuts[found]),
                .guessed = f->guessed};
            found++;
        }
    }
    supervisor_listed(n->s, out->request, files, found, true,
        found > 0 ? ERR_OK : ERR_NOT_FOUND, NULL, s->m.now);
    for (size_t k = 0; k < found; k++) {
        buf_fini(&cuts[k]);
    }
    free(cuts);
    free(files);
}

static void
send_sink(sim_t *s, size_t i, span_t frame)
{
    if (!sim_is_calm(s) && one_in(s, 40)) {
        s->events[SIM_SINK_BUSY]++;
        supervisor_sink_busy(s->nodes[i].s, frame, s->m.now);
        return;
    }
    net_send_chunk(s, i, frame);
}

static void
carry_out(sim_t *s, size_t i, sup_output_t *out)
{
    node_t *n = &s->nodes[i];

    switch (out->kind) {
    case SUP_CONTROL:
        net_send(s, TO_CONTROL, i, n->peer, buf_span(&out->frame));
        break;
    case SUP_SINK:
        send_sink(s, i, buf_span(&out->frame));
        break;
    case SUP_LIST:
        answer_list(s, i, out);
        break;
    case SUP_START:
        line_give(s, i, out->slot, out->shard);
        break;
    case SUP_KILL:
        line_end(n, out->slot);
        break;
    case SUP_RECONNECT:
        dial(s, i);
        break;
    case SUP_REFUSED:
        n->dial_at = s->m.now + (one_in(s, 2) ? REDIAL_MS : 1);
        break;
    case SUP_LANE:
        net_send(s, TO_LANE, i, n->peer, buf_span(&out->frame));
        break;
    case SUP_LANE_OPEN:
        supervisor_lane_up(n->s, s->m.now);
        break;
    case SUP_SINK_OPEN:
        break;
    }
    buf_fini(&out->frame);
}

static void
drain(sim_t *s, size_t i)
{
    sup_output_t *out = xmalloc(sizeof *out);

    while (supervisor_next(s->nodes[i].s, out)) {
        carry_out(s, i, out);
    }
    free(out);
}

void
node_bye(sim_t *s, size_t i)
{
    node_t *n = &s->nodes[i];

    if (n->ends_at == 0) {
        supervisor_bye(n->s, "the worker stops", s->m.now);
        drain(s, i);
        n->ends_at = s->m.now + 1 + roll(s, 500);
        s->events[SIM_DRAINED]++;
    }
}

static void
check_lane(sim_t *s, node_t *n)
{
    if (n->lane_down_at != 0 && s->m.now >= n->lane_down_at) {
        n->lane_down_at = 0;
        if (!s->down && n->down_until != 0 && n->lane != 0) {
            coordinator_lane_down(s->m.c, n->lane, s->m.now);
            s->events[SIM_LANE_DOWN]++;
        }
    }
}

void
node_step(sim_t *s, size_t i)
{
    node_t *n = &s->nodes[i];

    check_lane(s, n);
    if (n->down_until != 0 && s->m.now >= n->down_until) {
        node_start(s, i);
    }
    if (n->ends_at != 0 && s->m.now >= n->ends_at) {
        node_kill(s, i);
    }
    if (n->down_until != 0 || s->m.now < n->stands_until) {
        return;
    }
    if (n->dial_at != 0 && s->m.now >= n->dial_at) {
        dial(s, i);
    }
    (void)supervisor_tick(n->s, s->m.now);
    if (one_in(s, 2)) { // else a report may come before a kill is carried out
        drain(s, i);
    }
    lines_finish(s, i);
    drain(s, i);
}
