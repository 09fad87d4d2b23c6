// SPDX-License-Identifier: Apache-2.0
#include "coordinator/coordinator_inside.h"

static void
put_count(buf_t *out, size_t n, const char *what)
{
    buf_printf(out, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

void
coordinator_status_text(const coordinator_t *self, buf_t *out)
{
    size_t up = 0, lost = 0, jobs = 0;

    for (const worker_t *w = self->workers; w != NULL; w = w->by_name.next) {
        up += w->up;
        lost += !w->up && !w->forgotten;
    }
    for (const job_t *j = self->jobs; j != NULL; j = j->hh.next) {
        jobs += j->state <= lt_JobState_JOB_RUNNING;
    }
    put_count(out, up, "worker");
    if (lost > 0) {
        buf_printf(out, " (%zu lost)", lost);
    }
    buf_put_str(out, ", ");
    put_count(out, jobs, "job");
    buf_put_str(out, " under way");
    if (self->stuck[0] != '\0') {
        buf_printf(out, "; waits: %s", self->stuck);
    }
}
