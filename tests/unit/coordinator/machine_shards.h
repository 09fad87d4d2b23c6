// SPDX-License-Identifier: Apache-2.0
// What workers do with shards: count and deliver, or fail. A made-up file has
// one line per byte, so the true count of a job is the sum of its files'
// sizes.
#ifndef LOGTALLY_TESTS_UNIT_COORDINATOR_MACHINE_SHARDS_H
#define LOGTALLY_TESTS_UNIT_COORDINATOR_MACHINE_SHARDS_H

#include "common/tally/partial.h"
#include "tests/unit/coordinator/machine_workers.h"

#include <sodium.h>

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
        out->guessed = range->guessed;
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

// A machine whose only worker, web1, has the first shard of a job.
typedef struct single {
    machine_t m;
    fake_t *w;
    uint64_t job;
    lent_t l;
} single_t;

static inline void
lease_init(single_t *s, uint64_t size, uint64_t shard_bytes)
{
    s->w = machine_init_web1(&s->m, 1);
    s->job = machine_job(&s->m, s->w, size, shard_bytes);
    bool lent = fake_lent(&s->m, s->w, &s->l);
    assert(lent);
}

static inline void
lease_fini(single_t *s)
{
    lent_fini(&s->l);
    machine_fini(&s->m);
}

// A machine with two workers and a job over a file that both read.
typedef struct pair {
    machine_t m;
    fake_t *a;
    fake_t *b;
    uint64_t job;
} pair_t;

static inline void
pair_init(pair_t *p, uint64_t size, uint64_t shard_bytes)
{
    p->a = machine_init_web1(&p->m, 1);
    p->b = machine_worker(&p->m, "web2", 1);
    p->job = machine_shared_job(&p->m, size, shard_bytes);
}

#endif
