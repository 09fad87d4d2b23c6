// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sim.h"

#include "common/base/log.h"

#include <stdarg.h>

#define USUAL_HOSTS 6u
#define SECONDS     2u // processes that may come besides another of their name

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

void
sim_trace(const sim_t *s, const char *what, size_t node, span_t bytes)
{
    char when[24], who[24], type[24];
    frame_t frame = {0};

    if (bytes.len > 0 && frame_decode(bytes, &frame) != ERR_OK) {
        return;
    }
    snprintf(when, sizeof when, "%lld", (long long)s->m.now);
    snprintf(who, sizeof who, "%zu", node);
    snprintf(type, sizeof type, "%u", (unsigned)frame.type);
    log_event(LOG_DEBUG, what, "at", when, "process", who, "type", type, NULL);
}

static bool
is_crowd(const sim_t *s)
{
    return s->n_hosts > USUAL_HOSTS;
}

// Of two archives one is cut at guesses, and of two of these one guess is
// wrong.
static void
guess(sim_file_t *f)
{
    uint64_t n = (f->size - 1) / f->step; // places

    f->guessed = f->size % 2 == 0;
    if (f->guessed && n > 0 && f->bad % 2 == 0) {
        f->lie = f->step * (1 + f->bad % n);
    }
}

// With one name on all hosts, rows of several hosts fall together; with names
// of their own, every file is seen in the rows.
static void
add_file(sim_t *s, int host, unsigned n, bool same_names)
{
    s->files = xgrow(s->files, &s->cap_files, s->n_files + 1, sizeof *s->files);
    sim_file_t *f = &s->files[s->n_files++];

    *f = (sim_file_t){.host = host, .size = 1 + roll(s, 700)};
    snprintf(f->path, sizeof f->path, "%s/%c%d", host < 0 ? "/net" : "/var/log",
        'a' + (int)n, same_names ? 0 : host);
    if (one_in(s, 3)) {
        f->step = 1 + roll(s, (uint32_t)f->size);
        f->bad = roll(s, (uint32_t)f->size);
        guess(f);
    }
    if (one_in(s, is_crowd(s) ? 100 : 12)) {
        f->fault = FILE_CHANGES + roll(s, 4);
        f->until = roll(s, SIM_CALM_MS);
    }
}

// Attempts that fail by chance end no shard: three in all do, and one that
// was split has one behind it.
static void
set_luck(sim_t *s)
{
    bool splits = false;

    for (size_t i = 0; i < s->n_files; i++) {
        splits = splits || s->files[i].fault == FILE_POISON ||
                 (s->files[i].fault == FILE_VANISHES && s->files[i].host < 0);
    }
    s->bad_luck = roll(s, splits ? 2 : 3);
}

static void
add_source(sim_job_t *j, const char *text)
{
    snprintf(j->sources[j->n_sources++], sizeof j->sources[0], "%s", text);
}

static void
add_job(sim_t *s, bool shared)
{
    sim_job_t *j = &s->jobs[s->n_jobs++];
    char text[40];

    *j = (sim_job_t){.request = ++s->requests,
        .submit_at = roll(s, 8000),
        .shard_bytes = 20 + roll(s, 500),
        .state = -1};
    for (size_t i = 0; i < s->n_hosts && j->n_sources < SIM_SOURCES - 1; i++) {
        if (one_in(s, 2) || (!shared && i == 0)) {
            snprintf(text, sizeof text, "w%zu:/var/log/*", i);
            add_source(j, text);
        }
    }
    if (shared) {
        add_source(j, "shared:/net/*");
        j->verify_ppm = one_in(s, 2) ? 0 : one_in(s, 2) ? 1000000 : 50000;
    }
    j->cancel_at = one_in(s, 12) ? 1 + roll(s, SIM_CALM_MS) : 0;
    j->deadline_ms = one_in(s, 12) ? 500 + roll(s, SIM_CALM_MS) : 0;
}

// In a crowd all is read that can be by that many.
static void
add_work(sim_t *s)
{
    bool same_names = one_in(s, 2);
    bool shared = is_crowd(s) || one_in(s, 2);
    unsigned n_shared = is_crowd(s) ? 26 : 1 + roll(s, 4);

    for (size_t i = 0; i < s->n_hosts; i++) {
        for (unsigned n = 1 + roll(s, 3); n > 0; n--) {
            add_file(s, (int)i, n - 1, same_names);
        }
    }
    for (unsigned n = 0; shared && n < n_shared; n++) {
        add_file(s, -1, n, same_names);
    }
    set_luck(s);
    for (unsigned n = 1 + roll(s, SIM_JOBS); n > 0; n--) {
        add_job(s, shared);
    }
}

sim_t *
sim_new(uint64_t seed)
{
    sim_t *s = xcalloc(1, sizeof *s);

    s->rng = seed * 2654435761u + 12345;
    s->m.now = 1000;
    s->m.journal = &s->journal;
    s->m.epoch = EPOCH - 1;
    s->m.client = (identity_t){.name = "alice", .roles = ROLE_CLIENT};
    s->n_hosts = 1 + roll(s, USUAL_HOSTS);
    if (one_in(s, 1000)) {
        s->n_hosts = 200 + roll(s, 1000);
        s->events[SIM_CROWDS]++;
    }
    s->n_nodes = s->n_hosts + SECONDS;
    s->nodes = xcalloc(s->n_nodes, sizeof *s->nodes);
    s->harm = roll(s, 60);
    add_work(s);
    leader_start(s);
    for (size_t i = 0; i < s->n_nodes; i++) {
        s->nodes[i].host = i < s->n_hosts ? i : roll(s, (uint32_t)s->n_hosts);
        s->nodes[i].down_until = INT64_MAX;
        if (i < s->n_hosts) {
            node_start(s, i);
        }
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
    free(s->nodes);
    free(s->files);
    free(s->peers);
    free(s->lanes);
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
    s->m.now += SIM_STEP_MS;
    if (!sim_is_calm(s)) {
        harm_step(s);
    }
    net_deliver(s);
    for (size_t i = 0; i < s->n_nodes; i++) {
        node_step(s, i);
    }
    clients_step(s);
    leader_step(s);
}
