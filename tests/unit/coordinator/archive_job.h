// SPDX-License-Identifier: Apache-2.0
// A job over an archive in four shards and a plain file in the fifth, all lent.
#ifndef LOGTALLY_TESTS_UNIT_COORDINATOR_ARCHIVE_JOB_H
#define LOGTALLY_TESTS_UNIT_COORDINATOR_ARCHIVE_JOB_H

#include "tests/unit/coordinator/memory_journal.h"

#include "tests/unit/cmocka_all.h"

#define PARTS  4u
#define SHARDS 5u

typedef struct archive_job {
    machine_t m;
    memory_journal_t journal;
    fake_t *w;
    uint64_t job;
    lent_t l[SHARDS];
    lent_t whole; // the archive again, where it was cut at wrong guesses
} archive_job_t;

// The archive has 400 bytes and can be cut each 100; the file has 50.
static inline void
archive_job_init(archive_job_t *self, const fake_file_t files[2], bool guesses)
{
    memset(self->l, 0, sizeof self->l);
    memset(&self->whole, 0, sizeof self->whole);
    memory_init(&self->m, &self->journal);
    self->w = machine_worker(&self->m, "web1", 8);
    self->w->guesses = guesses;
    self->job = machine_submit(&self->m, "web1:/l/*", 100);
    assert_true(fake_list(&self->m, self->w, files, 2));
    for (size_t i = 0; i < SHARDS; i++) {
        assert_true(fake_lent(&self->m, self->w, &self->l[i]));
    }
}

static inline void
archive_job_fini(archive_job_t *self)
{
    for (size_t i = 0; i < SHARDS; i++) {
        lent_fini(&self->l[i]);
    }
    lent_fini(&self->whole);
    memory_fini(&self->m);
}

// What was counted, and that the archive is named, or nothing.
static inline void
archive_job_check(archive_job_t *self, uint64_t count, const char *missing)
{
    CHECK_U64(machine_status(&self->m, self->job).state,
        missing != NULL ? lt_JobState_JOB_PARTIAL : lt_JobState_JOB_DONE);
    CHECK_U64(machine_count(&self->m, self->job), count);
    result_t *result = machine_result(&self->m, self->job);
    CHECK_U64(result->receipt.totals.lines, count);
    CHECK_U64(result->receipt.totals.bytes, count);
    CHECK_U64(result->receipt.files, missing != NULL ? 1 : 2);
    result_destroy(&result);
    if (missing != NULL) {
        machine_check_missing(&self->m, self->job, missing);
    }
}

#endif
