// SPDX-License-Identifier: Apache-2.0
// Workers that are nothing but frames.
#ifndef LOGTALLY_TESTS_UNIT_COORDINATOR_MACHINE_WORKERS_H
#define LOGTALLY_TESTS_UNIT_COORDINATOR_MACHINE_WORKERS_H

#include "tests/unit/coordinator/machine_core.h"

#define RANGES_KEPT LIMIT_SHARD_RANGES

// A shard as its worker received it.
typedef struct lent {
    lt_Shard meta;
    bool running;   // an executor is at it, it says
    uint64_t epoch; // of the coordinator that lent it
    uint64_t bytes;
    uint32_t files[RANGES_KEPT];
    uint64_t begin[RANGES_KEPT];
    uint64_t end[RANGES_KEPT];
    char path[LIMIT_PATH]; // of the first range
    bool guessed;          // the last one
    buf_t partial;
    uint8_t hash[32];
} lent_t;

typedef struct fake_file {
    const char *path;
    uint64_t size;
    lt_Compression compression;
    uint64_t step; // of an archive: it can be cut each so many bytes; or 0
} fake_file_t;

static inline void
fake_say(machine_t *m, const fake_t *w, link_t link, proto_type_t type,
    const pb_msgdesc_t *fields, const void *meta, span_t payload)
{
    machine_say(m, link, w->peer, &w->who, type, fields, meta, payload);
}

static inline lt_Register
fake_register_meta(const fake_t *w)
{
    lt_Register meta = {.partial = PARTIAL_VERSION,
        .version_min = PROTOCOL_VERSION,
        .version_max = PROTOCOL_VERSION,
        .incarnation = w->incarnation,
        .software = "test",
        .executors = w->executors,
        .intake_port = 7710,
        .n_labels = w->label != NULL};

    snprintf(meta.name, sizeof meta.name, "%s", w->name);
    return meta;
}

static inline void
fake_register(machine_t *m, fake_t *w)
{
    lt_Register meta = fake_register_meta(w);
    lt_Label label = {0};
    buf_t payload = {0};

    if (w->label != NULL) {
        snprintf(label.label, sizeof label.label, "%s", w->label);
        record_put(&payload, lt_Label_fields, &label);
    }
    fake_say(m, w, LINK_CONTROL, PROTO_REGISTER, lt_Register_fields, &meta,
        buf_span(&payload));
    buf_fini(&payload);
}

// A worker that is there. Its key is called "key-NAME".
static inline fake_t *
machine_worker(machine_t *m, const char *name, uint32_t executors)
{
    assert(m->n_workers < FAKE_WORKERS);
    fake_t *w = &m->workers[m->n_workers++];
    w->who = (identity_t){.roles = ROLE_WORKER, .n_hosts = 1};
    snprintf(w->who.name, sizeof w->who.name, "key-%.100s", name);
    snprintf(w->who.hosts[0], sizeof w->who.hosts[0], "%s", name);
    snprintf(w->name, sizeof w->name, "%s", name);
    w->peer = 100 + m->n_workers;
    w->incarnation = 1000 + m->n_workers;
    w->executors = executors;
    fake_register(m, w);
    return w;
}

// With one worker, web1.
static inline fake_t *
machine_init_web1(machine_t *m, uint32_t executors)
{
    machine_init(m);
    return machine_worker(m, "web1", executors);
}

// Says that it is there, and what it holds (NULL: nothing).
static inline void
fake_beat(machine_t *m, const fake_t *w, const lent_t *held)
{
    lt_Heartbeat meta = {.incarnation = w->incarnation, .n_held = held != NULL};
    buf_t payload = {0};

    if (held != NULL) {
        lt_Held h = {.job = held->meta.job,
            .shard = held->meta.shard,
            .attempt = held->meta.attempt,
            .running = held->running,
            .epoch = held->epoch};
        record_put(&payload, lt_Held_fields, &h);
    }
    fake_say(m, w, LINK_CONTROL, PROTO_HEARTBEAT, lt_Heartbeat_fields, &meta,
        buf_span(&payload));
    buf_fini(&payload);
}

// Time passes in steps; those who are given say that they are there.
static inline void
machine_pass(machine_t *m, int64_t ms, fake_t *w, const lent_t *held)
{
    for (int64_t end = m->now + ms; m->now < end;) {
        machine_tick(m, end - m->now < 1000 ? end - m->now : 1000);
        if (w != NULL) {
            fake_beat(m, w, held);
        }
    }
}

static inline void
fake_put_file(buf_t *payload, const fake_file_t *from)
{
    lt_File *file = xcalloc(1, sizeof *file);

    snprintf(file->path, sizeof file->path, "%s", from->path);
    file->size = from->size;
    file->compression = from->compression;
    record_put(payload, lt_File_fields, file);
    free(file);
}

static inline uint32_t
fake_put_cuts(
    buf_t *payload, uint32_t file, const fake_file_t *from, bool guessed)
{
    lt_Cuts *cuts = xcalloc(1, sizeof *cuts);
    buf_t at = {0};

    for (uint64_t i = from->step; i > 0 && i < from->size; i += from->step) {
        buf_put_varint(&at, from->step);
    }
    cuts->file = file;
    cuts->guessed = guessed;
    cuts->at.size = (pb_size_t)at.len;
    if (at.len > 0) {
        memcpy(cuts->at.bytes, at.p, at.len);
        record_put(payload, lt_Cuts_fields, cuts);
    }
    free(cuts);
    uint32_t n = at.len > 0;
    buf_fini(&at);
    return n;
}

// Answers the LIST that waits; false when none does.
static inline bool
fake_list_part(machine_t *m, const fake_t *w, lt_List *asked,
    const fake_file_t *files, size_t n, bool last)
{
    lt_Files meta = {.incarnation = w->incarnation,
        .job = asked->job,
        .request = asked->request,
        .n = (uint32_t)n,
        .last = last};
    buf_t payload = {0};

    for (size_t i = 0; i < n; i++) {
        fake_put_file(&payload, &files[i]);
    }
    for (size_t i = 0; i < n; i++) {
        meta.n_cuts +=
            fake_put_cuts(&payload, (uint32_t)i, &files[i], w->guesses);
    }
    fake_say(m, w, LINK_CONTROL, PROTO_FILES, lt_Files_fields, &meta,
        buf_span(&payload));
    buf_fini(&payload);
    return true;
}

static inline bool
fake_list(machine_t *m, const fake_t *w, const fake_file_t *files, size_t n)
{
    lt_List asked;

    return machine_heard(m, w->peer, PROTO_LIST, lt_List_fields, &asked) &&
           fake_list_part(m, w, &asked, files, n, true);
}

// "count" over one made-up file of web1.
static inline uint64_t
machine_job(machine_t *m, const fake_t *w, uint64_t size, uint64_t shard_bytes)
{
    const fake_file_t file = {"/var/log/x", size, 0, 0};
    char source[LIMIT_NAME + 20];

    snprintf(source, sizeof source, "%s:/var/log/x", w->name);
    uint64_t job = machine_submit(m, source, shard_bytes);
    assert(job != 0 && fake_list(m, w, &file, 1));
    return job;
}

// Over one file that all workers can read; the first one listed it.
static inline uint64_t
machine_shared_job(machine_t *m, uint64_t size, uint64_t shard_bytes)
{
    const fake_file_t file = {"/net/x", size, 0, 0};
    uint64_t job = machine_submit(m, "shared:/net/x", shard_bytes);
    bool listed = false;

    for (size_t i = 0; i < m->n_workers && !listed; i++) {
        listed = fake_list(m, &m->workers[i], &file, 1);
    }
    assert(job != 0 && listed);
    return job;
}

#endif
