// SPDX-License-Identifier: Apache-2.0
// sim SEEDS [--seed FIRST]: so many worlds, in as many processes as there are
// cores. Prints each seed that went wrong and what happened in all of them,
// and ends with 1 if there was a wrong one, or if something never happened in
// a run that is large enough. With SIM_LOG in the environment the machines
// log what they do.
#include "tests/sim/sim.h"

#include "common/base/log.h"

#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ENOUGH_SEEDS 20000u // that everything happens

typedef struct sum {
    uint64_t seeds, wrong;
    uint64_t events[SIM_EVENT_COUNT];
} sum_t;

static void
run_seed(uint64_t seed, sum_t *sum)
{
    sim_t *s = sim_new(seed);

    while (!sim_is_over(s)) {
        sim_step(s);
    }
    check_end(s);
    sum->seeds++;
    for (size_t i = 0; i < SIM_EVENT_COUNT; i++) {
        sum->events[i] += s->events[i];
    }
    if (s->wrong[0] != '\0') {
        sum->wrong++;
        printf("seed %llu: %s\n", (unsigned long long)seed, s->wrong);
        fflush(stdout);
    }
    sim_free(s);
}

static pid_t
start_child(uint64_t first, uint64_t end, uint64_t stride, int out)
{
    sum_t sum = {0};
    pid_t pid = fork();

    if (pid == 0) {
        for (uint64_t seed = first; seed < end; seed += stride) {
            run_seed(seed, &sum);
        }
        _exit(write(out, &sum, sizeof sum) == sizeof sum ? 0 : 2);
    }
    return pid;
}

// A child that dies has found something too.
static bool
collect(int in, size_t n, sum_t *all)
{
    bool well = true;
    sum_t one;

    while (read(in, &one, sizeof one) == sizeof one) {
        all->seeds += one.seeds;
        all->wrong += one.wrong;
        for (size_t i = 0; i < SIM_EVENT_COUNT; i++) {
            all->events[i] += one.events[i];
        }
    }
    for (size_t i = 0; i < n; i++) {
        int status;
        well = wait(&status) > 0 && status == 0 && well;
    }
    return well;
}

static double
now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// false: a run of this size should have seen more.
static bool
print_events(const sum_t *all)
{
    bool every = true;

    for (size_t i = 0; i < SIM_EVENT_COUNT; i++) {
        printf("%12llu %s\n", (unsigned long long)all->events[i],
            sim_event_texts[i]);
        every = every && all->events[i] > 0;
    }
    if (!every && all->seeds >= ENOUGH_SEEDS) {
        printf("some of these never happened\n");
        return false;
    }
    return true;
}

int
main(int argc, char **argv)
{
    bool from = argc == 4 && strcmp(argv[2], "--seed") == 0;
    uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    uint64_t first = from ? strtoull(argv[3], NULL, 10) : 1;
    size_t cores = (size_t)get_nprocs();
    double began = now_s();
    sum_t all = {0};
    int ends[2];

    if (n == 0 || (argc != 2 && !from) || pipe(ends) != 0) {
        fprintf(stderr, "usage: sim SEEDS [--seed FIRST]\n");
        return 2;
    }
    log_set_level(getenv("SIM_LOG") != NULL ? LOG_DEBUG : LOG_ERROR);
    for (size_t i = 0; i < cores; i++) {
        start_child(first + i, first + n, cores, ends[1]);
    }
    close(ends[1]);
    bool well = collect(ends[0], cores, &all);
    bool every = print_events(&all);
    printf("%llu seeds, %llu wrong, %.0f seeds/s\n",
        (unsigned long long)all.seeds, (unsigned long long)all.wrong,
        (double)all.seeds / (now_s() - began));
    return well && every && all.wrong == 0 && all.seeds == n ? 0 : 1;
}
