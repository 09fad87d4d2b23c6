// SPDX-License-Identifier: Apache-2.0
// What it costs a coordinator that many shards fail at once: jobs that each
// count a file of every worker, and one that all can read; then all that is
// lent fails. The machine alone, without sockets or a journal.
//
//     failures [WORKERS [JOBS]]    200 and 50
#include <stddef.h>

#define FAKE_WORKERS 4096u
#include "bench/meter.h"
#include "tests/unit/coordinator/machine.h"

#include <stdio.h>
#include <stdlib.h>

#define EXECUTORS    2u
#define SHARED_BYTES 1000u // each a shard

typedef struct loan {
    const fake_t *w;
    uint64_t job;
    uint64_t shard;
    uint32_t attempt;
} loan_t;

static loan_t *loans;
static size_t n_loans, cap_loans;
static bool listing;

// Lanes are numbered as workers register.
static const fake_t *
of_lane(const machine_t *m, uint64_t lane)
{
    const fake_t *w = &m->workers[lane - 1];

    assert(lane <= m->n_workers && w->lane == lane);
    return w;
}

static void
note_shard(machine_t *m, const output_t *out)
{
    lt_Shard *meta = xmalloc(sizeof *meta);
    frame_t frame;

    assert(frame_decode(buf_span(&out->frame), &frame) == ERR_OK);
    if (frame.type == PROTO_SHARD) {
        assert(frame_meta(&frame, lt_Shard_fields, meta) == ERR_OK);
        loans = xgrow(loans, &cap_loans, n_loans + 1, sizeof *loans);
        loans[n_loans++] = (loan_t){.w = of_lane(m, out->peer),
            .job = meta->job,
            .shard = meta->shard,
            .attempt = meta->attempt};
    }
    free(meta);
}

// Shards are noted as they go out; what is said is kept while files are
// listed.
static void
take(machine_t *m)
{
    output_t out;

    while (coordinator_next(m->c, &out)) {
        if (out.kind == OUT_INTAKE) {
            note_shard(m, &out);
        }
        if (listing) {
            m->seen =
                xgrow(m->seen, &m->cap_seen, m->n_seen + 1, sizeof *m->seen);
            m->seen[m->n_seen++] = out;
        } else {
            buf_fini(&out.frame);
        }
    }
}

static size_t
number(const char *text, size_t most)
{
    unsigned long n = strtoul(text, NULL, 10);

    if (n == 0 || n > most) {
        fprintf(stderr, "failures: a number from 1 to %zu: %s\n", most, text);
        exit(2);
    }
    return n;
}

// One file of each host, in one shard.
static void
submit(machine_t *m, const char *source, const char *path, uint64_t size)
{
    const fake_file_t file = {path, size, 0, 0};

    listing = true;
    uint64_t job = machine_submit(m, source, 1);
    assert(job != 0);
    for (size_t i = 0; i < m->n_workers; i++) {
        (void)fake_list(m, &m->workers[i], &file, 1);
    }
    listing = false;
    machine_forget(m);
}

static void
fail(machine_t *m, const loan_t *l)
{
    lt_ShardFailed meta = {.incarnation = l->w->incarnation,
        .job = l->job,
        .shard = l->shard,
        .attempt = l->attempt,
        .error = ERR_CRASHED,
        .file = UINT32_MAX};

    snprintf(meta.text, sizeof meta.text, "made to fail");
    fake_say(m, l->w, LINK_SINK, PROTO_SHARD_FAILED, lt_ShardFailed_fields,
        &meta, (span_t){0});
}

static void
fail_all(machine_t *m, const char *what)
{
    size_t n = n_loans;

    meter_start();
    for (size_t i = 0; i < n; i++) {
        fail(m, &loans[i]);
    }
    double took = meter_stop().seconds;
    printf("%-34s %6zu failed, %6zu lent again: %7.3f s, %6.1f us each\n", what,
        n, n_loans - n, took, took * 1e6 / (double)n);
}

int
main(int argc, char **argv)
{
    size_t n = argc > 1 ? number(argv[1], FAKE_WORKERS) : 200;
    size_t jobs = argc > 2 ? number(argv[2], LIMIT_JOBS - 1) : 50;
    machine_t *m = xmalloc(sizeof *m);
    char name[32];

    setvbuf(stdout, NULL, _IOLBF, 0);
    log_set_level(LOG_ERROR);
    machine_init(m);
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "web%zu", i);
        (void)machine_worker(m, name, EXECUTORS);
        machine_forget(m);
    }
    m->sync = take;
    for (size_t i = 0; i < jobs; i++) {
        submit(m, "web*:/var/log/x", "/var/log/x", 1);
    }
    fail_all(m, "files of each host");
    n_loans = 0;
    submit(m, "shared:/net/x", "/net/x", SHARED_BYTES);
    fail_all(m, "and one that all can read");
    machine_fini(m);
    free(loans);
    free(m);
    return 0;
}
