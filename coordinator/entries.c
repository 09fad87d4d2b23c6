// SPDX-License-Identifier: Apache-2.0
// The entries JOB, CHANGE, END and WORKER, and what all entries share.
#include "coordinator/entries_inside.h"

#include "common/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

errcode_t
entry_open(span_t bytes, rd_t *r)
{
    uint8_t version;

    *r = rd_init(bytes);
    errcode_t rc = rd_u8(r, &version);
    return rc != ERR_OK ? rc : version == ENTRY_VERSION ? ERR_OK : ERR_VERSION;
}

void
entry_put_text(buf_t *out, const char *text)
{
    buf_put_block(out, span_str(text));
}

errcode_t
entry_get_text(rd_t *r, char *out, size_t size)
{
    span_t text;
    errcode_t rc = rd_block(r, size - 1, &text);

    if (rc == ERR_OK && text.len > 0 && memchr(text.p, '\0', text.len)) {
        rc = ERR_MALFORMED;
    }
    if (rc == ERR_OK) {
        memcpy(out, text.len > 0 ? text.p : (const uint8_t *)"", text.len);
        out[text.len] = '\0';
    }
    return rc;
}

errcode_t
entry_get_string(rd_t *r, size_t max, char **out)
{
    char *text = xmalloc(max + 1);
    errcode_t rc = entry_get_text(r, text, max + 1);

    *out = rc == ERR_OK ? xstrdup(text) : NULL;
    free(text);
    return rc;
}

errcode_t
entry_get_u32(rd_t *r, uint32_t *out)
{
    uint64_t v;
    errcode_t rc = rd_varint(r, &v);

    if (rc == ERR_OK && v > UINT32_MAX) {
        rc = ERR_MALFORMED;
    }
    *out = rc == ERR_OK ? (uint32_t)v : 0;
    return rc;
}

errcode_t
entry_get_flag(rd_t *r, bool *out)
{
    uint8_t v = 0;
    errcode_t rc = rd_u8(r, &v);

    *out = v == 1;
    return rc == ERR_OK && v > 1 ? ERR_MALFORMED : rc;
}

static void
put_time(buf_t *out, int64_t at, int64_t wall_ms)
{
    buf_put_zigzag(out, (i128_t)at + wall_ms);
}

static errcode_t
get_time(rd_t *r, int64_t wall_ms, int64_t *out)
{
    i128_t v;
    errcode_t rc = rd_zigzag(r, &v);

    if (rc == ERR_OK && (v < INT64_MIN / 4 || v > INT64_MAX / 2)) {
        rc = ERR_MALFORMED;
    }
    *out = rc == ERR_OK ? (int64_t)v - wall_ms : 0;
    return rc;
}

void
entry_put_job(const job_t *job, int64_t wall_ms, buf_t *out)
{
    buf_put_u8(out, ENTRY_VERSION);
    buf_put(out, job->request, sizeof job->request);
    entry_put_text(out, job->owner);
    entry_put_text(out, job->canonical);
    entry_put_text(out, job->format);
    buf_put_u64(out, job->epoch);
    buf_put_varint(out, job->shard_bytes);
    buf_put_u8(out, job->validate);
    put_time(out, job->submitted, wall_ms);
    put_time(out, job->deadline, wall_ms);
    buf_put_varint(out, job->n_sources);
    for (size_t i = 0; i < job->n_sources; i++) {
        entry_put_text(out, job->sources[i].text);
    }
    buf_put_varint(out, job->verify_ppm);
    buf_put_varint(out, job->rules);
}

static errcode_t
get_sources(rd_t *r, job_t *job)
{
    uint32_t n;
    buf_t why = {0};
    errcode_t rc = entry_get_u32(r, &n);

    if (rc == ERR_OK && (n == 0 || n > LIMIT_SOURCES)) {
        rc = ERR_MALFORMED;
    }
    if (rc == ERR_OK) {
        job->sources = xcalloc(n, sizeof *job->sources);
    }
    for (uint32_t i = 0; i < n && rc == ERR_OK; i++) {
        char *text = NULL;
        rc = entry_get_string(r, LIMIT_PATH + LIMIT_NAME, &text);
        if (rc == ERR_OK &&
            source_parse(text, false, &job->sources[i], &why) != ERR_OK) {
            rc = ERR_MALFORMED;
        }
        job->n_sources += rc == ERR_OK;
        free(text);
    }
    buf_fini(&why);
    return rc;
}

errcode_t
entry_get_job(span_t bytes, int64_t wall_ms, job_t *job)
{
    rd_t r;
    span_t request;
    errcode_t rc = entry_open(bytes, &r);

    rc = rc != ERR_OK ? rc : rd_bytes(&r, sizeof job->request, &request);
    if (rc == ERR_OK) {
        memcpy(job->request, request.p, sizeof job->request);
        rc = entry_get_text(&r, job->owner, sizeof job->owner);
    }
    rc = rc != ERR_OK ? rc
                      : entry_get_string(&r, LIMIT_QUERY_TEXT, &job->canonical);
    rc = rc != ERR_OK ? rc
                      : entry_get_string(&r, LIMIT_FORMAT_NAME, &job->format);
    rc = rc != ERR_OK ? rc : rd_u64(&r, &job->epoch);
    rc = rc != ERR_OK ? rc : rd_varint(&r, &job->shard_bytes);
    rc = rc != ERR_OK ? rc : entry_get_flag(&r, &job->validate);
    rc = rc != ERR_OK ? rc : get_time(&r, wall_ms, &job->submitted);
    rc = rc != ERR_OK ? rc : get_time(&r, wall_ms, &job->deadline);
    rc = rc != ERR_OK ? rc : get_sources(&r, job);
    if (rc == ERR_OK && rd_left(&r) > 0) { // journals of before end here
        rc = entry_get_u32(&r, &job->verify_ppm);
    }
    if (rc == ERR_OK && rd_left(&r) > 0) { // or here
        rc = entry_get_u32(&r, &job->rules);
    }
    return rc != ERR_OK ? rc : rd_end(&r);
}

// The numbers that STATUS tells of an ended job, in the order they are
// written.
#define END_NUMBERS 9

static void
end_numbers(job_t *job, uint64_t *list[END_NUMBERS])
{
    size_t n = 0;

    list[n++] = &job->n_files;
    list[n++] = &job->n_shards;
    list[n++] = &job->n_done;
    list[n++] = &job->hosts;
    list[n++] = &job->bytes;
    list[n++] = &job->bytes_done;
    list[n++] = &job->retried;
    list[n++] = &job->rejected;
    list[n++] = &job->result_bytes;
}

void
entry_put_end(const job_t *job, int64_t wall_ms, buf_t *out)
{
    job_t numbers = *job;
    uint64_t *list[END_NUMBERS];

    buf_put_u8(out, ENTRY_VERSION);
    buf_put_u8(out, (uint8_t)job->state);
    buf_put_varint(out, job->exit);
    buf_put_varint(out, job->error);
    entry_put_text(out, job->text);
    put_time(out, job->ended, wall_ms);
    end_numbers(&numbers, list);
    for (size_t i = 0; i < END_NUMBERS; i++) {
        buf_put_varint(out, *list[i]);
    }
}

errcode_t
entry_get_end(span_t bytes, int64_t wall_ms, job_t *job)
{
    rd_t r;
    uint8_t state = 0;
    uint32_t error = 0;
    uint64_t *list[END_NUMBERS];
    errcode_t rc = entry_open(bytes, &r);

    rc = rc != ERR_OK ? rc : rd_u8(&r, &state);
    rc = rc != ERR_OK ? rc : entry_get_u32(&r, &job->exit);
    rc = rc != ERR_OK ? rc : entry_get_u32(&r, &error);
    if (rc == ERR_OK &&
        (state <= lt_JobState_JOB_RUNNING || state > _lt_JobState_MAX ||
            error >= ERR_COUNT || job->exit > UINT8_MAX)) {
        rc = ERR_MALFORMED;
    }
    rc = rc != ERR_OK ? rc : entry_get_text(&r, job->text, sizeof job->text);
    rc = rc != ERR_OK ? rc : get_time(&r, wall_ms, &job->ended);
    end_numbers(job, list);
    for (size_t i = 0; i < END_NUMBERS && rc == ERR_OK; i++) {
        rc = rd_varint(&r, list[i]);
    }
    rc = rc != ERR_OK ? rc : rd_end(&r);
    if (rc == ERR_OK) {
        job->state = (lt_JobState)state;
        job->error = (errcode_t)error;
    }
    return rc;
}

void
entry_put_worker(const worker_t *worker, int64_t wall_ms, buf_t *out)
{
    buf_put_u8(out, ENTRY_VERSION);
    entry_put_text(out, worker->name);
    buf_put_u8(out, worker->up);
    buf_put_u8(out, worker->forgotten);
    put_time(out, worker->heard, wall_ms);
    buf_put_varint(out, worker->n_labels);
    for (size_t i = 0; i < worker->n_labels; i++) {
        entry_put_text(out, worker->labels[i]);
    }
}

errcode_t
entry_get_worker(span_t bytes, int64_t wall_ms, worker_t *out)
{
    rd_t r;
    uint32_t n = 0;
    errcode_t rc = entry_open(bytes, &r);

    rc = rc != ERR_OK ? rc : entry_get_text(&r, out->name, sizeof out->name);
    if (rc == ERR_OK && !host_name_is_sound(out->name)) {
        rc = ERR_MALFORMED;
    }
    rc = rc != ERR_OK ? rc : entry_get_flag(&r, &out->up);
    rc = rc != ERR_OK ? rc : entry_get_flag(&r, &out->forgotten);
    rc = rc != ERR_OK ? rc : get_time(&r, wall_ms, &out->heard);
    rc = rc != ERR_OK ? rc : entry_get_u32(&r, &n);
    if (rc == ERR_OK && n > LIMIT_LABELS) {
        rc = ERR_TOO_LARGE;
    }
    for (; rc == ERR_OK && out->n_labels < n; out->n_labels++) {
        rc = entry_get_text(&r, out->labels[out->n_labels], LIMIT_NAME);
    }
    return rc != ERR_OK ? rc : rd_end(&r);
}

void
entry_put_change(const change_t *change, buf_t *out)
{
    buf_put_u8(out, ENTRY_VERSION);
    buf_put_u8(out, (uint8_t)change->kind);
    buf_put_varint(out, change->shard);
    buf_put_varint(out, change->other);
    entry_put_text(out, change->why);
}

errcode_t
entry_get_change(span_t bytes, change_t *out)
{
    rd_t r;
    uint8_t kind = 0;
    errcode_t rc = entry_open(bytes, &r);

    rc = rc != ERR_OK ? rc : rd_u8(&r, &kind);
    if (rc == ERR_OK && kind >= CHANGE_COUNT) {
        rc = ERR_MALFORMED;
    }
    out->kind = (change_kind_t)kind;
    rc = rc != ERR_OK ? rc : entry_get_u32(&r, &out->shard);
    rc = rc != ERR_OK ? rc : entry_get_u32(&r, &out->other);
    rc = rc != ERR_OK ? rc : entry_get_text(&r, out->why, sizeof out->why);
    return rc != ERR_OK ? rc : rd_end(&r);
}
