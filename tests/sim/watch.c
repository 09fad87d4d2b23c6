// SPDX-License-Identifier: Apache-2.0
// What every message of the coordinator promises, held against the journal as
// a crash at this moment would leave it, and the room it may take.
#include "tests/sim/sim.h"

#include "coordinator/entries.h"

static bool
is_durable(const sim_t *s, uint64_t job, entry_kind_t kind, uint64_t n)
{
    const memory_journal_t *j = &s->journal;

    for (size_t i = 0; i < j->n_durable; i++) {
        const memory_op_t *op = &j->ops[i];
        if (op->what == MEMORY_PUT && !op->refused && op->key.job == job &&
            op->key.kind == kind && op->key.n == n) {
            return true;
        }
    }
    return false;
}

static void
watch_ack(sim_t *s, const frame_t *frame)
{
    lt_ResultAck ack;

    assert(frame_meta(frame, lt_ResultAck_fields, &ack) == ERR_OK);
    if (ack.verdict <= lt_Verdict_VERDICT_DUPLICATE &&
        !is_durable(s, ack.job, ENTRY_COMMIT, ack.shard)) {
        sim_wrong(s, "shard %llu of job %llu is acknowledged and not durable",
            (unsigned long long)ack.shard, (unsigned long long)ack.job);
    }
}

static void
watch_update(sim_t *s, const frame_t *frame)
{
    lt_JobUpdate update;

    assert(frame_meta(frame, lt_JobUpdate_fields, &update) == ERR_OK);
    if (!is_durable(s, update.job, ENTRY_JOB, 0)) {
        sim_wrong(s, "job %llu has a number that is not durable",
            (unsigned long long)update.job);
    }
    if (update.state > lt_JobState_JOB_RUNNING &&
        !is_durable(s, update.job, ENTRY_END, 0)) {
        sim_wrong(s, "job %llu is said to have ended, which is not durable",
            (unsigned long long)update.job);
    }
}

// Who counted a shard that is to be checked, or "".
static void
counted_by(const sim_t *s, const lt_Shard *shard, char *out, size_t size)
{
    const memory_journal_t *j = &s->journal;
    change_t change;

    out[0] = '\0';
    for (size_t i = 0; i < j->n; i++) {
        const memory_op_t *op = &j->ops[i];
        if (op->what == MEMORY_PUT && op->key.kind == ENTRY_CHANGE &&
            op->key.job == shard->job && !op->refused &&
            entry_get_change(buf_span(&op->bytes), &change) == ERR_OK &&
            change.kind == CHANGE_COUNTED && change.shard == shard->shard) {
            snprintf(out, size, "%.*s", (int)size - 1, change.why);
        }
    }
}

static const char *
name_of(const sim_t *s, uint64_t incarnation)
{
    for (size_t i = 0; i < s->n_nodes; i++) {
        if (s->nodes[i].config.incarnation == incarnation) {
            return s->nodes[i].name;
        }
    }
    return "";
}

// Only to be checked, by another than who counted it.
static bool
is_check(const sim_t *s, const lt_Shard *shard)
{
    char by[LIMIT_NAME];

    counted_by(s, shard, by, sizeof by);
    return by[0] != '\0' && strcmp(by, name_of(s, shard->incarnation)) != 0;
}

static void
watch_shard(sim_t *s, const frame_t *frame)
{
    lt_Shard *shard = xmalloc(sizeof *shard);

    assert(frame_meta(frame, lt_Shard_fields, shard) == ERR_OK);
    if (!is_durable(s, shard->job, ENTRY_PLAN, 0)) {
        sim_wrong(s, "shard %llu of job %llu is lent before its plan is kept",
            (unsigned long long)shard->shard, (unsigned long long)shard->job);
    }
    if (is_durable(s, shard->job, ENTRY_COMMIT, shard->shard) &&
        !is_check(s, shard)) {
        sim_wrong(s, "shard %llu of job %llu is committed and lent again",
            (unsigned long long)shard->shard, (unsigned long long)shard->job);
    }
    free(shard);
}

// Who is gone holds nothing; with every job ended nobody does.
static void
watch_list(sim_t *s, const frame_t *frame)
{
    lt_WorkerInfo worker;
    lt_Records meta;
    rd_t r = rd_init(frame->payload);

    assert(frame_meta(frame, lt_Records_fields, &meta) == ERR_OK);
    for (uint32_t i = 0; i < meta.n; i++) {
        assert(record_get(&r, lt_WorkerInfo_fields, &worker) == ERR_OK);
        if (worker.held != 0 &&
            (sim_is_over(s) || strcmp(worker.state, "up") != 0)) {
            sim_wrong(s, "%s is %s and holds %u shards", worker.name,
                worker.state, worker.held);
        }
    }
}

void
watch_output(sim_t *s, const output_t *out)
{
    static const struct {
        unsigned type;
        void (*watch)(sim_t *, const frame_t *);
    } rules[] = {
        {PROTO_RESULT_ACK, watch_ack},
        {PROTO_JOB_UPDATE, watch_update},
        {PROTO_SHARD, watch_shard},
        {PROTO_WORKER_LIST, watch_list},
    };
    frame_t frame;

    if (out->kind != OUT_CONTROL && out->kind != OUT_INTAKE) {
        return;
    }
    assert(frame_decode(buf_span(&out->frame), &frame) == ERR_OK);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (frame.type == rules[i].type) {
            rules[i].watch(s, &frame);
        }
    }
}

// One partial larger than the whole budget may come, alone.
void
watch_room(sim_t *s)
{
    uint64_t room = s->config.staging_bytes > s->largest_partial
                        ? s->config.staging_bytes
                        : s->largest_partial;
    uint64_t taken = coordinator_stats(s->m.c)->staging_bytes;

    if (taken > room) {
        sim_wrong(s, "%llu bytes of staging are granted, there are %llu",
            (unsigned long long)taken, (unsigned long long)room);
    }
}

void
watch_put(sim_t *s, const entry_key_t *key)
{
    for (size_t i = 0; i < s->journal.n && key->kind == ENTRY_COMMIT; i++) {
        const memory_op_t *old = &s->journal.ops[i];
        if (old->what == MEMORY_PUT && !old->refused &&
            old->key.job == key->job && old->key.kind == key->kind &&
            old->key.n == key->n) {
            sim_wrong(s, "shard %llu of job %llu was committed twice",
                (unsigned long long)key->n, (unsigned long long)key->job);
        }
    }
}

void
watch_workers(sim_t *s)
{
    static const identity_t admin = {.name = "root", .roles = ROLE_ADMIN};
    buf_t frame = {0};

    frame_encode(&frame, PROTO_WORKERS, 0, NULL, NULL, (span_t){0});
    coordinator_message(s->m.c, LINK_CONTROL, ADMIN_PEER, &admin, "10.0.0.3",
        buf_span(&frame), s->m.now);
    buf_fini(&frame);
}
