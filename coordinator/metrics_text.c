// SPDX-License-Identifier: Apache-2.0
// What the coordinator counts, for /metrics.
#include "coordinator/coordinator_inside.h"

#include "common/service/metrics.h"

static void
put_workers(const coordinator_t *self, buf_t *out)
{
    uint64_t up = 0, lost = 0, executors = 0, dial = 0;

    for (const worker_t *w = self->workers; w != NULL; w = w->by_name.next) {
        up += w->up;
        lost += !w->up && !w->forgotten;
        executors += w->up ? w->executors : 0;
        dial += w->up && w->dials;
    }
    metrics_family(out, "logtally_workers", METRIC_GAUGE,
        "Workers that are up, or lost and waited for.");
    metrics_value(out, "logtally_workers", "state", "up", up);
    metrics_value(out, "logtally_workers", "state", "lost", lost);
    metrics_family(out, "logtally_workers_transport", METRIC_GAUGE,
        "Workers that are up, by who dials for their shards: the coordinator "
        "(push) or they (dial).");
    metrics_value(
        out, "logtally_workers_transport", "transport", "push", up - dial);
    metrics_value(out, "logtally_workers_transport", "transport", "dial", dial);
    metrics_one(out, "logtally_executors", METRIC_GAUGE,
        "Executors of the workers that are up.", executors);
    metrics_family(out, "logtally_worker_up", METRIC_GAUGE,
        "Whether the worker is up; gone when nobody waits for it any more.");
    for (const worker_t *w = self->workers; w != NULL; w = w->by_name.next) {
        if (w->up || !w->forgotten) {
            metrics_value(out, "logtally_worker_up", "worker", w->name, w->up);
        }
    }
}

static void
put_jobs(const coordinator_t *self, buf_t *out)
{
    uint64_t planning = 0, running = 0, staged = self->stats.staging_bytes;

    for (const job_t *j = self->jobs; j != NULL; j = j->hh.next) {
        planning += j->state == lt_JobState_JOB_PLANNING;
        running += j->state == lt_JobState_JOB_RUNNING;
    }
    metrics_family(out, "logtally_jobs", METRIC_GAUGE, "Jobs under way.");
    metrics_value(out, "logtally_jobs", "state", "planning", planning);
    metrics_value(out, "logtally_jobs", "state", "running", running);
    metrics_one(out, "logtally_staging_bytes", METRIC_GAUGE,
        "Memory granted to partial counts that are on their way in.", staged);
    metrics_one(out, "logtally_memory_bytes", METRIC_GAUGE,
        "Memory that plans and groups of jobs take.", self->memory.used);
    metrics_one(out, "logtally_journal_stuck", METRIC_GAUGE,
        "1 while the journal cannot be written; jobs wait.",
        self->stuck[0] != '\0');
}

void
coordinator_metrics(const coordinator_t *self, buf_t *out)
{
    const coordinator_stats_t *s = &self->stats;
    const struct {
        const char *name;
        const char *help;
        uint64_t value;
    } counters[] = {
        {"logtally_jobs_total", "Jobs taken.", s->jobs},
        {"logtally_jobs_ended_total", "Jobs ended, in whatever way.",
            s->jobs_ended},
        {"logtally_leases_total", "Shards lent.", s->leases},
        {"logtally_leases_expired_total",
            "Leases that no heartbeat mentioned any more.", s->leases_expired},
        {"logtally_leases_copied_total",
            "Shards lent once more because they took too long.", s->copies},
        {"logtally_checks_total",
            "Checks of --verify that ended, whatever they found.", s->checks},
        {"logtally_checks_differ_total",
            "Shards that two workers counted differently.", s->checks_differ},
        {"logtally_shards_committed_total", "Shards counted for good.",
            s->commits},
        {"logtally_partials_rejected_total",
            "Partial counts that did not hold together.", s->partials_rejected},
        {"logtally_partials_late_total",
            "Partial counts of shards that were counted already.",
            s->duplicates},
        {"logtally_read_bytes_total", "Bytes of log counted.", s->bytes},
        {"logtally_lines_total", "Lines counted.", s->lines},
        {"logtally_lines_rejected_total", "Lines that fit no format.",
            s->rejected},
        {"logtally_workers_lost_total", "Times that a worker was lost.",
            s->workers_lost},
        {"logtally_messages_total", "Messages taken.", s->messages},
        {"logtally_messages_refused_total",
            "Messages that were malformed, out of turn, or not allowed.",
            s->messages_refused},
    };

    put_workers(self, out);
    put_jobs(self, out);
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        metrics_one(out, counters[i].name, METRIC_COUNTER, counters[i].help,
            counters[i].value);
    }
}
