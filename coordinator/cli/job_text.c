// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/job_text.h"

#include "coordinator/cli/text.h"

#include <string.h>

static const char *const names[] = {
    [lt_JobState_JOB_PLANNING] = "planning",
    [lt_JobState_JOB_RUNNING] = "running",
    [lt_JobState_JOB_DONE] = "done",
    [lt_JobState_JOB_PARTIAL] = "partial",
    [lt_JobState_JOB_FAILED] = "failed",
    [lt_JobState_JOB_CANCELLED] = "cancelled",
};

// proto3 lets a number through that this program does not know.
const char *
job_state_name(lt_JobState state)
{
    size_t i = (size_t)state;

    return i < sizeof names / sizeof *names ? names[i] : "?";
}

bool
job_has_ended(const lt_JobUpdate *job)
{
    return job->state != lt_JobState_JOB_PLANNING &&
           job->state != lt_JobState_JOB_RUNNING;
}

int
job_exit(const lt_JobUpdate *job)
{
    int fallback = job->state == lt_JobState_JOB_DONE      ? EXIT_DONE
                   : job->state == lt_JobState_JOB_PARTIAL ? EXIT_PARTIAL
                                                           : EXIT_FAILED;

    return job->exit > 0 && job->exit < 256 ? (int)job->exit : fallback;
}

// Rounded down: 100 % is only what is done.
unsigned
job_percent(const lt_JobUpdate *job)
{
    if (job->bytes == 0) {
        return 0;
    }
    if (job->bytes_done >= job->bytes) {
        return 100;
    }
    return (unsigned)((u128_t)job->bytes_done * 100 / job->bytes);
}

static void
put_share(const lt_JobUpdate *job, buf_t *out)
{
    text_bytes(job->bytes_done, out);
    buf_put_str(out, " of ");
    text_bytes(job->bytes, out);
}

static void
put_rate(const lt_JobUpdate *job, buf_t *out)
{
    if (job->elapsed_ms >= 1000 && job->bytes_done > 0) {
        buf_put_str(out, ", ");
        text_bytes(
            (uint64_t)((u128_t)job->bytes_done * 1000 / job->elapsed_ms), out);
        buf_put_str(out, "/s");
    }
}

static void
put_name(const char *name, buf_t *out)
{
    buf_printf(out, "%-10s", name);
}

static void
put_text(const char *name, const char *value, buf_t *out)
{
    if (value[0] != '\0') {
        put_name(name, out);
        text_safe(value, out);
        buf_put_u8(out, '\n');
    }
}

static void
put_plan(const lt_JobUpdate *job, buf_t *out)
{
    put_name("files", out);
    buf_printf(out, "%llu on ", (unsigned long long)job->files);
    text_plural(job->hosts, "host", out);
    buf_put_u8(out, '\n');
    put_name("read", out);
    put_share(job, out);
    buf_printf(out, " (%u%%)", job_percent(job));
    put_rate(job, out);
    buf_put_u8(out, '\n');
    put_name("shards", out);
    buf_printf(out, "%llu of %llu", (unsigned long long)job->shards_done,
        (unsigned long long)job->shards);
    if (job->retried > 0) {
        buf_printf(out, ", %llu retried", (unsigned long long)job->retried);
    }
    buf_put_u8(out, '\n');
    if (job->rejected > 0) {
        put_name("rejected", out);
        text_plural(job->rejected, "line", out);
        buf_put_u8(out, '\n');
    }
}

void
job_details(const lt_JobUpdate *job, buf_t *out)
{
    put_name("job", out);
    buf_printf(out, "%llu\n", (unsigned long long)job->job);
    put_text("state", job_state_name(job->state), out);
    put_text(job_has_ended(job) ? "because" : "now", job->text, out);
    put_text("query", job->query, out);
    put_text("owner", job->owner, out);
    put_name("age", out);
    text_duration(job->age_ms, out);
    buf_put_u8(out, '\n');
    put_name("worked", out);
    text_duration(job->elapsed_ms, out);
    buf_put_u8(out, '\n');
    if (job->files > 0) {
        put_plan(job, out);
    }
    if (!job_has_ended(job)) {
        put_name("busy", out);
        text_plural(job->workers_busy, "host", out);
        buf_put_str(out, ", ");
        text_plural(job->executors_busy, "executor", out);
        buf_put_u8(out, '\n');
    }
    if (job->result_bytes > 0) {
        put_name("result", out);
        text_bytes(job->result_bytes, out);
        buf_printf(out, "; `logtally result %llu` prints it\n",
            (unsigned long long)job->job);
    }
}

void
job_members(const lt_JobUpdate *job, buf_t *out)
{
    json_number(out, "job", job->job);
    json_text(out, "state", job_state_name(job->state));
    json_text(out, "text", job->text);
    json_text(out, "query", job->query);
    json_text(out, "owner", job->owner);
    json_number(out, "age_ms", job->age_ms);
    json_number(out, "elapsed_ms", job->elapsed_ms);
    json_number(out, "hosts", job->hosts);
    json_number(out, "files", job->files);
    json_number(out, "bytes", job->bytes);
    json_number(out, "bytes_done", job->bytes_done);
    json_number(out, "streams", job->streams);
    json_number(out, "shards", job->shards);
    json_number(out, "shards_done", job->shards_done);
    json_number(out, "retried", job->retried);
    json_number(out, "rejected", job->rejected);
    json_number(out, "workers_busy", job->workers_busy);
    json_number(out, "executors_busy", job->executors_busy);
    json_number(out, "result_bytes", job->result_bytes);
    json_number(out, "exit", job->exit);
}

void
job_json(const lt_JobUpdate *job, buf_t *out)
{
    json_open(out, NULL, '{');
    job_members(job, out);
    json_close(out, '}');
}

void
job_end(const lt_JobUpdate *job, buf_t *out)
{
    static const char *const ends[] = {
        [lt_JobState_JOB_PLANNING] = "is still planned",
        [lt_JobState_JOB_RUNNING] = "is still running",
        [lt_JobState_JOB_DONE] = "is done",
        [lt_JobState_JOB_PARTIAL] = "is incomplete",
        [lt_JobState_JOB_FAILED] = "failed",
        [lt_JobState_JOB_CANCELLED] = "is cancelled",
    };
    size_t i = (size_t)job->state;

    buf_printf(out, "job %llu %s", (unsigned long long)job->job,
        i < sizeof ends / sizeof *ends ? ends[i] : "has ended");
    if (job->text[0] != '\0' &&
        strcmp(job->text, job_state_name(job->state)) != 0) {
        buf_put_str(out, ": ");
        text_safe(job->text, out);
    }
}
