// SPDX-License-Identifier: Apache-2.0
// Strangers are counted by the second, so that they cannot fill the disk.
#include "coordinator/audit_take_io.h"

#include "common/base/xalloc.h"
#include "common/wire/control.pb.h"
#include "common/wire/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
decimal(char text[24], uint64_t n)
{
    snprintf(text, 24, "%llu", (unsigned long long)n);
    return text;
}

static void
put(coordinator_io_t *self, const char *event, const identity_t *who,
    bool refused, const char *job, const char *query)
{
    const audit_pair_t pairs[] = {
        {"key", who->name},
        {"from", self->in.address},
        {"outcome", refused ? "refused" : "taken"},
        {job != NULL ? "job" : NULL, job},
        {query != NULL ? "query" : NULL, query},
        {NULL, NULL},
    };

    audit_io_put(self->audit, event, pairs);
}

// A SUBMIT that made no job was refused, or was asked again.
static void
put_submit(coordinator_io_t *self, const identity_t *who, const frame_t *frame,
    const coordinator_stats_t *before)
{
    lt_Submit *meta = xmalloc(sizeof *meta);
    uint64_t job = coordinator_stats(self->machine)->next_job;
    bool made = job != before->next_job;
    char text[24];

    if (frame_meta(frame, lt_Submit_fields, meta) == ERR_OK) {
        put(self, "submit", who, !made, made ? decimal(text, job - 1) : "-",
            meta->query);
    }
    free(meta);
}

static void
put_job(coordinator_io_t *self, const identity_t *who, const frame_t *frame,
    bool refused)
{
    lt_JobRequest meta;
    char text[24];

    if (frame_meta(frame, lt_JobRequest_fields, &meta) == ERR_OK) {
        put(self, "cancel", who, refused, decimal(text, meta.job), NULL);
    }
}

static void
put_result(coordinator_io_t *self, const identity_t *who, const frame_t *frame,
    bool refused)
{
    lt_ResultRequest meta;
    char text[24];

    if (frame_meta(frame, lt_ResultRequest_fields, &meta) == ERR_OK &&
        meta.offset == 0) {
        put(self, "result", who, refused, decimal(text, meta.job), NULL);
    }
}

// Whoever watches a job asks once a second; the first time says it.
static bool
is_watched(coordinator_io_t *self, const identity_t *who, uint64_t job)
{
    for (size_t i = 0; i < WATCHED; i++) {
        if (self->watched[i].job == job &&
            strcmp(self->watched[i].name, who->name) == 0) {
            return true;
        }
    }
    watched_t *w = &self->watched[self->n_watched++ % WATCHED];
    w->job = job;
    snprintf(w->name, sizeof w->name, "%s", who->name);
    return false;
}

static void
put_rows(coordinator_io_t *self, const identity_t *who, const frame_t *frame,
    bool refused)
{
    lt_JobRequest meta;
    char text[24];

    if (frame_meta(frame, lt_JobRequest_fields, &meta) == ERR_OK &&
        (refused || !is_watched(self, who, meta.job))) {
        put(self, "rows", who, refused, decimal(text, meta.job), NULL);
    }
}

void
audit_message(coordinator_io_t *self, const identity_t *who,
    const coordinator_stats_t *before)
{
    const coordinator_stats_t *now = coordinator_stats(self->machine);
    bool refused = now->messages_refused != before->messages_refused ||
                   now->refusals != before->refusals;
    frame_t frame;

    if (frame_decode(buf_span(&self->in.frame), &frame) != ERR_OK) {
        return;
    }
    if (frame.type == PROTO_SUBMIT) {
        put_submit(self, who, &frame, before);
    } else if (frame.type == PROTO_CANCEL_JOB) {
        put_job(self, who, &frame, refused);
    } else if (frame.type == PROTO_RESULT) {
        put_result(self, who, &frame, refused);
    } else if (frame.type == PROTO_ROWS) {
        put_rows(self, who, &frame, refused);
    } else if (frame.type == PROTO_RELOAD_KEYS) {
        put(self, "reload-keys", who, refused, NULL, NULL);
    }
}

void
audit_revoked(coordinator_io_t *self, const char *name)
{
    const audit_pair_t pairs[] = {{"key", name}, {NULL, NULL}};

    audit_io_put(self->audit, "key-revoked", pairs);
}

void
audit_tick(coordinator_io_t *self)
{
    zap_stats_t now = zap_stats(self->zap);
    zap_stats_t was = self->audited;
    char unknown[24], role[24], expired[24];
    const audit_pair_t pairs[] = {
        {"unknown",
            decimal(unknown, now.refused_unknown - was.refused_unknown)},
        {"role", decimal(role, now.refused_role - was.refused_role)},
        {"expired",
            decimal(expired, now.refused_expired - was.refused_expired)},
        {NULL, NULL},
    };

    if (now.refused_unknown != was.refused_unknown ||
        now.refused_role != was.refused_role ||
        now.refused_expired != was.refused_expired) {
        audit_io_put(self->audit, "keys-refused", pairs);
    }
    self->audited = now;
    audit_io_sync(self->audit);
}
