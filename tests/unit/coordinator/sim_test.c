// SPDX-License-Identifier: Apache-2.0
// The machines of coordinator and workers over a network that loses, delays,
// doubles and swaps frames, with workers that die and stand still. All comes
// from a seed, time is a number: a seed that fails fails again.
#include "tests/unit/coordinator/machine.h"
#include "worker/supervisor.h"

#include "tests/unit/cmocka_all.h"

#define SEEDS     200u
#define N         4u // workers
#define EXECUTORS 2u
#define STEP_MS   50
#define CALM_MS   30000 // after that nothing bad happens any more
#define END_MS    300000
#define IN_FLIGHT 4096u

typedef enum { TO_COORDINATOR, TO_SINK, TO_CONTROL, TO_INTAKE } where_t;

typedef struct flight {
    where_t to;
    size_t worker;
    uint64_t peer; // the connection it travels on
    int64_t due;
    buf_t frame;
} flight_t;

typedef struct node {
    supervisor_t *s;
    supervisor_config_t config;
    char name[16];
    identity_t who;
    uint64_t peer;
    uint64_t lane;
    int64_t paused_until;
    int64_t down_until; // 0: it runs
    struct {
        bool busy;
        lent_t l; // copied when it started
        int64_t due;
    } slots[EXECUTORS];
} node_t;

typedef struct sim {
    machine_t m; // the store, the clock and the client
    node_t nodes[N];
    flight_t flying[IN_FLIGHT];
    size_t n_flying;
    uint64_t rng;
    uint64_t next_peer;
    uint64_t next_incarnation;
} sim_t;

static uint32_t
roll(sim_t *s, uint32_t below)
{
    s->rng = s->rng * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(s->rng >> 33) % below;
}

static bool
calm(const sim_t *s)
{
    return s->m.now >= CALM_MS;
}

static void
fly(sim_t *s, where_t to, size_t worker, uint64_t peer, span_t bytes)
{
    unsigned copies = 1;

    if (!calm(s)) {
        copies = roll(s, 20) == 0 ? 0 : roll(s, 20) == 0 ? 2 : 1;
    }
    for (; copies > 0 && s->n_flying < IN_FLIGHT; copies--) {
        flight_t *f = &s->flying[s->n_flying++];
        *f = (flight_t){.to = to, .worker = worker, .peer = peer};
        f->due = s->m.now + roll(s, calm(s) ? 10 : 800);
        buf_put_span(&f->frame, bytes);
    }
}

static void
start_node(sim_t *s, size_t i)
{
    node_t *n = &s->nodes[i];

    snprintf(n->name, sizeof n->name, "w%zu", i);
    n->who = (identity_t){.roles = ROLE_WORKER};
    memcpy(n->who.name, n->name, sizeof n->name);
    n->config = (supervisor_config_t){.name = n->name,
        .executors = EXECUTORS,
        .incarnation = ++s->next_incarnation,
        .intake_port = 7710,
        .intake_address = ""};
    n->s = supervisor_new(&n->config, s->m.now);
    n->peer = ++s->next_peer;
    n->down_until = 0;
    supervisor_connected(n->s, s->m.now);
}

static void
free_slots(node_t *n)
{
    for (size_t k = 0; k < EXECUTORS; k++) {
        lent_fini(&n->slots[k].l);
        n->slots[k].busy = false;
    }
}

static void
kill_node(sim_t *s, size_t i)
{
    supervisor_destroy(&s->nodes[i].s);
    free_slots(&s->nodes[i]);
    s->nodes[i].down_until = s->m.now + 1 + roll(s, 8000);
}

static void
start_slot(sim_t *s, node_t *n, uint32_t slot, const shard_t *shard)
{
    lent_t *l = &n->slots[slot].l;

    lent_fini(l);
    memset(l, 0, sizeof *l);
    snprintf(l->meta.query, sizeof l->meta.query, "%s", shard->query);
    l->meta.n_ranges = (uint32_t)shard->n_ranges;
    for (size_t i = 0; i < shard->n_ranges; i++) {
        l->files[i] = shard->ranges[i].file;
        l->begin[i] = shard->ranges[i].begin;
        l->end[i] = shard->ranges[i].end;
        l->bytes += l->end[i] - l->begin[i];
    }
    lent_count(l, 0);
    n->slots[slot].busy = true;
    n->slots[slot].due = s->m.now + roll(s, calm(s) ? 100 : 3000);
}

static void
answer_list(sim_t *s, node_t *n, uint64_t request)
{
    const listed_file_t files[] = {
        {.path = "/net/a", .size = 1000}, {.path = "/net/b", .size = 337}};

    supervisor_listed(n->s, request, files, 2, true, ERR_OK, NULL, s->m.now);
}

static void
do_output(sim_t *s, size_t i, sup_output_t *out)
{
    node_t *n = &s->nodes[i];

    switch (out->kind) {
    case SUP_CONTROL:
        fly(s, TO_COORDINATOR, i, n->peer, buf_span(&out->frame));
        break;
    case SUP_SINK:
        fly(s, TO_SINK, i, n->peer, buf_span(&out->frame));
        break;
    case SUP_LIST:
        answer_list(s, n, out->request);
        break;
    case SUP_START:
        start_slot(s, n, out->slot, out->shard);
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
finish_slots(sim_t *s, node_t *n)
{
    for (uint32_t k = 0; k < EXECUTORS; k++) {
        buf_t none = {0};
        if (!n->slots[k].busy || n->slots[k].due > s->m.now) {
            continue;
        }
        n->slots[k].busy = false;
        supervisor_done(
            n->s, k, ERR_OK, &n->slots[k].l.partial, UINT32_MAX, "", s->m.now);
        buf_fini(&none);
    }
}

static void
run_node(sim_t *s, size_t i)
{
    node_t *n = &s->nodes[i];
    sup_output_t *out = xmalloc(sizeof *out);

    if (n->down_until != 0 && s->m.now >= n->down_until) {
        start_node(s, i);
    }
    if (n->down_until == 0 && s->m.now >= n->paused_until) {
        (void)supervisor_tick(n->s, s->m.now);
        while (supervisor_next(n->s, out)) {
            do_output(s, i, out);
        }
        finish_slots(s, n);
        while (supervisor_next(n->s, out)) {
            do_output(s, i, out);
        }
    }
    free(out);
}

static void
arrive(sim_t *s, flight_t *f)
{
    node_t *n = &s->nodes[f->worker];
    span_t bytes = buf_span(&f->frame);

    if (f->to == TO_COORDINATOR || f->to == TO_SINK) {
        coordinator_message(s->m.c, f->to == TO_SINK ? LINK_SINK : LINK_CONTROL,
            f->peer, &n->who, "10.0.0.1", bytes, s->m.now);
    } else if (n->down_until == 0) {
        supervisor_message(n->s,
            f->to == TO_INTAKE ? SUP_LINK_INTAKE : SUP_LINK_CONTROL, bytes,
            s->m.now);
    }
}

static void
deliver(sim_t *s)
{
    for (size_t i = s->n_flying; i-- > 0;) {
        flight_t f = s->flying[i];
        if (f.due > s->m.now || s->nodes[f.worker].paused_until > s->m.now) {
            continue;
        }
        s->flying[i] = s->flying[--s->n_flying];
        arrive(s, &f);
        buf_fini(&f.frame);
    }
}

static void
send_out(sim_t *s)
{
    output_t out;

    while (coordinator_next(s->m.c, &out)) {
        for (size_t i = 0; i < N; i++) {
            node_t *n = &s->nodes[i];
            if (out.kind == OUT_LANE_OPEN &&
                strcmp(out.name, n->who.name) == 0) {
                n->lane = out.peer;
            } else if (out.kind == OUT_CONTROL && out.peer == n->peer) {
                fly(s, TO_CONTROL, i, n->peer, buf_span(&out.frame));
            } else if (out.kind == OUT_INTAKE && out.peer == n->lane) {
                fly(s, TO_INTAKE, i, n->peer, buf_span(&out.frame));
            }
        }
        buf_fini(&out.frame);
    }
}

static void
do_harm(sim_t *s)
{
    size_t i = roll(s, N);

    if (calm(s)) {
        return;
    }
    if (roll(s, 60) == 0 && s->nodes[i].down_until == 0) {
        kill_node(s, i);
    } else if (roll(s, 60) == 0) {
        s->nodes[i].paused_until = s->m.now + roll(s, 9000);
    }
}

static void
submit(sim_t *s)
{
    static const char *const source = "shared:/net/*";
    lt_Submit *meta = submit_meta(&s->m, "count", 50);
    lt_Source record = {0};
    buf_t payload = {0};

    snprintf(record.text, sizeof record.text, "%s", source);
    record_put(&payload, lt_Source_fields, &record);
    meta->n_sources = 1;
    meta->follow = false;
    buf_t frame = {0};
    frame_encode(
        &frame, PROTO_SUBMIT, 0, lt_Submit_fields, meta, buf_span(&payload));
    coordinator_message(s->m.c, LINK_CONTROL, CLIENT_PEER, &s->m.client,
        "10.0.0.2", buf_span(&frame), s->m.now);
    buf_fini(&frame);
    buf_fini(&payload);
    free(meta);
}

static void
sim_free(sim_t *s)
{
    for (size_t i = 0; i < N; i++) {
        supervisor_destroy(&s->nodes[i].s);
        free_slots(&s->nodes[i]);
    }
    for (size_t i = 0; i < s->n_flying; i++) {
        buf_fini(&s->flying[i].frame);
    }
    machine_fini(&s->m);
    free(s);
}

// The job's count, UINT64_MAX when it has no end.
static uint64_t
run_seed(uint64_t seed, uint64_t *job_count)
{
    sim_t *s = xcalloc(1, sizeof *s);

    machine_init(&s->m);
    s->m.now = 1000;
    s->rng = seed * 2654435761u + 12345;
    s->next_peer = 1000;
    for (size_t i = 0; i < N; i++) {
        start_node(s, i);
    }
    bool submitted = false;
    while (s->m.now < END_MS && coordinator_stats(s->m.c)->jobs_ended == 0) {
        s->m.now += STEP_MS;
        do_harm(s);
        deliver(s);
        for (size_t i = 0; i < N; i++) {
            run_node(s, i);
        }
        (void)coordinator_tick(s->m.c, s->m.now);
        if (!submitted) {
            submit(s); // until somebody is there
            submitted = coordinator_stats(s->m.c)->jobs > 0;
            submitted = submitted && s->m.now > 5000;
            s->m.requests--; // the same request is the same job
        }
        send_out(s);
    }
    uint64_t ended = coordinator_stats(s->m.c)->jobs_ended;
    *job_count = UINT64_MAX;
    for (size_t i = 0; i < s->m.n_stored; i++) {
        *job_count = machine_count(&s->m, s->m.stored[i].job);
    }
    sim_free(s);
    return ended;
}

static void
test_every_seed_ends_with_the_exact_answer(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t count;
        uint64_t ended = run_seed(seed, &count);
        if (ended != 1 || count != 1337) {
            fail_msg("seed %llu: %llu jobs ended, count %llu",
                (unsigned long long)seed, (unsigned long long)ended,
                (unsigned long long)count);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_seed_ends_with_the_exact_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
