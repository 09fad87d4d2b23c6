// SPDX-License-Identifier: Apache-2.0
// WORKER_LIST: what the coordinator knows of the workers, and of itself. One
// that asks with a worker's key hears of its own alone, so that a stolen key
// does not tell what other hosts there are.
#include "coordinator/coordinator_inside.h"

#include <stdio.h>
#include <string.h>

#define DIAL_MS 3000 // a connection to an intake has so long to stand

typedef struct answer {
    coordinator_t *self;
    uint64_t peer;
    buf_t records;
    lt_Records meta;
} answer_t;

static void
fill_labels(const worker_t *w, lt_WorkerInfo *out)
{
    size_t len = 0;

    for (size_t i = 0; i < w->n_labels && len < sizeof out->labels; i++) {
        int more = snprintf(out->labels + len, sizeof out->labels - len, "%s%s",
            i > 0 ? "," : "", w->labels[i]);
        len += more > 0 ? (size_t)more : 0;
    }
}

static void
fill_intake(const coordinator_t *self, const worker_t *w, lt_WorkerInfo *out)
{
    if (!w->up || self->config.local_host != NULL) {
        return;
    }
    if (w->intake_up) {
        snprintf(out->intake, sizeof out->intake, "up");
    } else if (self->now - w->intake_since < DIAL_MS) {
        snprintf(out->intake, sizeof out->intake, "connecting");
    } else if (w->dials) {
        snprintf(out->intake, sizeof out->intake, "not dialled");
    } else {
        snprintf(
            out->intake, sizeof out->intake, "unreachable: %s", w->endpoint);
    }
}

static void
fill_worker(const coordinator_t *self, const worker_t *w, lt_WorkerInfo *out)
{
    *out = (lt_WorkerInfo){.executors = w->executors,
        .held = (uint32_t)w->n_active,
        .bytes_a_second = worker_rate(w),
        .bytes_read = w->bytes_read,
        .last_heard_ms = (uint64_t)(self->now - w->heard),
        .clock_told = w->clock_told,
        .clock_ms = w->clock_ms,
        .open_files = w->open_files};
    snprintf(out->name, sizeof out->name, "%s", w->name);
    snprintf(out->key, sizeof out->key, "%s", w->key);
    snprintf(out->address, sizeof out->address, "%s", w->address);
    snprintf(out->state, sizeof out->state, "%s",
        w->up          ? "up"
        : w->forgotten ? "forgotten"
                       : "lost");
    snprintf(out->software, sizeof out->software, "%s", w->software);
    snprintf(out->sandbox, sizeof out->sandbox, "%s", w->sandbox);
    snprintf(out->trouble, sizeof out->trouble, "%s", w->trouble);
    snprintf(out->transport, sizeof out->transport, "%s",
        w->incarnation == 0 ? ""
        : w->dials          ? "dial"
                            : "push");
    fill_labels(w, out);
    fill_intake(self, w, out);
}

static void
put(answer_t *a, const lt_WorkerInfo *record)
{
    record_put(&a->records, lt_WorkerInfo_fields, record);
    a->meta.n++;
    if (a->records.len > RECORDS_MAX) {
        send_records(
            a->self, a->peer, PROTO_WORKER_LIST, &a->meta, &a->records, false);
    }
}

static void
put_refusal(void *ctx, const char *key, const char *address, int64_t ago_ms,
    const char *text)
{
    lt_WorkerInfo record = {
        .state = "refused", .last_heard_ms = (uint64_t)ago_ms};

    snprintf(record.name, sizeof record.name, "%s", key);
    snprintf(record.key, sizeof record.key, "%s", key);
    snprintf(record.address, sizeof record.address, "%s", address);
    snprintf(record.trouble, sizeof record.trouble, "%s", text);
    put(ctx, &record);
}

bool
on_workers(coordinator_t *self, const incoming_t *in)
{
    worker_t *w, *next;
    lt_WorkerInfo record;
    answer_t a = {.self = self,
        .peer = in->peer,
        .meta = {.wall_ms = self->now + self->wall_ms,
            .software = "logtally " LOGTALLY_VERSION,
            .sink_port = self->config.sink_port,
            .open_files = self->config.open_files}};
    const bool all = (in->who->roles & (ROLE_CLIENT | ROLE_ADMIN)) != 0;

    HASH_ITER(by_name, self->workers, w, next)
    {
        if (all || strcmp(w->key, in->who->name) == 0) {
            fill_worker(self, w, &record);
            put(&a, &record);
        }
    }
    refusals_each(self, all ? NULL : in->who->name, put_refusal, &a);
    send_records(self, in->peer, PROTO_WORKER_LIST, &a.meta, &a.records, true);
    buf_fini(&a.records);
    return true;
}
