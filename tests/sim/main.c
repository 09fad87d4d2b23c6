// SPDX-License-Identifier: Apache-2.0
// sim SEEDS [--seed FIRST] [--worst N]: so many worlds, in as many processes
// as there are cores. Prints each seed that went wrong and what happened in
// all of them, and ends with 1 if there was a wrong one, or if something never
// happened in a run that is large enough; with --worst also the N seeds in
// which the most went wrong (worst.c).
// sim --these FILE: the seeds that stand in it, a line each; # is a comment.
// With SIM_LOG in the environment the machines log what they do.
#include "tests/sim/sim.h"

#include "common/base/log.h"

#include <fcntl.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ENOUGH_SEEDS 20000u // that everything happens

typedef struct plan {
    uint64_t first, n;
    uint64_t *listed; // NULL: first, first + 1, ...
    size_t worst;     // how many of the hardest are asked for
    FILE *notes;      // for these
} plan_t;

typedef struct sum {
    uint64_t seeds, wrong;
    uint64_t events[SIM_EVENT_COUNT];
} sum_t;

static void
run_seed(uint64_t seed, const plan_t *plan, sum_t *sum)
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
    if (plan->worst > 0 && !worst_note(fileno(plan->notes), s, seed)) {
        sim_wrong(s, "its events cannot be noted");
    }
    if (s->wrong[0] != '\0') {
        sum->wrong++;
        printf("seed %llu: %s\n", (unsigned long long)seed, s->wrong);
        fflush(stdout);
    }
    sim_free(s);
}

static pid_t
start_child(const plan_t *plan, uint64_t from, uint64_t stride, int out)
{
    sum_t sum = {0};
    pid_t pid = fork();

    if (pid == 0) {
        for (uint64_t i = from; i < plan->n; i += stride) {
            run_seed(plan->listed != NULL ? plan->listed[i] : plan->first + i,
                plan, &sum);
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

static bool
read_list(const char *path, plan_t *plan)
{
    FILE *f = fopen(path, "r");
    char line[80];

    if (f == NULL) {
        perror(path);
        return false;
    }
    while (fgets(line, sizeof line, f) != NULL) {
        if (line[0] >= '0' && line[0] <= '9') {
            plan->listed = xrealloc(
                plan->listed, (size_t)(plan->n + 1) * sizeof *plan->listed);
            plan->listed[plan->n++] = strtoull(line, NULL, 10);
        }
    }
    fclose(f);
    return plan->n > 0;
}

static bool
take_arguments(int argc, char **argv, plan_t *plan)
{
    if (argc == 3 && strcmp(argv[1], "--these") == 0) {
        return read_list(argv[2], plan);
    }
    plan->n = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    for (int i = 2; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0) {
            plan->first = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--worst") == 0) {
            plan->worst = strtoull(argv[i + 1], NULL, 10);
        } else {
            return false;
        }
    }
    return plan->n > 0 && argc % 2 == 0;
}

static bool
open_notes(plan_t *plan)
{
    plan->notes = plan->worst > 0 ? tmpfile() : NULL;
    // Each child appends a record with one write.
    return plan->worst == 0 ||
           (plan->notes != NULL &&
               fcntl(fileno(plan->notes), F_SETFL, O_APPEND) == 0);
}

static bool
run_all(const plan_t *plan, sum_t *all)
{
    size_t cores = (size_t)get_nprocs();
    int ends[2];

    if (pipe(ends) != 0) {
        return false;
    }
    for (size_t i = 0; i < cores; i++) {
        start_child(plan, i, cores, ends[1]);
    }
    close(ends[1]);
    bool well = collect(ends[0], cores, all);
    close(ends[0]);
    return well;
}

int
main(int argc, char **argv)
{
    plan_t plan = {.first = 1};
    double began = now_s();
    sum_t all = {0};

    if (!take_arguments(argc, argv, &plan) || !open_notes(&plan)) {
        fprintf(stderr, "usage: sim SEEDS [--seed FIRST] [--worst N]\n"
                        "       sim --these FILE\n");
        return 2;
    }
    log_set_level(getenv("SIM_LOG") != NULL ? LOG_DEBUG : LOG_ERROR);
    bool well = run_all(&plan, &all);
    bool every = print_events(&all);
    if (plan.notes != NULL) {
        worst_print(fileno(plan.notes), plan.worst);
        fclose(plan.notes);
    }
    printf("%llu seeds, %llu wrong, %.0f seeds/s\n",
        (unsigned long long)all.seeds, (unsigned long long)all.wrong,
        (double)all.seeds / (now_s() - began));
    free(plan.listed);
    return well && every && all.wrong == 0 && all.seeds == plan.n ? 0 : 1;
}
