// SPDX-License-Identifier: Apache-2.0
// What the plans and groups of all jobs take, out of one budget.
#include "coordinator/coordinator_inside.h"

#include <stdint.h>
#include <string.h>

const char budgets_sentence[] =
    "the jobs that there are take all memory that the coordinator has for "
    "plans and groups; submit again when others have ended, ask for less, or "
    "give it more (its setting `memory`)";

void
budgets_init(coordinator_t *self)
{
    size_t limit = self->config.memory;

    self->memory.limit = limit > 0 ? limit : SIZE_MAX;
}

void
budgets_job(coordinator_t *self, job_t *job)
{
    budget_t *parts[] = {&job->plan, &job->merge_budget, &job->kept};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        parts[i]->limit = self->config.merge_budget;
        parts[i]->around = &self->memory;
    }
    job->plan.limit = SIZE_MAX;
}

void
budgets_ask(job_t *job)
{
    job->plan.shut_out = job->merge_budget.shut_out = job->kept.shut_out =
        false;
}

bool
budgets_shut_out(const job_t *job)
{
    return job->plan.shut_out || job->merge_budget.shut_out ||
           job->kept.shut_out;
}

bool
budgets_take_file(job_t *job, const char *path)
{
    return budget_take(&job->plan, sizeof(plan_file_t) + strlen(path) + 1);
}

bool
budgets_take_range(job_t *job, bool in_shard)
{
    return budget_take(&job->plan,
        sizeof(plan_range_t) + (in_shard ? 0 : BUDGETS_SHARD_BYTES));
}

void
budgets_weigh_plan(job_t *job)
{
    size_t bytes = job->n_files * sizeof *job->files +
                   job->n_ranges * sizeof *job->ranges +
                   job->n_shards * BUDGETS_SHARD_BYTES;

    for (size_t i = 0; i < job->n_files; i++) {
        const plan_file_t *f = &job->files[i];
        bytes += strlen(f->path) + 1 + f->n_cuts * sizeof *f->cuts;
    }
    budget_give_all_back(&job->plan);
    budget_add(&job->plan, bytes);
}

void
budgets_free(job_t *job)
{
    budget_give_all_back(&job->plan);
    budget_give_all_back(&job->merge_budget);
    budget_give_all_back(&job->kept);
}
