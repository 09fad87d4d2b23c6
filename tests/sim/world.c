// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sim.h"

#include <stdarg.h>

#define STEP_MS 50

uint32_t
roll(sim_t *s, uint32_t below)
{
    s->rng = s->rng * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(s->rng >> 33) % below;
}

bool
one_in(sim_t *s, uint32_t n)
{
    return roll(s, n) == 0;
}

bool
sim_is_calm(const sim_t *s)
{
    return s->m.now >= SIM_CALM_MS;
}

void
sim_wrong(sim_t *s, const char *fmt, ...)
{
    va_list ap;

    if (s->wrong[0] == '\0') {
        va_start(ap, fmt);
        vsnprintf(s->wrong, sizeof s->wrong, fmt, ap);
        va_end(ap);
    }
}

static void
add_file(sim_t *s, int owner, unsigned n)
{
    sim_file_t *f = &s->files[s->n_files++];

    *f = (sim_file_t){.owner = owner, .size = 1 + roll(s, 700)};
    snprintf(f->path, sizeof f->path, "%s/%c", owner < 0 ? "/net" : "/var/log",
        'a' + (int)n);
    f->crashes = roll(s, 3);
    if (one_in(s, 12)) {
        f->fault = FILE_CHANGES + roll(s, 3);
        f->changes_at = roll(s, SIM_CALM_MS);
    }
}

static void
add_job(sim_t *s, bool shared)
{
    sim_job_t *j = &s->jobs[s->n_jobs];

    *j = (sim_job_t){.request = (uint8_t)++s->n_jobs,
        .submit_at = roll(s, 8000),
        .shard_bytes = 20 + roll(s, 200),
        .state = -1};
    for (size_t i = 0; i < s->n_nodes; i++) {
        if (one_in(s, 2) || (!shared && i == 0)) {
            snprintf(j->texts[j->n_sources++], sizeof j->texts[0],
                "w%zu:/var/log/*", i);
        }
    }
    if (shared) {
        snprintf(j->texts[j->n_sources++], sizeof j->texts[0], "shared:/net/*");
    }
    for (size_t i = 0; i < j->n_sources; i++) {
        j->sources[i] = j->texts[i];
    }
}

sim_t *
sim_new(uint64_t seed)
{
    sim_t *s = xcalloc(1, sizeof *s);

    s->rng = seed * 2654435761u + 12345;
    s->flying = xcalloc(SIM_IN_FLIGHT, sizeof *s->flying);
    s->m.now = 1000;
    s->m.journal = &s->journal;
    s->m.epoch = EPOCH - 1;
    s->m.client = (identity_t){.name = "alice", .roles = ROLE_CLIENT};
    s->next_peer = 1000;
    s->n_nodes = 1 + roll(s, SIM_WORKERS);
    s->harm = roll(s, 60);
    for (unsigned i = 0; i < s->n_nodes; i++) {
        add_file(s, (int)i, 0);
    }
    bool shared = one_in(s, 2);
    for (unsigned n = 1 + roll(s, 4); shared && n > 0; n--) {
        add_file(s, -1, n);
    }
    for (unsigned n = 1 + roll(s, SIM_JOBS); n > 0; n--) {
        add_job(s, shared);
    }
    leader_start(s);
    for (size_t i = 0; i < s->n_nodes; i++) {
        node_start(s, i);
    }
    return s;
}

void
sim_free(sim_t *s)
{
    for (size_t i = 0; i < s->n_nodes; i++) {
        node_free(&s->nodes[i]);
    }
    for (size_t i = 0; i < s->n_flying; i++) {
        buf_fini(&s->flying[i].frame);
    }
    free(s->flying);
    memory_fini(&s->m);
    free(s);
}

bool
sim_is_over(const sim_t *s)
{
    bool over = s->wrong[0] != '\0' || s->m.now >= SIM_END_MS;
    size_t ended = 0;

    for (size_t i = 0; i < s->n_jobs; i++) {
        ended += s->jobs[i].state > lt_JobState_JOB_RUNNING;
    }
    return over || ended == s->n_jobs;
}

void
sim_step(sim_t *s)
{
    s->m.now += STEP_MS;
    if (!sim_is_calm(s)) {
        harm_step(s);
    }
    net_deliver(s);
    for (size_t i = 0; i < s->n_nodes; i++) {
        node_step(s, i);
    }
    client_step(s);
    leader_step(s);
}
