// SPDX-License-Identifier: Apache-2.0
// Real supervisors; their files and executors are made up.
#include "tests/sim/sim.h"

void
node_start(sim_t *s, size_t i)
{
    node_t *n = &s->nodes[i];

    snprintf(n->name, sizeof n->name, "w%u", (unsigned)i);
    n->who = (identity_t){.roles = ROLE_WORKER, .n_hosts = 1};
    memcpy(n->who.name, n->name, sizeof n->name);
    memcpy(n->who.hosts[0], n->name, sizeof n->name);
    n->config = (supervisor_config_t){.name = n->name,
        .executors = 1 + (uint32_t)(i % SIM_EXECUTORS),
        .incarnation = ++s->next_incarnation,
        .intake_port = 7710,
        .intake_address = ""};
    n->s = supervisor_new(&n->config, s->m.now);
    n->peer = ++s->next_peer;
    n->down_until = 0;
    n->slowness = one_in(s, 6) ? 10 : 1;
    supervisor_connected(n->s, s->m.now);
}

void
node_free(node_t *n)
{
    supervisor_destroy(&n->s);
    for (size_t k = 0; k < SIM_EXECUTORS; k++) {
        buf_fini(&n->slots[k].partial);
        n->slots[k].busy = false;
    }
}

void
node_kill(sim_t *s, size_t i)
{
    node_free(&s->nodes[i]);
    net_drop_worker(s, i);
    s->nodes[i].stands_until = 0;
    s->nodes[i].down_until = s->m.now + 1 + roll(s, 8000);
}

static sim_file_t *
file_of(sim_t *s, size_t node, const shard_range_t *range)
{
    for (size_t i = 0; i < s->n_files; i++) {
        sim_file_t *f = &s->files[i];
        if (strcmp(f->path, range->path) == 0 &&
            (f->owner < 0) == range->shared &&
            (f->owner < 0 || (size_t)f->owner == node)) {
            return f;
        }
    }
    return NULL;
}

// What an executor would say of these files.
static errcode_t
fate(sim_t *s, size_t node, const shard_t *shard, uint32_t *file)
{
    *file = UINT32_MAX;
    for (size_t i = 0; i < shard->n_ranges; i++) {
        sim_file_t *f = file_of(s, node, &shard->ranges[i]);
        if (f == NULL) {
            sim_wrong(s, "w%zu was lent %s, which it has not", node,
                shard->ranges[i].path);
            return ERR_IO;
        }
        if (f->fault == FILE_POISON) {
            return ERR_CRASHED;
        }
        if (f->crashes > 0 && !sim_is_calm(s) && one_in(s, 30)) {
            f->crashes--;
            return ERR_CRASHED;
        }
        if (f->fault == FILE_CORRUPT ||
            (f->fault == FILE_CHANGES && s->m.now >= f->changes_at)) {
            *file = shard->ranges[i].file;
            return f->fault == FILE_CORRUPT ? ERR_CORRUPT : ERR_CHANGED;
        }
    }
    return ERR_OK;
}

static void
count_range(const shard_range_t *r, tally_t *tally, totals_t *totals)
{
    cell_t cell = {.kind = CELL_TEXT, .text = span_str(r->path)};
    uint64_t n = r->end - r->begin;
    agg_state_t *states;
    buf_t key = {0};

    cell_encode(&cell, &key);
    assert(tally_group(tally, buf_span(&key), &states) == ERR_OK);
    agg_add_lines(&states[0], n);
    file_total_t *f = totals_file(totals, r->file);
    f->bytes += n;
    f->lines += n;
    f->accepted += n;
    totals->bytes += n;
    totals->lines += n;
    totals->accepted += n;
    buf_fini(&key);
}

static void
count_shard(const shard_t *shard, buf_t *out)
{
    query_t *query = NULL;
    query_error_t error;
    totals_t totals = {0};

    assert(query_parse(shard->query, &query, &error) == ERR_OK);
    tally_t *tally = tally_new(query, 1 << 20);
    for (size_t i = 0; i < shard->n_ranges; i++) {
        count_range(&shard->ranges[i], tally, &totals);
    }
    assert(partial_encode(tally, &totals, out) == ERR_OK);
    totals_fini(&totals);
    tally_destroy(&tally);
    query_destroy(&query);
}

static void
start_slot(sim_t *s, size_t i, uint32_t slot, const shard_t *shard)
{
    node_t *n = &s->nodes[i];

    n->slots[slot].rc = fate(s, i, shard, &n->slots[slot].file);
    buf_fini(&n->slots[slot].partial);
    if (n->slots[slot].rc == ERR_OK) {
        count_shard(shard, &n->slots[slot].partial);
    }
    n->slots[slot].busy = true;
    n->slots[slot].due =
        s->m.now + roll(s, sim_is_calm(s) ? 100 : 400 * n->slowness);
}

static void
answer_list(sim_t *s, size_t i, const sup_output_t *out)
{
    listed_file_t files[SIM_FILES];
    size_t n = 0;

    for (size_t k = 0; k < s->n_files; k++) {
        const sim_file_t *f = &s->files[k];
        if (out->shared ? f->owner < 0 : f->owner == (int)i) {
            files[n++] = (listed_file_t){.path = f->path, .size = f->size};
        }
    }
    supervisor_listed(s->nodes[i].s, out->request, files, n, true,
        n > 0 ? ERR_OK : ERR_NOT_FOUND, NULL, s->m.now);
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
        net_send(s, TO_SINK, i, n->peer, buf_span(&out->frame));
        break;
    case SUP_LIST:
        answer_list(s, i, out);
        break;
    case SUP_START:
        start_slot(s, i, out->slot, out->shard);
        break;
    case SUP_KILL:
        n->slots[out->slot].busy = false;
        break;
    case SUP_RECONNECT:
    case SUP_REFUSED:
        n->peer = ++s->next_peer;
        supervisor_connected(n->s, s->m.now);
        break;
    case SUP_SINK_OPEN:
        break;
    }
    buf_fini(&out->frame);
}

static void
drain(sim_t *s, size_t i, sup_output_t *out)
{
    while (supervisor_next(s->nodes[i].s, out)) {
        carry_out(s, i, out);
    }
}

static void
finish_slots(sim_t *s, node_t *n)
{
    for (uint32_t k = 0; k < n->config.executors; k++) {
        if (n->slots[k].busy && n->slots[k].due <= s->m.now) {
            n->slots[k].busy = false;
            supervisor_done(n->s, k, n->slots[k].rc, &n->slots[k].partial,
                n->slots[k].file, NULL, s->m.now);
        }
    }
}

void
node_step(sim_t *s, size_t i)
{
    node_t *n = &s->nodes[i];
    sup_output_t *out;

    if (n->down_until != 0 && s->m.now >= n->down_until) {
        node_start(s, i);
    }
    if (n->down_until != 0 || s->m.now < n->stands_until) {
        return;
    }
    out = xmalloc(sizeof *out);
    (void)supervisor_tick(n->s, s->m.now);
    drain(s, i, out);
    finish_slots(s, n);
    drain(s, i, out);
    free(out);
}
