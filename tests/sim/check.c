// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sim.h"

// A shard that is durably committed is never committed again.
void
check_put(sim_t *s, const entry_key_t *key)
{
    for (size_t i = 0; i < s->journal.n && key->kind == ENTRY_COMMIT; i++) {
        const entry_key_t *old = &s->journal.ops[i].key;
        if (s->journal.ops[i].what == MEMORY_PUT && old->job == key->job &&
            old->kind == key->kind && old->n == key->n) {
            sim_wrong(s, "shard %llu of job %llu was committed twice",
                (unsigned long long)key->n, (unsigned long long)key->job);
        }
    }
}

static bool
job_reads(const sim_job_t *j, const sim_file_t *f)
{
    char prefix[16] = "shared:";

    if (f->owner >= 0) {
        snprintf(prefix, sizeof prefix, "w%d:", f->owner);
    }
    for (size_t i = 0; i < j->n_sources; i++) {
        if (strncmp(j->sources[i], prefix, strlen(prefix)) == 0) {
            return true;
        }
    }
    return false;
}

// Hosts share a path, so what the rows say is compared path by path.
static uint64_t
count_of(const result_t *r, const char *path)
{
    for (size_t i = 0; i < r->n_rows; i++) {
        const cell_t *row = &r->cells[i * r->n_columns];
        if (span_is(row[0].text, path)) {
            return (uint64_t)(row[1].number / 1000000000);
        }
    }
    return 0;
}

static bool
names(const char *sentence, const sim_file_t *f)
{
    char want[64];

    if (f->owner < 0) {
        snprintf(want, sizeof want, "shared:%s: ", f->path);
    } else {
        snprintf(want, sizeof want, "w%d:%s: ", f->owner, f->path);
    }
    return strncmp(sentence, want, strlen(want)) == 0;
}

static bool
is_missing(const result_t *r, const sim_file_t *f)
{
    for (size_t i = 0; i < r->receipt.n_missing; i++) {
        if (names(r->receipt.missing[i], f)) {
            return true;
        }
    }
    return false;
}

static void
check_path(sim_t *s, const sim_job_t *j, const result_t *r, const char *path)
{
    uint64_t least = 0, most = 0, got = count_of(r, path);

    for (size_t i = 0; i < s->n_files; i++) {
        const sim_file_t *f = &s->files[i];
        if (strcmp(f->path, path) != 0 || !job_reads(j, f)) {
            continue;
        }
        most += f->size;
        least += is_missing(r, f) ? 0 : f->size;
    }
    if (got < least || got > most) {
        sim_wrong(s, "job %llu counted %llu of %s, not %llu to %llu",
            (unsigned long long)j->id, (unsigned long long)got, path,
            (unsigned long long)least, (unsigned long long)most);
    }
}

static void
check_sentence(sim_t *s, const sim_job_t *j, const char *sentence)
{
    for (size_t i = 0; i < s->n_files; i++) {
        const sim_file_t *f = &s->files[i];
        if (names(sentence, f) && f->fault != FILE_SOUND && job_reads(j, f)) {
            return;
        }
    }
    sim_wrong(s, "job %llu says without a reason: %s",
        (unsigned long long)j->id, sentence);
}

// Files that cannot be counted are named, and no others.
static void
check_missing(sim_t *s, const sim_job_t *j, const result_t *r)
{
    for (size_t i = 0; i < r->receipt.n_missing; i++) {
        check_sentence(s, j, r->receipt.missing[i]);
    }
    for (size_t i = 0; i < s->n_files; i++) {
        const sim_file_t *f = &s->files[i];
        if (!is_missing(r, f) && job_reads(j, f) &&
            (f->fault == FILE_POISON || f->fault == FILE_CORRUPT)) {
            sim_wrong(s, "job %llu does not miss %s of w%d",
                (unsigned long long)j->id, f->path, f->owner);
        }
    }
}

static void
check_job(sim_t *s, const sim_job_t *j)
{
    if (j->state != lt_JobState_JOB_DONE &&
        j->state != lt_JobState_JOB_PARTIAL) {
        sim_wrong(s, "job %llu is in state %d: %s", (unsigned long long)j->id,
            j->state, j->text);
        return;
    }
    result_t *r = machine_result(&s->m, j->id);
    if (r == NULL) {
        sim_wrong(s, "job %llu has no result", (unsigned long long)j->id);
        return;
    }
    for (size_t i = 0; i < s->n_files; i++) {
        check_path(s, j, r, s->files[i].path);
    }
    check_missing(s, j, r);
    if ((r->receipt.n_missing > 0) != (j->state == lt_JobState_JOB_PARTIAL)) {
        sim_wrong(s, "job %llu says %d and misses %zu things",
            (unsigned long long)j->id, j->state, r->receipt.n_missing);
    }
    result_destroy(&r);
}

// With every job ended nothing is lent, and no room is taken.
static void
check_leaks(sim_t *s)
{
    static const identity_t admin = {.name = "root", .roles = ROLE_ADMIN};
    lt_WorkerInfo worker;
    lt_Records meta;
    buf_t bytes = {0};
    frame_t frame;

    if (coordinator_stats(s->m.c)->staging_bytes != 0) {
        sim_wrong(s, "%llu bytes of staging are gone",
            (unsigned long long)coordinator_stats(s->m.c)->staging_bytes);
    }
    machine_say(
        &s->m, LINK_CONTROL, 7, &admin, PROTO_WORKERS, NULL, NULL, (span_t){0});
    assert(
        machine_take(&s->m, OUT_CONTROL, 7, PROTO_WORKER_LIST, &bytes, &frame));
    assert(frame_meta(&frame, lt_Records_fields, &meta) == ERR_OK);
    rd_t r = rd_init(frame.payload);
    for (uint32_t i = 0; i < meta.n; i++) {
        assert(record_get(&r, lt_WorkerInfo_fields, &worker) == ERR_OK);
        if (worker.held != 0) {
            sim_wrong(s, "%s still holds %u shards", worker.name, worker.held);
        }
    }
    buf_fini(&bytes);
}

void
check_end(sim_t *s)
{
    for (size_t i = 0; i < s->n_jobs; i++) {
        check_job(s, &s->jobs[i]);
    }
    if (s->wrong[0] == '\0' && !s->down) {
        check_leaks(s);
    }
}
