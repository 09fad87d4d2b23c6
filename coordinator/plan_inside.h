// SPDX-License-Identifier: Apache-2.0
// What a job reads: its sources, the files that were listed, the shards they
// were cut into, and the shards that are counted twice. Records of the
// coordinator machine; coordinator_inside.h has the job that owns them.
#ifndef LOGTALLY_COORDINATOR_PLAN_INSIDE_H
#define LOGTALLY_COORDINATOR_PLAN_INSIDE_H

#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/tally/partial.h"

#include <stddef.h>

struct worker; // coordinator_inside.h, as the job
struct job;
struct whole; // whole.c

typedef enum { FROM_HOSTS, FROM_LABEL, FROM_SHARED, FROM_LOCAL } from_t;

typedef struct job_source {
    char *text;
    from_t from;
    char who[LIMIT_NAME]; // host pattern or label
    const char *pattern;  // in text
    size_t n_files;
    size_t n_gone;   // workers that could not be asked
    size_t n_failed; // listings of workers that are there
    char *why;       // of the last listing that found nothing
} job_source_t;

// Where shards can be counted: one worker, or anybody (home NULL).
typedef struct place {
    struct worker *home;
    char host[LIMIT_NAME];
    uint32_t *queue; // shards; those no longer pending are skipped
    size_t head, n, cap;
    size_t n_pending;
    struct job *job;           // once it has had something to lend
    struct place *prev, *next; // places that have, see lend.c
} place_t;

typedef struct listing {
    uint64_t request;
    struct worker *worker;
    size_t source;
    int64_t heard;
    unsigned asked; // times
    bool done;
} listing_t;

typedef struct plan_file {
    char *path;
    uint32_t place;
    uint32_t source;
    uint64_t device;
    uint64_t inode;
    uint64_t size;
    int64_t mtime_ns;
    uint8_t hash[16];
    uint8_t compression;
    bool stream;
    bool missing; // named already
    bool read;
    bool guessed; // it is in several shards whose cuts may be wrong
    uint16_t format;
    uint64_t bytes; // committed, as are lines
    uint64_t lines;
    uint32_t n_shards;
    uint32_t n_cuts;
    uint64_t *cuts;      // of an archive, until the plan is made
    struct whole *whole; // what was counted of one in several shards
} plan_file_t;

typedef struct plan_range {
    uint32_t file;
    uint64_t begin;
    uint64_t end;
} plan_range_t;

typedef enum {
    SHARD_PENDING,
    SHARD_LEASED,
    SHARD_DONE,
    SHARD_LOST,
    SHARD_VOID, // another has its bytes: nothing that comes of it counts
} state_t;

typedef struct plan_shard {
    uint64_t bytes;
    uint32_t first; // of its ranges
    uint32_t n;
    uint32_t place;
    uint32_t attempts;
    uint8_t state;
    uint8_t failures;
    bool queued;      // in its place's queue, as long as it is pending
    uint8_t n_active; // leases
    bool verify;      // is to be counted by a second worker, too
    const struct worker *avoid; // failed it last
} plan_shard_t;

typedef enum {
    CHECK_NONE,
    CHECK_WAITING,
    CHECK_LENT,
    CHECK_EQUAL, // the last three are on disk
    CHECK_DIFFERS,
    CHECK_GIVEN_UP,
    CHECK_STATES
} check_state_t;

// A shard that is committed, and counted by a second worker.
typedef struct check {
    uint32_t shard;
    check_state_t state;
    const struct worker *by; // counted it first
    uint8_t digest[PARTIAL_DIGEST];
    const struct worker *avoid; // failed it last; until `again`
    int64_t again;
    int64_t since;
    unsigned failures;
    struct check *prev, *next; // of those that wait
    UT_hash_handle hh;
} check_t;

#endif
