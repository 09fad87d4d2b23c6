// SPDX-License-Identifier: Apache-2.0
// What a job's client is told, against the files as they are.
#include "tests/sim/sim.h"

// What the receipt says of a file.
typedef struct loss {
    bool whole;      // it is missing; some of it may have been counted before
    bool unseen;     // as all that the pattern names: nothing was counted
    uint64_t ranges; // bytes that are missing
} loss_t;

static void
name_host(const sim_file_t *f, char out[16])
{
    if (f->host < 0) {
        snprintf(out, 16, "shared:");
    } else {
        snprintf(out, 16, "w%d:", f->host);
    }
}

static bool
job_reads(const sim_job_t *j, const sim_file_t *f)
{
    char host[16];

    name_host(f, host);
    for (size_t i = 0; i < j->n_sources; i++) {
        if (strncmp(j->sources[i], host, strlen(host)) == 0) {
            return true;
        }
    }
    return false;
}

static bool
begins(const char *sentence, const char *host, const char *path)
{
    size_t n = strlen(host), m = strlen(path);

    return strncmp(sentence, host, n) == 0 &&
           strncmp(sentence + n, path, m) == 0 &&
           strncmp(sentence + n + m, ": ", 2) == 0;
}

static bool
is_about(const char *sentence, const sim_file_t *f, loss_t *loss)
{
    char host[16];
    unsigned long long begin, end;
    const char *pattern = f->host < 0 ? "/net/*" : "/var/log/*";

    name_host(f, host);
    if (begins(sentence, host, pattern)) {
        loss->unseen = true;
        return true;
    }
    if (!begins(sentence, host, f->path)) {
        return false;
    }
    const char *what = sentence + strlen(host) + strlen(f->path) + 2;
    if (sscanf(what, "bytes %llu to %llu: ", &begin, &end) == 2) {
        loss->ranges += end - begin;
    } else {
        loss->whole = true;
    }
    return true;
}

static loss_t
loss_of(const result_t *r, const sim_file_t *f)
{
    loss_t loss = {0};

    for (size_t i = 0; i < r->receipt.n_missing; i++) {
        (void)is_about(r->receipt.missing[i], f, &loss);
    }
    return loss;
}

static bool
is_named(const loss_t *loss)
{
    return loss->whole || loss->unseen || loss->ranges > 0;
}

// How much of it may have been counted. An archive is counted whole or not at
// all.
static void
bounds_of(
    const result_t *r, const sim_file_t *f, uint64_t *least, uint64_t *most)
{
    loss_t loss = loss_of(r, f);
    bool was_good =
        f->step == 0 && (f->fault == FILE_CHANGES || f->fault == FILE_VANISHES);

    if (loss.ranges > f->size) {
        loss.ranges = f->size + 1; // named twice: no count is right
    }
    loss.whole = loss.whole || (f->step > 0 && loss.ranges > 0);
    uint64_t rest = f->size - loss.ranges;
    *most = loss.unseen || (loss.whole && !was_good) ? 0 : rest;
    *least = loss.whole ? 0 : *most;
}

// Rows of files with one name on several hosts fall together.
static void
check_row(sim_t *s, const sim_job_t *j, const result_t *r, const char *path)
{
    uint64_t least = 0, most = 0, got = 0;

    for (size_t i = 0; i < s->n_files; i++) {
        uint64_t low, high;
        if (strcmp(s->files[i].path, path) == 0 && job_reads(j, &s->files[i])) {
            bounds_of(r, &s->files[i], &low, &high);
            least += low;
            most += high;
        }
    }
    for (size_t i = 0; i < r->n_rows; i++) {
        const cell_t *row = &r->cells[i * r->n_columns];
        if (span_is(row[0].text, path)) {
            got += (uint64_t)(row[1].number / 1000000000);
        }
    }
    if (got < least || got > most) {
        sim_wrong(s, "job %llu counted %llu of %s, not %llu to %llu",
            (unsigned long long)j->id, (unsigned long long)got, path,
            (unsigned long long)least, (unsigned long long)most);
    }
}

// The rows, the totals and the hosts of the receipt say the same.
static void
check_sums(sim_t *s, const sim_job_t *j, const result_t *r)
{
    const totals_t *t = &r->receipt.totals;
    uint64_t rows = 0, bytes = 0, lines = 0;

    for (size_t i = 0; i < r->n_rows; i++) {
        const cell_t *row = &r->cells[i * r->n_columns];
        rows += (uint64_t)(row[1].number / 1000000000);
    }
    for (size_t i = 0; i < r->receipt.n_hosts; i++) {
        bytes += r->receipt.hosts[i].bytes;
        lines += r->receipt.hosts[i].lines;
    }
    if (t->lines != rows || t->accepted != rows || t->bytes != rows ||
        bytes != rows || lines != rows) {
        sim_wrong(s,
            "job %llu has %llu in its rows, %llu in its totals, %llu and %llu "
            "of its hosts",
            (unsigned long long)j->id, (unsigned long long)rows,
            (unsigned long long)t->lines, (unsigned long long)bytes,
            (unsigned long long)lines);
    }
}

static void
check_rows(sim_t *s, const sim_job_t *j, const result_t *r)
{
    for (size_t i = 0; i < s->n_files; i++) {
        if (job_reads(j, &s->files[i])) {
            check_row(s, j, r, s->files[i].path);
        }
    }
    for (size_t i = 0; i < r->n_rows; i++) {
        const cell_t *row = &r->cells[i * r->n_columns];
        bool known = false;
        for (size_t k = 0; k < s->n_files && !known; k++) {
            known = span_is(row[0].text, s->files[k].path) &&
                    job_reads(j, &s->files[k]);
        }
        if (!known) {
            sim_wrong(s, "job %llu counted %.*s, which nobody has",
                (unsigned long long)j->id, (int)row[0].text.len,
                (const char *)row[0].text.p);
        }
    }
}

// Only what has a fault is named; a deadline is one, and so is a journal of
// which a change of the plan was lost: the loss of what was split off by it is
// then the loss of the whole.
static void
check_sentence(sim_t *s, const sim_job_t *j, const char *sentence)
{
    bool late = j->deadline_ms > 0 && (strstr(sentence, "deadline") != NULL ||
                                          strstr(sentence, "gone") != NULL);

    for (size_t i = 0; i < s->n_files; i++) {
        const sim_file_t *f = &s->files[i];
        loss_t loss = {0};
        if (job_reads(j, f) && is_about(sentence, f, &loss) &&
            (late || s->events[SIM_ENTRY_DAMAGED] > 0 ||
                (f->fault != FILE_SOUND && !loss.unseen))) {
            return;
        }
    }
    sim_wrong(s, "job %llu says without a reason: %s",
        (unsigned long long)j->id, sentence);
}

static void
check_missing(sim_t *s, const sim_job_t *j, const result_t *r)
{
    for (size_t i = 0; i < r->receipt.n_missing; i++) {
        check_sentence(s, j, r->receipt.missing[i]);
    }
    for (size_t i = 0; i < s->n_files; i++) {
        const sim_file_t *f = &s->files[i];
        loss_t loss = loss_of(r, f);
        if ((f->fault == FILE_POISON || f->fault == FILE_CORRUPT) &&
            job_reads(j, f) && !is_named(&loss)) {
            sim_wrong(s, "job %llu does not miss %s of host %d",
                (unsigned long long)j->id, f->path, f->host);
        }
    }
    if ((r->receipt.n_missing > 0) != (j->state == lt_JobState_JOB_PARTIAL)) {
        sim_wrong(s, "job %llu says %d and misses %zu things",
            (unsigned long long)j->id, j->state, r->receipt.n_missing);
    }
}

// A full disk is waited for until the deadline, and no longer.
static bool
may_have_failed(const sim_job_t *j)
{
    return (j->spoiled && strstr(j->text, "journal is damaged") != NULL) ||
           (j->deadline_ms > 0 &&
               (strstr(j->text, "deadline") != NULL ||
                   strstr(j->text, "cannot be kept") != NULL));
}

void
check_job(sim_t *s, const sim_job_t *j)
{
    bool counted =
        j->state == lt_JobState_JOB_DONE || j->state == lt_JobState_JOB_PARTIAL;
    bool excused =
        (j->state == lt_JobState_JOB_CANCELLED && j->cancel_at != 0) ||
        (j->state == lt_JobState_JOB_FAILED && may_have_failed(j));

    if (!counted) {
        if (!excused) {
            sim_wrong(s, "job %llu is in state %d: %s",
                (unsigned long long)j->id, j->state, j->text);
        }
        return;
    }
    result_t *r = machine_result(&s->m, j->id);
    if (r == NULL) {
        sim_wrong(s, "job %llu has no result", (unsigned long long)j->id);
        return;
    }
    check_rows(s, j, r);
    check_sums(s, j, r);
    check_missing(s, j, r);
    result_destroy(&r);
}

// A partial is refused where a bit turned over or a range was left out, and
// nowhere else: each refusal is an attempt less for the shard. (And where the
// entry that took a file out of the shard was lost after it had been lent.)
static void
check_refusals(sim_t *s)
{
    if (s->events[SIM_REJECTED] > 0 && s->events[SIM_CHEATED] == 0 &&
        s->events[SIM_FRAME_SPOILED] == 0 &&
        s->events[SIM_ENTRY_DAMAGED] == 0) {
        sim_wrong(s, "%llu sound partials were refused",
            (unsigned long long)s->events[SIM_REJECTED]);
    }
}

// With every job ended nothing is lent, and no room is taken.
static void
check_leaks(sim_t *s)
{
    if (coordinator_stats(s->m.c)->staging_bytes != 0) {
        sim_wrong(s, "%llu bytes of staging are gone",
            (unsigned long long)coordinator_stats(s->m.c)->staging_bytes);
    }
    watch_workers(s);
    leader_say(s);
}

void
check_end(sim_t *s)
{
    for (size_t i = 0; i < s->n_jobs; i++) {
        const sim_job_t *j = &s->jobs[i];
        if (j->state <= lt_JobState_JOB_RUNNING) {
            sim_wrong(s, "job %llu does not end: state %d: %s",
                (unsigned long long)j->id, j->state, j->text);
        }
    }
    check_refusals(s);
    if (s->wrong[0] == '\0' && !s->down) {
        check_leaks(s);
    }
}
