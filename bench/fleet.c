// SPDX-License-Identifier: Apache-2.0
// What a coordinator takes for a large fleet: workers that register, and one
// job over a file that all can read, cut into shards that are lent as far as
// the workers have room. The machine alone, without sockets or a journal.
//
//     fleet [WORKERS [SHARDS]]    1,000 and 10,000,000
#include <stddef.h>

#define FAKE_WORKERS 4096u
#include "bench/meter.h"
#include "tests/unit/coordinator/machine.h"

#include <stdio.h>
#include <stdlib.h>

#define EXECUTORS 8u

// Of this process, in KiB; name as in /proc/self/status.
static unsigned long
kib(const char *name)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    unsigned long n = 0;

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            n = strtoul(line + strlen(name), NULL, 10);
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    return n;
}

static void
say(const char *what)
{
    printf("%-40s %6.2f s   now %5lu MiB, most %5lu MiB\n", what,
        meter_stop().seconds, kib("VmRSS:") / 1024, kib("VmHWM:") / 1024);
}

// Shards go out as soon as they are lent; only what is asked for is kept.
static void
send(machine_t *m)
{
    output_t out;

    while (coordinator_next(m->c, &out)) {
        if (out.kind == OUT_CONTROL) {
            m->seen =
                xgrow(m->seen, &m->cap_seen, m->n_seen + 1, sizeof *m->seen);
            m->seen[m->n_seen++] = out;
        } else {
            buf_fini(&out.frame);
        }
    }
}

static unsigned long
number(const char *text, unsigned long most)
{
    unsigned long n = strtoul(text, NULL, 10);

    if (n == 0 || n > most) {
        fprintf(stderr, "fleet: a number from 1 to %lu: %s\n", most, text);
        exit(2);
    }
    return n;
}

int
main(int argc, char **argv)
{
    size_t n = argc > 1 ? number(argv[1], FAKE_WORKERS) : 1000;
    uint64_t shards = argc > 2 ? number(argv[2], LIMIT_JOB_SHARDS) : 10000000;
    machine_t *m = xmalloc(sizeof *m);
    char name[32];

    machine_init(m);
    m->sync = send;
    meter_start();
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "web%zu", i);
        (void)machine_worker(m, name, EXECUTORS);
        machine_forget(m);
    }
    say("workers are registered");
    meter_start();
    uint64_t job = machine_shared_job(m, shards, 1);
    say("the job is cut, the first are lent");
    lt_JobUpdate update = machine_status(m, job);
    printf("%zu workers, %llu shards, of which %llu are lent\n", n,
        (unsigned long long)update.shards,
        (unsigned long long)coordinator_stats(m->c)->leases);
    machine_fini(m);
    free(m);
    return update.shards == shards ? 0 : 1;
}
