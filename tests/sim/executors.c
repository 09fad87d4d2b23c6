// SPDX-License-Identifier: Apache-2.0
// Executors that are made up: what comes of a shard is known when it starts.
#include "tests/sim/sim.h"

#define HANG_MS 100000 // longer than a supervisor waits

static sim_file_t *
file_of(sim_t *s, size_t host, const shard_range_t *range)
{
    for (size_t i = 0; i < s->n_files; i++) {
        sim_file_t *f = &s->files[i];
        if (strcmp(f->path, range->path) == 0 &&
            (f->host < 0) == range->shared &&
            (f->host < 0 || (size_t)f->host == host)) {
            return f;
        }
    }
    return NULL;
}

// Of an archive one part is bad, and the others are not.
static errcode_t
fate_of_file(sim_t *s, const sim_file_t *f, const shard_range_t *r)
{
    bool gone = s->m.now >= f->until;

    if (f->lie > 0 && (r->begin == f->lie || r->end == f->lie)) {
        s->events[SIM_LIE]++;
        return ERR_CORRUPT;
    }
    if (f->step > 0 && (f->bad < r->begin || f->bad >= r->end)) {
        return ERR_OK;
    }
    errcode_t rc = f->fault == FILE_POISON             ? ERR_CRASHED
                   : f->fault == FILE_CORRUPT          ? ERR_CORRUPT
                   : f->fault == FILE_CHANGES && gone  ? ERR_CHANGED
                   : f->fault == FILE_VANISHES && gone ? ERR_NOT_FOUND
                                                       : ERR_OK;

    s->events[SIM_POISON] += rc == ERR_CRASHED;
    s->events[SIM_BAD_FILE] += rc != ERR_OK && rc != ERR_CRASHED;
    return rc;
}

// What an executor would say of these files.
static errcode_t
fate(sim_t *s, size_t i, const shard_t *shard, uint32_t *file)
{
    *file = UINT32_MAX;
    for (size_t k = 0; k < shard->n_ranges; k++) {
        const shard_range_t *r = &shard->ranges[k];
        const sim_file_t *f = file_of(s, s->nodes[i].host, r);
        if (f == NULL) {
            sim_wrong(s, "%s was lent %s, which it has not", s->nodes[i].name,
                r->path);
            return ERR_IO;
        }
        if (r->end > f->size || r->begin >= r->end) {
            sim_wrong(s, "%s was lent bytes %llu to %llu of %s",
                s->nodes[i].name, (unsigned long long)r->begin,
                (unsigned long long)r->end, r->path);
        }
        if (f->step > 0 && (r->begin % f->step != 0 ||
                               (r->end % f->step != 0 && r->end != f->size))) {
            sim_wrong(s, "%s is cut where it cannot be", r->path);
        }
        errcode_t rc = fate_of_file(s, f, r);
        if (rc != ERR_OK) {
            *file = rc == ERR_CRASHED ? UINT32_MAX : r->file;
            return rc;
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
count_ranges(const shard_t *shard, size_t n, buf_t *out)
{
    query_t *query = NULL;
    query_error_t error;
    totals_t totals = {0};

    assert(query_parse(shard->query, &query, &error) == ERR_OK);
    tally_t *tally = tally_new(query, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        count_range(&shard->ranges[i], tally, &totals);
    }
    assert(partial_encode(tally, &totals, out) == ERR_OK);
    totals_fini(&totals);
    tally_destroy(&tally);
    query_destroy(&query);
}

// Things that happen once or twice, and not again at the next attempt.
static void
misfortune(sim_t *s, const shard_t *shard, order_t *order)
{
    s->bad_luck--;
    switch (roll(s, 4)) {
    case 0:
        order->rc = ERR_CRASHED;
        s->events[SIM_CRASHED]++;
        break;
    case 1:
        order->rc = ERR_IO;
        s->events[SIM_FAILED]++;
        break;
    case 2:
        order->takes += HANG_MS;
        s->events[SIM_HUNG]++;
        break;
    default:
        buf_clear(&order->partial);
        count_ranges(shard, shard->n_ranges - 1, &order->partial);
        s->events[SIM_CHEATED]++;
        break;
    }
}

static order_t *
order_new(sim_t *s, size_t i, const shard_t *shard)
{
    order_t *order = xcalloc(1, sizeof *order);

    order->takes = roll(s, sim_is_calm(s) ? 100 : 400 * s->nodes[i].slowness);
    order->rc = fate(s, i, shard, &order->file);
    if (order->rc != ERR_OK) {
        return order;
    }
    count_ranges(shard, shard->n_ranges, &order->partial);
    if (order->partial.len > s->largest_partial) {
        s->largest_partial = order->partial.len;
    }
    if (s->bad_luck > 0 && !sim_is_calm(s) && one_in(s, 20)) {
        misfortune(s, shard, order);
    }
    return order;
}

// An executor that has something may take no more.
void
line_give(sim_t *s, size_t i, uint32_t slot, const shard_t *shard)
{
    node_t *n = &s->nodes[i];
    order_t **end = &n->lines[slot];

    if (*end != NULL && one_in(s, 30)) {
        s->events[SIM_NO_ROOM]++;
        supervisor_not_started(n->s, shard, ERR_BUSY, UINT32_MAX, "", s->m.now);
        return;
    }
    order_t *order = order_new(s, i, shard);
    order->due = s->m.now + order->takes;
    s->events[SIM_AHEAD] += *end != NULL;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = order;
}

static void
order_free(order_t *order)
{
    buf_fini(&order->partial);
    free(order);
}

void
line_end(node_t *n, uint32_t slot)
{
    while (n->lines[slot] != NULL) {
        order_t *order = n->lines[slot];
        n->lines[slot] = order->next;
        order_free(order);
    }
}

static void
finish_first(sim_t *s, node_t *n, uint32_t slot)
{
    order_t *order = n->lines[slot];

    n->lines[slot] = order->next;
    if (order->next != NULL) {
        order->next->due = s->m.now + order->next->takes;
    }
    if (order->rc == ERR_CRASHED) {
        line_end(n, slot);
    }
    supervisor_done(
        n->s, slot, order->rc, &order->partial, order->file, NULL, s->m.now);
    order_free(order);
}

void
lines_finish(sim_t *s, size_t i)
{
    node_t *n = &s->nodes[i];

    for (uint32_t k = 0; k < n->config.executors; k++) {
        const order_t *first = n->lines[k];
        if (first != NULL && first->due <= s->m.now) {
            finish_first(s, n, k);
        } else if (first != NULL && one_in(s, 8) &&
                   first->due < s->m.now + HANG_MS / 2) {
            supervisor_progress(n->s, k, roll(s, 700), s->m.now);
        }
    }
}
