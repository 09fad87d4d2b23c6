// SPDX-License-Identifier: Apache-2.0
// Who submits the jobs, and asks again and again until they have ended, as one
// would over a connection that breaks.
#include "tests/sim/sim.h"

#define ASK_MS    500
#define SETTLE_MS 12000 // until all workers are back, and known

static void
submit_again(sim_t *s, sim_job_t *j)
{
    j->id = 0;
    j->state = -1;
    j->spoiled = false;
    j->request = ++s->requests;
}

void
clients_forgotten(sim_t *s)
{
    for (size_t i = 0; i < s->n_jobs; i++) {
        if (s->jobs[i].state <= lt_JobState_JOB_RUNNING) {
            submit_again(s, &s->jobs[i]);
        } else {
            s->jobs[i].id = 0; // the number is another job's from now on
        }
    }
}

static void
ended(sim_t *s, sim_job_t *j)
{
    s->events[SIM_ENDED]++;
    s->events[SIM_PARTIAL] += j->state == lt_JobState_JOB_PARTIAL;
    s->events[SIM_CANCELLED] += j->state == lt_JobState_JOB_CANCELLED;
    s->events[SIM_DEADLINE] += strstr(j->text, "deadline") != NULL;
    check_job(s, j);
}

static void
hear_update(sim_t *s, sim_job_t *j, const lt_JobUpdate *update)
{
    bool over = update->state > lt_JobState_JOB_RUNNING;

    if (j->state > lt_JobState_JOB_RUNNING) {
        if (j->state != (int)update->state) {
            sim_wrong(s, "job %llu ended twice, as %d and %d",
                (unsigned long long)update->job, j->state, (int)update->state);
        }
        return;
    }
    // Nobody was there when it was planned: its owner tries again.
    if (update->state == lt_JobState_JOB_FAILED &&
        strncmp(update->text, "no worker for", 13) == 0 &&
        s->m.now < SIM_CALM_MS + SETTLE_MS) {
        submit_again(s, j);
        return;
    }
    j->state = (int)update->state;
    snprintf(j->text, sizeof j->text, "%.250s", update->text);
    if (over) {
        ended(s, j);
    }
}

// Each line that is counted so far stands in one row, and nothing else does.
static void
hear_rows(sim_t *s, const frame_t *frame)
{
    lt_RowsNow meta;
    result_t *r = NULL;
    dec_t lines = 0;

    assert(frame_meta(frame, lt_RowsNow_fields, &meta) == ERR_OK);
    if (frame->payload.len == 0) {
        return;
    }
    assert(result_decode(frame->payload, &r) == ERR_OK);
    for (size_t i = 0; i < r->n_rows; i++) {
        lines += r->cells[i * r->n_columns + 1].number;
    }
    if (lines != DEC_INT(r->receipt.totals.lines) || r->receipt.complete ||
        meta.bytes_done > meta.bytes) {
        sim_wrong(s, "the rows of job %llu are not what is counted",
            (unsigned long long)meta.job);
    }
    result_destroy(&r);
}

void
client_hear(sim_t *s, size_t i, span_t bytes)
{
    sim_job_t *j = &s->jobs[i];
    frame_t frame;
    lt_JobUpdate update;

    assert(frame_decode(bytes, &frame) == ERR_OK);
    if (frame.type == PROTO_REFUSED && j->id != 0) {
        sim_wrong(s, "job %llu is forgotten", (unsigned long long)j->id);
    }
    if (frame.type == PROTO_ROWS_NOW) {
        hear_rows(s, &frame);
    }
    if (frame.type != PROTO_JOB_UPDATE) {
        return;
    }
    assert(frame_meta(&frame, lt_JobUpdate_fields, &update) == ERR_OK);
    if (j->id == 0 && j->state < 0) {
        j->id = update.job;
    }
    if (j->id == update.job) { // else of a submission given up
        hear_update(s, j, &update);
    }
}

static void
say(sim_t *s, uint64_t peer, buf_t *frame)
{
    coordinator_message(s->m.c, LINK_CONTROL, peer, &s->m.client, "10.0.0.2",
        buf_span(frame), s->m.now);
    buf_fini(frame);
}

static void
submit(sim_t *s, sim_job_t *j, uint64_t peer)
{
    lt_Submit *meta = submit_meta(&s->m, "count by file", j->shard_bytes);
    lt_Source *source = xcalloc(1, sizeof *source);
    buf_t payload = {0};
    buf_t frame = {0};

    meta->request[0] = j->request;
    meta->n_sources = (uint32_t)j->n_sources;
    meta->deadline_ms = j->deadline_ms;
    meta->verify_ppm = j->verify_ppm;
    for (size_t i = 0; i < j->n_sources; i++) {
        snprintf(source->text, sizeof source->text, "%s", j->sources[i]);
        record_put(&payload, lt_Source_fields, source);
    }
    frame_encode(
        &frame, PROTO_SUBMIT, 0, lt_Submit_fields, meta, buf_span(&payload));
    say(s, peer, &frame);
    buf_fini(&payload);
    free(source);
    free(meta);
}

static void
ask(sim_t *s, const sim_job_t *j, uint64_t peer)
{
    bool cancel = j->cancel_at != 0 && s->m.now >= j->cancel_at;
    buf_t frame = {0};

    frame_encode(&frame, cancel ? PROTO_CANCEL_JOB : PROTO_WAIT, 0,
        lt_JobRequest_fields, &(lt_JobRequest){.job = j->id}, (span_t){0});
    say(s, peer, &frame);
    frame_encode(&frame, PROTO_ROWS, 0, lt_JobRequest_fields,
        &(lt_JobRequest){.job = j->id}, (span_t){0});
    say(s, peer, &frame);
}

// Not always in the same order: after a folder was lost, a number may become
// another job's.
void
clients_step(sim_t *s)
{
    size_t first = roll(s, SIM_JOBS);

    for (size_t k = 0; k < s->n_jobs && !s->down; k++) {
        size_t i = (first + k) % s->n_jobs;
        sim_job_t *j = &s->jobs[i];
        if (s->m.now < j->submit_at || s->m.now < j->ask_at ||
            j->state > lt_JobState_JOB_RUNNING) {
            continue;
        }
        j->ask_at = s->m.now + ASK_MS;
        if (j->id == 0) {
            submit(s, j, CLIENT_PEER + i);
        } else {
            ask(s, j, CLIENT_PEER + i);
        }
    }
}
